import { describe, expect, it } from 'vitest';
import { spansOf, type TimelineEntry, type TimelineLeg } from '../../../web/call/timeline.ts';
import { maxOf, samplesOf, sumOf } from '../../../web/wallboard/metrics-text.ts';
import { dateOf, daysLater, type Figures, reportPath } from '../../../web/wallboard/report.ts';
import { changeOf, seriesOf } from '../../../web/wallboard/series.ts';

function figures(period: string, entered: number): Figures {
  return { period, entered, successful: entered - 1, unsuccessful: 1 } as Figures;
}

describe('the plot of the wallboard', () => {
  it('has nothing where nothing began, so that time goes on evenly', () => {
    const fromMs = Date.parse('2026-11-22T00:00:00Z');
    const periods = [figures('2026-11-22T01:00+00:00', 4), figures('2026-11-22T03:00+00:00', 2)];
    const series = seriesOf(periods, 'hour', fromMs, fromMs + 4.5 * 3_600_000);
    expect(series.entered).toEqual([0, 4, 0, 2, 0]);
    expect(series.successful).toEqual([0, 3, 0, 1, 0]);
    expect(series.names).toHaveLength(5);
  });

  it('names days by month and day', () => {
    expect(seriesOf([figures('2026-11-22', 4)], 'day', 0, 1).names).toEqual(['11-22']);
  });

  it.each([
    [12, 10, 0.2],
    [5, 10, -0.5],
    [5, 0, null],
    [null, 5, null],
    [5, undefined, null],
  ])('compares %j with %j', (now, before, change) => {
    expect(changeOf(now, before)).toBe(change);
  });
});

describe('what the wallboard asks for', () => {
  it('is a range of the reader’s zone, and only the filters that are set', () => {
    const path = reportPath(
      { from: '2026-11-01', by: 'day', compare: 'before' },
      { merchant: 'a&b', topology: '' },
    );
    const query = new URLSearchParams(path.split('?')[1]);
    expect(Object.fromEntries(query)).toMatchObject({
      from: '2026-11-01',
      by: 'day',
      compare: 'before',
      merchant: 'a&b',
    });
    expect(query.has('topology')).toBe(false);
    expect(query.get('zone')).not.toBe('');
  });

  it('counts days by the calendar, whatever clocks do', () => {
    expect(dateOf(daysLater(new Date(2026, 9, 24, 12), 1))).toBe('2026-10-25');
    expect(dateOf(daysLater(new Date(2026, 11, 31, 23), 1))).toBe('2027-01-01');
  });
});

describe('the text of metrics', () => {
  const samples = samplesOf(
    [
      '# HELP payment_gateway_up whether',
      'payment_gateway_up{gateway="a \\"b\\""} 1',
      'requests_total{op="sale",outcome="approved"} 3',
      'requests_total{op="sale",outcome="declined"} 2',
      'nonsense here and there {',
      'plain 4.5',
    ].join('\n'),
  );

  it('is read sample by sample', () => {
    expect(sumOf(samples, 'requests_total')).toBe(5);
    expect(sumOf(samples, 'requests_total', { outcome: 'declined' })).toBe(2);
    expect(maxOf(samples, 'plain')).toBe(4.5);
    expect(sumOf(samples, 'not there')).toBe(0);
    expect(samples[0]?.labels).toEqual({ gateway: 'a \\"b\\"' });
  });
});

describe('the course of a call', () => {
  const entry = (second: number, lane: TimelineEntry['lane'], text: string): TimelineEntry => ({
    at: new Date(second * 1000).toISOString(),
    lane,
    kind: 'note',
    text,
    leg: null,
  });
  const leg = (role: string, joined: number, left: number | null): TimelineLeg => ({
    ...{ role, callId: `${role}-${joined}`, peer: null, codec: null, media: null },
    joinedAt: new Date(joined * 1000).toISOString(),
    leftAt: left === null ? null : new Date(left * 1000).toISOString(),
  });

  it('has what lasted, from its beginning to its end', () => {
    const entries = [
      entry(0, 'dialog', 'GREETING'),
      entry(2, 'media', 'secure mode on'),
      entry(3, 'dialog', 'PAN_ENTRY'),
      entry(4, 'dialog', 'pan: invalid'),
      entry(5, 'gateway', 'attempt 1 to rest, card ending 4242'),
      entry(6, 'gateway', 'attempt 1: APPROVED'),
      entry(7, 'media', 'secure mode off'),
      entry(8, 'dialog', 'ended: APPROVED'),
      entry(9, 'sip', 'BYE'),
      entry(400_000, 'gateway', 'refund: DONE'),
    ];
    const legs = [leg('customer', 0, 9), leg('agent', 1, 4), leg('agent', 4, null)];
    expect(spansOf({ entries, legs })).toMatchObject({
      lengthMs: 9000,
      legs: [
        { fromMs: 0, toMs: 9000, name: 'customer' },
        { fromMs: 1000, toMs: 4000, name: 'agent' },
        { fromMs: 4000, toMs: 9000, name: 'agent 2' },
      ],
      dialog: [
        { fromMs: 0, toMs: 3000, name: 'GREETING' },
        { fromMs: 3000, toMs: 8000, name: 'PAN_ENTRY' },
      ],
      secure: [{ fromMs: 2000, toMs: 7000 }],
      gateway: [{ fromMs: 5000, toMs: 6000 }],
    });
  });

  it('lasts until the end of the axis where it has not ended, and is none of nothing', () => {
    const entries = [entry(0, 'media', 'secure mode on'), entry(4, 'dialog', 'PAN_ENTRY')];
    const spans = spansOf({ entries, legs: [] });
    expect(spans?.secure).toEqual([{ fromMs: 0, toMs: 4000, name: 'Keys kept from others' }]);
    expect(spansOf({ entries: [], legs: [] })).toBeNull();
  });
});
