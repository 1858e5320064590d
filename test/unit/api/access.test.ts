import { afterEach, describe, expect, it } from 'vitest';
import { type Api, apiRoutes, createApi } from '../../../src/api/api.ts';
import type { Route } from '../../../src/api/routes.ts';
import { type ApiRole, kApiRoles } from '../../../src/ports/api-roles.ts';
import type { LiveEvent } from '../../../src/ports/live-events.ts';
import type { ReportScope } from '../../../src/ports/reports.ts';
import type { Page } from '../../../src/ports/store.ts';
import { apiKeyOf, apiOptions, reportsOf, sessionsOf } from '../../support/api-options.ts';
import { askerOf, eventsOf } from '../../support/api-talk.ts';
import { EventReader } from '../../support/event-reader.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

let api: Api | undefined;
afterEach(() => api?.stop());

/** Who may do what. Besides these, some routes are for everybody. */
const kTable: Readonly<Record<string, readonly ApiRole[]>> = {
  'POST /v1/sessions': ['agent', 'integrator'],
  'GET /v1/sessions': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/sessions/{id}': ['agent', 'supervisor', 'integrator', 'operator', 'auditor'],
  'POST /v1/sessions/{id}/actions': ['agent', 'supervisor', 'integrator'],
  'POST /v1/sessions/{id}/idv': ['agent', 'integrator'],
  'GET /v1/calls': ['agent', 'supervisor', 'integrator', 'operator'],
  'GET /v1/sessions/{id}/ladder': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/sessions/{id}/ladder.svg': ['supervisor', 'integrator', 'operator', 'auditor'],
  'POST /v1/event-tickets': ['agent', 'supervisor', 'integrator', 'operator'],
  'GET /v1/events': ['agent', 'supervisor', 'integrator', 'operator'],
  'GET /v1/sessions/{id}/events': ['agent', 'supervisor', 'integrator', 'operator'],
  'GET /v1/payments': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/payments/{ref}': ['supervisor', 'integrator', 'operator', 'auditor'],
  'POST /v1/payments/reconcile': ['operator'],
  'POST /v1/payments/{ref}/attempts/{attempt}/settle': ['operator'],
  'POST /v1/payments/{ref}/capture': ['integrator', 'operator'],
  'POST /v1/payments/{ref}/void': ['integrator', 'operator'],
  'POST /v1/payments/{ref}/refund': ['integrator', 'operator'],
  'POST /v1/payments/{ref}/changes/{key}/settle': ['operator'],
  'GET /v1/reports/kpi': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/reports/payments': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/reports/journeys': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/live': ['supervisor', 'integrator', 'operator'],
  'GET /v1/sessions/{id}/segment': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/sessions/{id}/timeline': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/segments': ['supervisor', 'integrator', 'operator', 'auditor'],
  'GET /v1/audit': ['auditor', 'operator'],
  'GET /v1/audit/verification': ['auditor', 'operator'],
  'GET /v1/webhooks': ['integrator', 'operator'],
  'GET /v1/webhooks/{name}/deliveries': ['integrator', 'operator'],
  'POST /v1/webhooks/{name}/deliveries/{id}/replay': ['integrator', 'operator'],
};
const kEverybody =
  /^GET \/(livez|readyz|metrics|docs|(v1\/)?openapi\.json|desk|wallboard|calls\/|assets\/|pages\/)/;

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}

