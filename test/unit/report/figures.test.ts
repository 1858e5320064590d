import { describe, expect, it } from 'vitest';
import type { QuarterHour } from '../../../src/ports/reports.ts';
import { kNoClamp, type ReportRows } from '../../../src/ports/reports.ts';
import { csvOf, journeysCsv, kReportTables, reportCsv } from '../../../src/report/csv.ts';
import { figuresBy } from '../../../src/report/figures.ts';
import { dayOf, instantOf, nameOf, rangeBefore } from '../../../src/report/period.ts';
import { lasting, quarterOf } from '../../support/quarters.ts';

const kBerlin = 'Europe/Berlin';

/** A quarter with so many successes of a minute each and so many declines of ten seconds. */
function quarter(startsAt: string, success: number, declined = 0): QuarterHour {
  const entered = success + declined;
  return quarterOf(startsAt, {
    ...{ entered, attempted: entered, attemptedSessions: entered },
    outcomes: { success: lasting(success, 60_000), declined: lasting(declined, 10_000) },
    ...(success > 0 && { charged: { EUR: 1050 * success }, refunded: { EUR: 50 } }),
  });
}

describe('the figures of a report', () => {
  it('tell the hour apart that clocks go through twice', () => {
    const night = [
      quarter('2026-10-24T23:45:00Z', 1),
      quarter('2026-10-25T00:00:00Z', 2),
      quarter('2026-10-25T00:45:00Z', 3),
      quarter('2026-10-25T01:00:00Z', 4),
      quarter('2026-10-25T02:00:00Z', 5),
    ];
    const hours = figuresBy(night, 'hour', kBerlin).map(({ period, entered }) => [period, entered]);
    expect(hours).toEqual([
      ['2026-10-25T01:00+02:00', 1],
      ['2026-10-25T02:00+02:00', 5],
      ['2026-10-25T02:00+01:00', 4],
      ['2026-10-25T03:00+01:00', 5],
    ]);
    expect(figuresBy(night, 'day', kBerlin)).toMatchObject([{ period: '2026-10-25', entered: 15 }]);
    expect(figuresBy(night, 'day', 'UTC')).toHaveLength(2);
  });

  it('know the hour that clocks leave out, days of 23 and 25 hours, and weeks of ISO 8601', () => {
    expect(nameOf(Date.parse('2026-03-29T01:00:00Z'), 'hour', kBerlin)).toBe('2026-03-29T03:00+02:00');
    const hour = 3_600_000;
    const days = ['2026-03-29', '2026-03-30', '2026-10-25', '2026-10-26'].map(
      (day) => instantOf(day, kBerlin) ?? 0,
    );
    expect([(days[1] ?? 0) - (days[0] ?? 0), (days[3] ?? 0) - (days[2] ?? 0)]).toEqual([
      23 * hour,
      25 * hour,
    ]);
    expect(nameOf(Date.parse('2027-01-03T12:00:00Z'), 'week', 'UTC')).toBe('2026-W53');
    expect(dayOf(Date.parse('2026-06-01T22:30:00Z'), kBerlin)).toBe(Date.parse('2026-06-01T22:00:00Z'));
  });

  it('are quarters in zones whose clocks stand 45 minutes apart', () => {
    expect(nameOf(Date.parse('2026-01-01T00:15:00Z'), 'hour', 'Asia/Kathmandu')).toBe(
      '2026-01-01T06:00+05:45',
    );
  });

  it('add up: entered is successful, unsuccessful and active; averages are over all quarters', () => {
    const [day] = figuresBy(
      [quarter('2026-06-01T10:00:00Z', 1, 3), quarter('2026-06-01T11:00:00Z', 2)],
      'day',
      'UTC',
    );
    expect(day).toMatchObject({
      entered: 6,
      successful: 3,
      unsuccessful: 3,
      active: 0,
      attempted: 6,
      averageDurationMs: { success: 60_000, declined: 10_000, abandoned: null },
      charged: { EUR: 3150 },
    });
  });

  it('are a table with a column for each currency', () => {
    const lines = csvOf(figuresBy([quarter('2026-06-01T10:00:00Z', 2, 1)], 'day', 'UTC')).split('\r\n');
    const [head = '', line = '', end] = lines;
    const cells = Object.fromEntries(head.split(',').map((name, column) => [name, line.split(',')[column]]));
    expect(cells).toMatchObject({
      period: '2026-06-01',
      entered: '3',
      successful: '2',
      declined: '1',
      agents_lost: '0',
      charged_minor_EUR: '2100',
      refunded_minor_EUR: '50',
      net_minor_EUR: '2050',
      average_active_ms_success: '50000',
      average_ms_success: '60000',
      average_ms_failed: '',
    });
    expect(end).toBe('');
  });

  it('have every table of a report, and of journeys', () => {
    const quarterHours = [quarter('2026-06-01T10:00:00Z', 2, 1)];
    const spread = { averageMs: 9, p50Ms: 8, p95Ms: null };
    const rows: ReportRows = {
      quarterHours,
      parts: [{ part: 'shop, "Berlin"', quarterHours }],
      clamp: { ...kNoClamp, sessions: 1 },
      durations: { success: { p50Ms: 1, p95Ms: 2 } },
      stages: [{ stage: 'PAN_ENTRY', outcome: 'abandoned', sessions: 3 }],
      results: [{ result: 'APPROVED', outcome: 'success', sessions: 4, ...spread }],
    };
    const csv = (table: (typeof kReportTables)[number]) =>
      reportCsv(table, rows, figuresBy(quarterHours, 'day', 'UTC'));
    const heads = kReportTables.map((table) => csv(table).split(/,|\r/)[0]);
    expect(heads).toEqual(['period', 'part', 'result', 'stage', 'outcome', 'sessions']);
    expect(csv('parts')).toMatch(/\r\n"shop, ""Berlin""",3,2,1,0,/);
    expect(csv('results')).toBe(
      'result,outcome,sessions,average_ms,p50_ms,p95_ms\r\nAPPROVED,success,4,9,8,\r\n',
    );
    expect(csv('durations')).toBe('outcome,p50_ms,p95_ms\r\nsuccess,1,2\r\n');
    const step = { stage: 'CVV_ENTRY', sessions: 2, visits: 3, lost: 1, ...spread };
    const journeys = { steps: [step], errors: [{ field: 'pan', error: 'luhn', count: 5, sessions: 4 }] };
    expect(journeysCsv('steps', journeys)).toMatch(/\r\nCVV_ENTRY,2,3,1,9,8,\r\n$/);
    expect(journeysCsv('errors', journeys)).toBe('field,error,count,sessions\r\npan,luhn,5,4\r\n');
  });

  it.each(['=1+1', '@SUM(A1)', '+1', '-2', '\tx'])('give a spreadsheet no formula: %j', (part) => {
    const rows = { quarterHours: [], clamp: kNoClamp, durations: {}, stages: [], results: [] };
    const csv = reportCsv('parts', { ...rows, parts: [{ part, quarterHours: [] }] }, []);
    expect(csv.split('\r\n')[1]).toMatch(/^'/);
  });

  it.each(['yesterday', '2026-13-01', '2026-10-25T10:00', ''])('have no beginning at %j', (text) => {
    expect(instantOf(text, 'UTC')).toBeUndefined();
  });
});

describe('the range before', () => {
  const at = (text: string) => Date.parse(text);

  it.each([
    // The week in which Berlin has a day of 25 hours, and the one after it.
    ['2026-10-18T22:00:00Z', '2026-10-25T23:00:00Z', '2026-10-11T22:00:00Z'],
    ['2026-10-25T23:00:00Z', '2026-11-01T23:00:00Z', '2026-10-18T22:00:00Z'],
    // … and of 23 hours.
    ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', '2026-03-27T23:00:00Z'],
    ['2026-03-29T22:00:00Z', '2026-03-30T22:00:00Z', '2026-03-28T23:00:00Z'],
    // Part of a day is as long in milliseconds.
    ['2026-10-24T22:00:00Z', '2026-10-25T12:00:00Z', '2026-10-24T08:00:00Z'],
  ])('of %s to %s begins at %s', (from, to, before) => {
    expect(rangeBefore(at(from), at(to), 'Europe/Berlin')).toEqual({ fromMs: at(before), toMs: at(from) });
  });
});
