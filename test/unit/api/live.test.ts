import { afterEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import type { ReportScope } from '../../../src/ports/reports.ts';
import { Health } from '../../../src/telemetry/health.ts';
import { apiKeyOf, apiOptions, reportsOf, sessionsOf } from '../../support/api-options.ts';
import { lasting, quarterOf } from '../../support/quarters.ts';
import { sessionOf } from '../../support/records.ts';

const kQuarter = quarterOf('2026-10-25T10:00:00Z', {
  ...{ entered: 4, active: 1, attempted: 3, attemptedSessions: 3, charged: { EUR: 2100 } },
  outcomes: { success: lasting(2, 45_000), declined: lasting(1, 8000) },
  hangUps: { before: 1, inFlight: 0, after: 0 },
});
const kViews: Readonly<Record<string, object>> = {
  a: { topology: 'conference', merchantId: 'shop', stage: 'PAN_ENTRY', secure: true, state: 'paying' },
  b: { topology: 'conference', merchantId: 'other', stage: 'PAN_ENTRY', secure: true, state: 'paying' },
  c: { topology: 'ivr', stage: 'GREETING', secure: false, state: 'paying' },
  d: { topology: 'conference', merchantId: 'shop', state: 'prepared' },
};

let api: Api | undefined;
afterEach(() => api?.stop());

async function start() {
  const scopes: ReportScope[] = [];
  const now = { ms: Date.parse('2026-10-25T12:00:00Z') };
  const health = new Health();
  health.add('gateway', () => ({ ok: true }));
  health.add('gateway shop', () => ({ ok: false, reason: 'does not answer' }));
  health.add('gateway other', () => ({ ok: true }));
  api = createApi(
    apiOptions({
      keys: [apiKeyOf('all'), apiKeyOf('shop', { merchants: ['shop'] })],
      reports: reportsOf({ quarterHours: [kQuarter] }, (scope) => scopes.push(scope)),
      records: { find: (id) => (id === 'c' ? sessionOf({ sessionId: 'c', merchantId: 'shop' }) : undefined) },
      sessions: sessionsOf({ ids: () => Object.keys(kViews), view: (id) => kViews[id] }),
      clock: { now: () => now.ms, date: () => new Date(now.ms) },
      health,
    }),
  );
  const url = await api.start();
  const get = async (query: string, key = 'all') => {
    const response = await fetch(`${url}/v1/live${query}`, { headers: { authorization: `Bearer ${key}` } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { get, scopes, now };
}

describe('the live figures', () => {
  it('are the six of today in the zone, of the last hour and the last five minutes', async () => {
    const { get, scopes } = await start();
    const { body } = await get('?zone=Europe/Berlin');
    expect(scopes.map(({ fromMs }) => new Date(fromMs).toISOString())).toEqual([
      '2026-10-24T22:00:00.000Z',
      '2026-10-25T11:00:00.000Z',
      '2026-10-25T11:55:00.000Z',
    ]);
    expect(body['today']).toMatchObject({
      ...{ entered: 4, successful: 2, unsuccessful: 1, active: 1, attempted: 3, hangUps: { all: 1 } },
      averageDurationMs: { success: 45_000, declined: 8000 },
    });
  });

  it('have the running sessions by step, and how well the parts are', async () => {
    const { get } = await start();
    const { body } = await get('');
    expect(body).toMatchObject({
      ...{ sessions: 4, secure: 2 },
      steps: [
        { stage: 'PAN_ENTRY', topology: 'conference', sessions: 2 },
        { stage: 'GREETING', topology: 'ivr', sessions: 1 },
        { stage: 'PREPARED', topology: 'conference', sessions: 1 },
      ],
      health: { ready: false, checks: { 'gateway shop': { ok: false, reason: 'does not answer' } } },
    });
  });

  it('are of one merchant or topology where that is asked, and of one’s own alone', async () => {
    const { get, scopes } = await start();
    expect((await get('?merchant=shop')).body).toMatchObject({ sessions: 3, secure: 1 });
    expect((await get('?topology=ivr')).body).toMatchObject({ sessions: 1 });
    const { body } = await get('', 'shop');
    expect(body).toMatchObject({ sessions: 3, secure: 1 });
    expect(Object.keys((body['health'] as { checks: object }).checks)).toEqual(['gateway', 'gateway shop']);
    expect((await get('?merchant=other', 'shop')).status).toBe(403);
    expect(scopes.map(({ merchants, topology }) => [merchants, topology])).toEqual([
      ...Array(3).fill([['shop'], undefined]),
      ...Array(3).fill([undefined, 'ivr']),
    ]);
  });

  it('are read once a second, however many look at them', async () => {
    const { get, scopes, now } = await start();
    await Promise.all([get(''), get(''), get('')]);
    expect(scopes).toHaveLength(3);
    now.ms += 999;
    await get('');
    expect(scopes).toHaveLength(3);
    now.ms += 1;
    await get('');
    expect(scopes).toHaveLength(6);
  });
});