describe('roles', () => {
  it('are in the table for every route that is not for everybody', () => {
    const routes = apiRoutes(apiOptions({ keys: [] }));
    const closed = routes.filter((route) => route.allow !== 'everybody').map(nameOf);
    expect(closed.toSorted()).toEqual(Object.keys(kTable).toSorted());
    const open = routes.filter((route) => route.allow === 'everybody').map(nameOf);
    expect(open.filter((name) => !kEverybody.test(name))).toEqual([]);
  });

  it.each(kApiRoles)('%s may use its routes, and is refused at the others alike', async (role) => {
    api = createApi(apiOptions({ keys: [apiKeyOf('k', { roles: [role] })] }));
    const url = await api.start();
    const refused = new Set<string>();
    for (const [name, roles] of Object.entries(kTable)) {
      const [method = '', path = ''] = name.split(' ');
      const response = await fetch(url + path.replace(/\{\w+\}/g, '1'), {
        method,
        headers: { authorization: 'Bearer k' },
      });
      if (response.headers.get('content-type') === 'text/event-stream') await response.body?.cancel();
      else if (response.status === 403) refused.add(((await response.json()) as { code: string }).code);
      expect([name, response.status === 403]).toEqual([name, !roles.includes(role)]);
      expect(response.status).not.toBe(401);
    }
    expect(refused).toEqual(new Set(['API_FORBIDDEN']));
  });

  it('are worth nothing without a proof: every closed route is 401 to all others', async () => {
    api = createApi(apiOptions({ keys: ['k'] }));
    const url = await api.start();
    for (const name of Object.keys(kTable)) {
      const [method = '', path = ''] = name.split(' ');
      const { status } = await fetch(url + path.replace(/\{\w+\}/g, '1'), {
        method,
        headers: { authorization: 'Bearer x' },
      });
      expect([name, status]).toEqual([name, 401]);
    }
  });
});

describe('an auditor', () => {
  it('reads and changes nothing: not one of the routes that do is for that role', () => {
    const writing = Object.entries(kTable).filter(([name]) => name.startsWith('POST'));
    expect(writing.length).toBeGreaterThan(8);
    expect(writing.filter(([, roles]) => roles.includes('auditor'))).toEqual([]);
  });

  it('reads the audit of all merchants or none of it', async () => {
    const keys = [
      apiKeyOf('all', { roles: ['auditor'] }),
      apiKeyOf('one', { roles: ['auditor'], merchants: ['shop'] }),
    ];
    api = createApi(apiOptions({ keys }));
    const url = await api.start();
    for (const path of ['/v1/audit', '/v1/audit/verification']) {
      const statuses = ['all', 'one'].map(async (key) => {
        return (await fetch(url + path, { headers: { authorization: `Bearer ${key}` } })).status;
      });
      expect(await Promise.all(statuses)).toEqual([200, 403]);
    }
  });
});

