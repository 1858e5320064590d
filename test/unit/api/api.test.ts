import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Api, type ApiOptions, createApi } from '../../../src/api/api.ts';
import type { CallLadder } from '../../../src/ladder/call-ladder.ts';
import { money } from '../../../src/money/money.ts';
import type { AttemptRecord, SessionRecord } from '../../../src/ports/store.ts';
import { Health } from '../../../src/telemetry/health.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { apiOptions, sessionsOf } from '../../support/api-options.ts';

const kKey = 'open-sesame';
const kPan = '4242424242424242';

const kRecord: SessionRecord = {
  sessionId: 's-1',
  callId: 'c-1',
  profile: 'pureconnect-ivr',
  topology: 'ivr',
  locale: 'en-US',
  customerId: 'C-7',
  merchantId: null,
  reference: `order ${kPan}`,
  from: '…1234',
  to: 'pay',
  trunk: 'lab',
  currency: 'USD',
  amountRequested: 5025,
  amountCharged: null,
  exponent: 2,
  paymentRef: 'R4K2M8TQ0VZ3W6XA',
  result: null,
  outcome: null,
  gateway: 'simulator',
  transactionId: null,
  authCode: null,
  brand: 'visa',
  last4: '4242',
  attempts: 1,
  declines: 1,
  lastDeclineClass: 'soft',
  lastDeclineCode: '51',
  stageReached: 'RETRY_MENU',
  callerPresent: true,
  agentLost: false,
  announced: false,
  startedAt: '2026-11-21T12:00:00.000Z',
  endedAt: null,
  durationMs: null,
  media: null,
};

const kAttempt: AttemptRecord = {
  sessionId: 's-1',
  attempt: 1,
  merchantId: null,
  paymentRef: 'R4K2M8TQ0VZ3W6XA',
  idempotencyKey: 'R4K2M8TQ0VZ3W6XA01',
  state: 'DECLINED',
  amount: money(5025, 'USD'),
  brand: 'visa',
  last4: '4242',
  gateway: 'simulator',
  transactionId: 't-1',
  declineClass: 'soft',
  declineCode: '51',
  sentAt: '2026-11-21T12:01:00.000Z',
  doneAt: '2026-11-21T12:01:01.000Z',
};

let api: Api | undefined;
let lines: string[] = [];

async function start(options: Omit<Partial<Parameters<typeof apiOptions>[0]>, 'keys'> = {}) {
  lines = [];
  const health = new Health();
  const metrics = createMetrics();
  api = createApi(
    apiOptions({
      keys: ['another', kKey],
      records: {
        find: (id) => (id === 's-1' ? kRecord : undefined),
        attempts: () => [kAttempt],
      },
      metrics,
      health,
      log: createLog({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } }),
      ...options,
    }),
  );
  const url = await api.start();
  const get = (path: string, key?: string) =>
    fetch(url + path, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
  return { url, get, health, metrics };
}

afterEach(async () => {
  await api?.stop();
  api = undefined;
});

describe('GET /v1/sessions/{id}', () => {
  it('gives the record, amounts in major units, with its submissions', async () => {
    const { get } = await start();
    const response = await get('/v1/sessions/s-1', kKey);
    expect(response.status).toBe(200);
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({
      id: 's-1',
      amountRequested: '50.25',
      amountCharged: null,
      currency: 'USD',
      last4: '4242',
      result: null,
      submissions: [
        { attempt: 1, state: 'DECLINED', amount: '50.25', currency: 'USD', declineClass: 'soft' },
      ],
    });
    expect(body).not.toHaveProperty('sessionId');
  });

  it('lays the running session over its record', async () => {
    const { get } = await start({
      sessions: sessionsOf({ view: (id) => ({ stageReached: `PAN_ENTRY of ${id}` }) }),
    });
    expect(await (await get('/v1/sessions/s-1', kKey)).json()).toMatchObject({
      stageReached: 'PAN_ENTRY of s-1',
    });
  });

  it.each([
    ['unknown', 'REVERSED', 'REVERSED'],
    ['unknown', 'MANUAL', 'MANUAL'],
    ['unknown', 'UNKNOWN', null],
    ['success', 'APPROVED', null],
  ] as const)(
    'says what an outcome that was %s with an attempt %s turned out to be',
    async (outcome, state, resolution) => {
      const records = { find: () => ({ ...kRecord, outcome }), attempts: () => [{ ...kAttempt, state }] };
      const { get } = await start({ records });
      expect(await (await get('/v1/sessions/s-1', kKey)).json()).toMatchObject({ resolution });
    },
  );

  it('shows no card number that a peer wrote into the call data', async () => {
    const { get } = await start();
    const text = await (await get('/v1/sessions/s-1', kKey)).text();
    expect(text).toContain('"reference":"order [digits]"');
    expect(text).not.toContain(kPan);
  });

  it('is refused alike without a key, with a wrong one and for a session that does not exist', async () => {
    const { get } = await start();
    const answers = await Promise.all([
      get('/v1/sessions/s-1'),
      get('/v1/sessions/s-1', 'open-sesam'),
      get('/v1/sessions/nobody', ''),
      get('/v1/sessions/s-1', `${kKey} x`),
    ]);
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(new Set(bodies).size).toBe(1);
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      type: 'urn:hushpay:error:API_UNAUTHORIZED',
      title: 'Unauthorized',
      status: 401,
      code: 'API_UNAUTHORIZED',
      retry: 'never',
    });
    expect(answers[0]?.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answers[0]?.headers.get('www-authenticate')).toBe('Bearer');
  });

  it.each(['/v1/sessions/nobody', '/v1/sessions/..%2f..%2fetc', `/v1/sessions/${'x'.repeat(65)}`])(
    'is 404 for %s',
    async (path) => {
      const { get } = await start();
      const response = await get(path, kKey);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ title: 'Not Found', status: 404, code: 'API_NOT_FOUND' });
    },
  );

  it('says no more than 500 when something breaks, and logs the rest', async () => {
    const { get } = await start({
      records: {
        find: () => {
          throw new Error('disk is full');
        },
        attempts: () => [],
      },
    });
    const response = await get('/v1/sessions/s-1', kKey);
    expect([response.status, await response.json()]).toEqual([
      500,
      {
        type: 'urn:hushpay:error:INTERNAL',
        title: 'Internal Server Error',
        status: 500,
        code: 'INTERNAL',
        retry: 'never',
      },
    ]);
    expect(lines.join('')).toContain('disk is full');
  });
});

