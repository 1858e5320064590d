import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import type { ReportScope } from '../../../src/ports/reports.ts';
import { apiOptions, reportsOf } from '../../support/api-options.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { lasting, quarterOf } from '../../support/quarters.ts';

const kKey = 'open-sesame';
const kPath = '/v1/reports/payments';
const kQuarter = quarterOf('2026-10-25T00:00:00Z', {
  ...{ entered: 3, active: 1, attempted: 2, attemptedSessions: 2 },
  outcomes: { success: lasting(2, 45_000) },
  ...{ charged: { EUR: 2100, JPY: 500 }, refunded: { EUR: 100 } },
});

let api: Api;
let url: string;
let asked: ReportScope[];

beforeEach(async () => {
  asked = [];
  api = createApi(
    apiOptions({
      keys: [kKey],
      reports: reportsOf({ quarterHours: [kQuarter] }, (scope) => asked.push(scope)),
      clock: new FakeClock(new Date('2026-10-25T12:00:00Z')),
    }),
  );
  url = await api.start();
});

afterEach(() => api.stop());

function get(query: string, key = kKey) {
  return fetch(`${url}${kPath}${query}`, { headers: { authorization: `Bearer ${key}` } });
}

describe('reports over HTTP', () => {
  it('are of today in the zone when nothing else is asked', async () => {
    const body = await (await get('?zone=Europe/Berlin')).json();
    expect(asked).toEqual([
      { fromMs: Date.parse('2026-10-24T22:00:00Z'), toMs: Date.parse('2026-10-25T12:00:00Z') },
    ]);
    expect(body).toMatchObject({
      total: { entered: 3, successful: 2, active: 1, averageDurationMs: { success: 45_000 } },
      periods: [{ period: '2026-10-25' }],
    });
  });

  it('go back as far again for the period before', async () => {
    const body = await (await get('?from=2026-10-20&to=2026-10-22&compare=before&merchant=shop')).json();
    const day = (text: string) => Date.parse(`${text}T00:00:00Z`);
    expect(asked).toEqual([
      { fromMs: day('2026-10-20'), toMs: day('2026-10-22'), merchants: ['shop'] },
      { fromMs: day('2026-10-18'), toMs: day('2026-10-20'), merchants: ['shop'] },
    ]);
    expect(body).toMatchObject({ before: { entered: 3 } });
  });

  it('are a table for spreadsheets', async () => {
    const response = await get('?from=2026-10-25&format=csv&by=hour&zone=Europe/Berlin');
    expect(response.headers.get('content-type')).toContain('text/csv');
    expect(await response.text()).toContain('\r\n2026-10-25T02:00+02:00,3,2,0,1,');
  });

  it.each([
    ['?zone=Middle/Earth', 'zone: expected an IANA time zone'],
    ['?from=yesterday', 'from: yesterday: expected a date'],
    ['?from=2026-10-25&to=2026-10-24', 'to: expected no earlier than from'],
    ['?from=2020-01-01&to=2026-01-01', 'at most two years'],
    ['?by=minute', 'by: '],
    ['?colour=red', 'query: '],
  ])('of %s are refused with what is wrong', async (query, words) => {
    const response = await get(query);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(words);
    expect(asked).toEqual([]);
  });

  it('are for those who have a key', async () => {
    expect((await get('', 'wrong')).status).toBe(401);
  });
});