describe('a key of one merchant', () => {
  const rows = [
    sessionOf({ sessionId: 'mine', merchantId: 'shop' }),
    sessionOf({ sessionId: 'theirs', merchantId: 'other' }),
    sessionOf({ sessionId: 'nobodys', merchantId: null }),
  ];

  async function start() {
    const pages: Page[] = [];
    const scopes: ReportScope[] = [];
    const kept: LiveEvent[] = rows.map(({ sessionId }, index) => eventOf(index + 1, sessionId));
    const live = eventsOf(kept, 3);
    const prepared: (string | null)[] = [];
    api = createApi(
      apiOptions({
        keys: [apiKeyOf('shop-key', { merchants: ['shop'] }), apiKeyOf('all')],
        records: {
          find: (id) => rows.find(({ sessionId }) => sessionId === id),
          sessions: (page) => {
            pages.push(page);
            return [];
          },
        },
        sessions: sessionsOf({
          ids: () => ['mine', 'theirs', 'nobodys'],
          view: () => ({ state: 'paying' }),
          act: async () => ({ kind: 'done' }),
          prepare: ({ merchantId }) => {
            prepared.push(merchantId);
            return { id: 'new', payUri: 'sip:x@y', roomUri: null };
          },
        }),
        payments: {
          ledger: {
            list: () => [],
            payment: (ref) => [{ ...attemptOf({ merchantId: ref }), customerId: null, reference: null }],
            settleByHand: () => true,
          },
          resolveNow: async () => undefined,
          followUps: {
            request: async () => ({ kind: 'not_possible', reason: 'it was asked' }),
            journal: {
              book: (ref) => ({ attempts: [attemptOf({ merchantId: ref })], followUps: [] }),
              settleByHand: () => true,
            },
          },
        },
        reports: reportsOf({}, (scope) => scopes.push(scope)),
        webhooks: {
          webhooks: ['shop', 'other', null].map((merchant) => ({ name: `of-${merchant}`, merchant })),
          outbox: { deliveries: () => [], replay: () => true },
          hurry: () => undefined,
        },
        events: live.events,
      }),
    );
    const url = await api.start();
    const ask = askerOf(url, 'shop-key');
    return { url, ask, tell: live.tell, pages, scopes, prepared };
  }

  it('sees its sessions; others are as those there are not', async () => {
    const { ask } = await start();
    expect((await ask('/v1/sessions/mine')).status).toBe(200);
    for (const id of ['theirs', 'nobodys']) {
      for (const path of [
        `/v1/sessions/${id}`,
        `/v1/sessions/${id}/segment`,
        `/v1/sessions/${id}/timeline`,
        `/v1/sessions/${id}/ladder`,
        `/v1/sessions/${id}/events`,
      ]) {
        const { status, body } = await ask(path);
        expect([path, status, body['detail']]).toEqual([path, 404, undefined]);
      }
      expect((await ask(`/v1/sessions/${id}/actions`, { action: 'cancel' })).status).toBe(404);
      expect((await ask(`/v1/sessions/${id}/idv`, { result: 'verified' })).status).toBe(404);
    }
    expect((await ask('/v1/sessions/theirs', undefined, 'all')).status).toBe(200);
    expect((await ask('/v1/calls')).body['calls']).toMatchObject([{ id: 'mine' }]);
    expect((await ask('/v1/calls', undefined, 'all')).body['calls']).toHaveLength(3);
  });

  it('asks lists and reports for its own alone', async () => {
    const { ask, pages, scopes } = await start();
    await ask('/v1/sessions');
    await ask('/v1/reports/kpi');
    await ask('/v1/reports/kpi?merchant=shop');
    expect(pages).toMatchObject([{ merchants: ['shop'] }]);
    expect(scopes).toMatchObject([{ merchants: ['shop'] }, { merchants: ['shop'] }]);
    expect((await ask('/v1/reports/kpi?merchant=other')).status).toBe(403);
    expect(scopes).toHaveLength(2);
    await ask('/v1/reports/kpi', undefined, 'all');
    expect(scopes[2]).not.toHaveProperty('merchants');
  });

  it('sees and settles no payment, and no webhook, of others', async () => {
    const { ask } = await start();
    expect((await ask('/v1/payments/shop')).status).toBe(200);
    expect((await ask('/v1/payments/other')).status).toBe(404);
    const settle = { state: 'REVERSED', note: 'n', by: 'b' };
    expect((await ask('/v1/payments/other/attempts/1/settle', settle)).status).toBe(404);
    const change = { note: 'n', by: 'b' };
    for (const kind of ['capture', 'void', 'refund']) {
      expect((await ask(`/v1/payments/other/${kind}`, change)).status).toBe(404);
      expect((await ask(`/v1/payments/shop/${kind}`, change)).body['detail']).toMatch(/Idempotency-Key/);
    }
    expect((await ask('/v1/webhooks')).body['webhooks']).toEqual([{ name: 'of-shop', merchant: 'shop' }]);
    expect((await ask('/v1/webhooks/of-other/deliveries')).status).toBe(404);
    expect((await ask('/v1/webhooks/of-null/deliveries/1/replay', {})).status).toBe(404);
  });

  it('prepares sessions of its merchant, named or not, and of no other', async () => {
    const { ask, prepared } = await start();
    expect((await ask('/v1/sessions', { topology: 'ivr' })).status).toBe(201);
    expect((await ask('/v1/sessions', { topology: 'ivr', merchantId: 'shop' })).status).toBe(201);
    expect((await ask('/v1/sessions', { topology: 'ivr', merchantId: 'other' })).status).toBe(403);
    expect(prepared).toEqual(['shop', 'shop']);
  });

  it('hears of its sessions alone, now and of what it missed, also with a ticket', async () => {
    const { url, ask, tell } = await start();
    const { body } = await ask('/v1/event-tickets', {});
    const readers = await Promise.all([
      EventReader.open(`${url}/v1/events?after=0`, { authorization: 'Bearer shop-key' }),
      EventReader.open(`${url}/v1/events?after=0&ticket=${body['ticket']}`, {}),
      EventReader.open(`${url}/v1/events?after=0&session=theirs`, { authorization: 'Bearer shop-key' }),
      EventReader.open(`${url}/v1/events?after=0`, { authorization: 'Bearer all' }),
    ]);
    for (const [index, { sessionId }] of rows.entries()) tell(eventOf(10 + index, sessionId));
    await expect.poll(() => readers[3]?.heard.length).toBe(6);
    await api?.stop();
    await Promise.all(readers.map(({ ended }) => ended));
    const heard = readers.map(({ heard }) => heard.map(({ data }) => data['sessionId']));
    expect(heard.slice(0, 3)).toEqual([['mine', 'mine'], ['mine', 'mine'], []]);
  });
});