describe('GET /v1/sessions/{id}/timeline', () => {
  it('has the audit and all parts of a session, for those who see it', async () => {
    const entry = { seq: 4, at: '2026-11-21T12:00:01.000Z', actor: 'hushpay', action: 'payment.submitted' };
    const entriesOf = (id: string) => (id === 's-1' ? [{ ...entry, object: 's-1/1', detail: {} }] : []);
    const { get } = await start({ audit: { ...apiOptions({ keys: [] }).audit, entriesOf } });
    const answer = await get('/v1/sessions/s-1/timeline', kKey);
    expect(answer.status).toBe(200);
    const { legs, entries, audit } = (await answer.json()) as Record<string, unknown[]>;
    expect(legs).toMatchObject([{ role: 'customer', peer: null }]);
    expect(audit).toHaveLength(1);
    expect(new Set((entries as { lane: string }[]).map(({ lane }) => lane))).toEqual(
      new Set(['gateway', 'audit']),
    );
    expect((await get('/v1/sessions/s-9/timeline', kKey)).status).toBe(404);
    expect((await get('/v1/sessions/s-1/timeline')).status).toBe(401);
  });
});

describe('GET /v1/sessions/{id}/ladder', () => {
  const ladder: CallLadder = {
    callId: 'c-1',
    peer: 'udp 192.0.2.1:5060',
    startedAt: '2026-11-21T12:00:00.000Z',
    rows: [{ atMs: 0, kind: 'sent', text: 'INVITE sip:<pay>@h, SDP', method: 'INVITE' }],
    leftOut: 3,
  };
  const ladderOf: ApiOptions['ladderOf'] = async (callId) => (callId === 'c-1' ? ladder : undefined);

  it('is the SIP of the call as text', async () => {
    const { get } = await start({ ladderOf });
    const response = await get('/v1/sessions/s-1/ladder', kKey);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/plain; charset=utf-8',
    ]);
    const [head = '', first = '', last = ''] = (await response.text()).split('\n');
    expect(head).toMatch(/^ +udp 192\.0\.2\.1:5060 +hushpay$/);
    expect(first).toContain('─ INVITE sip:<pay>@h, SDP ─');
    expect(last).toContain('· 3 more left out ·');
  });

  it('and as a picture', async () => {
    const { get } = await start({ ladderOf });
    const response = await get('/v1/sessions/s-1/ladder.svg', kKey);
    expect(response.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8');
    expect(await response.text()).toContain('INVITE sip:&#60;pay&#62;@h, SDP');
  });

  it.each(['ladder', 'ladder.svg'])('%s wants a key', async (ending) => {
    const { get } = await start({ ladderOf });
    expect((await get(`/v1/sessions/s-1/${ending}`)).status).toBe(401);
    expect((await get(`/v1/sessions/s-1/${ending}`, 'open-sesam')).status).toBe(401);
  });

  it('is 404 for a session nobody knows, and says so when the SIP is not kept any more', async () => {
    const { get } = await start();
    expect((await get('/v1/sessions/nobody/ladder', kKey)).status).toBe(404);
    const gone = await get('/v1/sessions/s-1/ladder', kKey);
    expect([gone.status, await gone.json()]).toMatchObject([
      404,
      { detail: expect.stringContaining('not kept') },
    ]);
  });
});

describe('monitoring', () => {
  it('is live as soon as it listens', async () => {
    const { get } = await start();
    expect((await get('/livez')).status).toBe(200);
  });

  it('is ready when every check is well, and says which is not', async () => {
    const { get, health } = await start();
    health.add('sip', () => ({ ok: true }));
    expect((await get('/readyz')).status).toBe(200);
    health.add('gateway', () => ({ ok: false, reason: 'connection refused' }));
    const response = await get('/readyz');
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, checks: { sip: { ok: true }, gateway: { ok: false, reason: 'connection refused' } } },
    ]);
  });

  it('serves metrics as Prometheus reads them', async () => {
    const { get, metrics } = await start();
    metrics.sessionEntered('ivr');
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('payment_sessions_entered_total{mode="ivr"} 1');
  });
});

describe('every answer', () => {
  it.each(['/livez', '/nowhere', '/v1/sessions/s-1'])('%s carries the security headers', async (path) => {
    const { headers } = await (await start()).get(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('to a body of more than 64 KiB is a refusal', async () => {
    const { url } = await start();
    const body = JSON.stringify('x'.repeat(70_000));
    const response = await fetch(`${url}/livez`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect([404, 413]).toContain(response.status);
    expect(response.headers.get('content-type')).toMatch(/problem\+json/);
  });
});

describe('start', () => {
  it('names the port that is busy and what to do', async () => {
    const other: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      await expect(start({ port })).rejects.toMatchObject({
        code: 'CFG_PORT_BUSY',
        message: expect.stringMatching(
          new RegExp(
            `http\\.port = 127\\.0\\.0\\.1:${port}[\\s\\S]*another program[\\s\\S]*HUSHPAY_HTTP_PORT`,
          ),
        ),
      });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});