describe('keys that are replaced', () => {
  it('prove nothing any more, nor do the tickets issued to them; their streams end', async () => {
    api = createApi(apiOptions({ keys: ['old', 'kept'] }));
    const url = await api.start();
    const ask = async (key: string) =>
      (await fetch(`${url}/v1/calls`, { headers: { authorization: `Bearer ${key}` } })).status;
    const issued = await fetch(`${url}/v1/event-tickets`, {
      method: 'POST',
      headers: { authorization: 'Bearer old' },
    });
    const { ticket } = (await issued.json()) as { ticket: string };
    const reader = await EventReader.open(`${url}/v1/events`, { authorization: 'Bearer old' });
    api.replace({ keys: [apiKeyOf('kept'), apiKeyOf('new')], tls: null });
    await reader.ended;
    expect([await ask('old'), await ask('kept'), await ask('new')]).toEqual([401, 200, 200]);
    expect((await fetch(`${url}/v1/events?ticket=${ticket}`)).status).toBe(401);
  });
});

describe('too many requests', () => {
  it('of one key are refused with when to come again, and not those of another', async () => {
    let nowMs = Date.parse('2026-11-22T12:00:00Z');
    const keys = [apiKeyOf('busy', { requestsPerMinute: 3 }), apiKeyOf('calm', { requestsPerMinute: 3 })];
    api = createApi(apiOptions({ keys, clock: { now: () => nowMs, date: () => new Date(nowMs) } }));
    const url = await api.start();
    const ask = (key: string) => fetch(`${url}/v1/calls`, { headers: { authorization: `Bearer ${key}` } });
    for (let n = 0; n < 3; n++) expect((await ask('busy')).status).toBe(200);
    const refused = await ask('busy');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '20']);
    expect(await refused.json()).toMatchObject({ code: 'API_TOO_MANY_REQUESTS', retry: 'safe' });
    expect((await ask('calm')).status).toBe(200);
    nowMs += 20_000;
    expect((await ask('busy')).status).toBe(200);
    expect((await ask('busy')).status).toBe(429);
  });

  it('with wrong keys are refused by address, whatever the key', async () => {
    api = createApi(apiOptions({ keys: ['k'], clock: { now: () => 0, date: () => new Date(0) } }));
    const url = await api.start();
    const statuses = new Set<number>();
    for (let n = 0; n < 61; n++) {
      const { status } = await fetch(`${url}/v1/calls`, { headers: { authorization: `Bearer guess-${n}` } });
      statuses.add(status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await fetch(`${url}/v1/calls`, { headers: { authorization: 'Bearer k' } })).status).toBe(200);
  });
});

function eventOf(id: number, sessionId: string): LiveEvent {
  return { id, sessionId, at: '2026-11-22T12:00:00.000Z', type: 'ended', detail: {} };
}
