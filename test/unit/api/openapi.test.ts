import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type ApiOptions, apiRoutes, createApi, servedRoutes } from '../../../src/api/api.ts';
import type { FollowUpDesk } from '../../../src/api/follow-ups.ts';
import { openApi } from '../../../src/api/openapi.ts';
import { LiveFeed } from '../../../src/call/live-feed.ts';
import { money } from '../../../src/money/money.ts';
import type { FollowUpRecord } from '../../../src/ports/store.ts';
import { ReportThread } from '../../../src/store/report-thread.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { Health } from '../../../src/telemetry/health.ts';
import { Contract, writtenDocument } from '../../support/api-contract.ts';
import { apiOptions, sessionsOf } from '../../support/api-options.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kKey = 'open-sesame';
const kManual = {
  state: 'MANUAL',
  ...{ transactionId: 't-1', declineClass: null, declineCode: null },
  doneAt: '2026-11-22T12:01:00.000Z',
} as const;

describe('the document of the API', () => {
  it('is the one that is checked in: `npm run api:document` writes it', () => {
    const made = JSON.parse(JSON.stringify(openApi(apiRoutes(apiOptions({ keys: [] })))));
    expect(made).toEqual(writtenDocument());
  });

  it('is OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(writtenDocument()));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(writtenDocument()['openapi']).toMatch(/^3\.1\./);
  });

  it('has every route the server listens to, and no other', () => {
    const options = apiOptions({ keys: [] });
    const documented = apiRoutes(options).map(
      ({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(documented.toSorted()).toEqual(servedRoutes(options).toSorted());
    expect(new Set(apiRoutes(options).map(({ name }) => name)).size).toBe(documented.length);
  });

  it('has every route of the design', () => {
    const paths = Object.keys(writtenDocument()['paths'] as object);
    const design = [
      ...['/v1/sessions', '/v1/sessions/{id}', '/v1/sessions/{id}/actions', '/v1/sessions/{id}/events'],
      ...['/v1/calls', '/v1/reports/kpi', '/metrics', '/livez', '/readyz', '/openapi.json', '/docs'],
    ];
    expect(design.filter((path) => !paths.includes(path))).toEqual([]);
  });
});

describe('answers of a server', () => {
  let directory: string;
  let store: Store;
  let reports: ReportThread;
  let api: Api;
  let url: string;
  let options: ApiOptions;
  let contract: Contract;
  let health: Health;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hushpay-contract-'));
    const file = join(directory, 'hushpay.sqlite');
    store = openStore({ file, log: new FakeLog() });
    store.open(
      sessionOf({
        outcome: 'unknown',
        result: 'UNKNOWN',
        media: { mos: 4.3 },
        startedAt: '2026-11-21T12:00:00.000Z',
      }),
    );
    store.begin(attemptOf());
    store.settle({ sessionId: 'S1', attempt: 1 }, kManual);
    store.open(
      sessionOf({ sessionId: 'S2', paymentRef: 'P2', endedAt: '2026-11-21T12:01:00.000Z', durationMs: 5 }),
    );
    store.outbox.fill(
      'crm',
      [{ type: 'payment.completed', sessionId: 'S1', body: '{"event":1}' }],
      1,
      '2026-11-21T12:00:00.000Z',
    );
    for (const name of ['desk', 'wallboard', 'call', 'assets'])
      mkdirSync(join(directory, 'pages', name), { recursive: true });
    for (const name of ['desk', 'wallboard', 'call'])
      writeFileSync(join(directory, 'pages', name, 'index.html'), '<p>');
    writeFileSync(join(directory, 'pages/assets/desk-x1.js'), 'export {};');
    reports = new ReportThread({ file, auditKeyFile: join(directory, 'audit.key') });
    health = new Health();
    const clock = new FakeClock();
    options = apiOptions({
      audit: {
        entriesOf: (id) => store.audit.entriesOf(id),
        page: (limit, before) => store.audit.page(limit, before),
        verify: (anchor) => reports.verifyAudit(anchor),
      },
      ...{ keys: [kKey], records: store, reports, clock, health, answers: store.answers },
      pages: { folder: join(directory, 'pages'), embedIn: [], softphone: null },
      payments: { ledger: store, resolveNow: async () => undefined, followUps: kDesk },
      events: { log: store, feed: new LiveFeed(store, clock, new FakeLog()) },
      webhooks: { webhooks: [{ name: 'crm', merchant: null }], outbox: store.outbox, hurry: () => undefined },
      ladderOf: async () => ({
        callId: 'c',
        peer: 'p',
        startedAt: '2026-11-21T12:00:00.000Z',
        rows: [],
        leftOut: 0,
      }),
      sessions: sessionsOf({
        ids: () => ['S1'],
        prepare: () => ({ id: 'S9', payUri: 'sip:pay-S9@h', roomUri: null }),
        view: (id) => (id === 'S1' ? kLive : undefined),
        act: async () => ({ kind: 'done' }),
        identified: () => ({ kind: 'done' }),
      }),
    });
    contract = new Contract(apiRoutes(options));
    api = createApi(options);
    url = await api.start();
  });

  afterAll(async () => {
    await api.stop();
    await reports.close();
    store.close();
    rmSync(directory, { recursive: true });
  });

  /** @param path - as documented; @param filled - as asked, where it has parameters. */
  async function ask(what: string, filled?: string, init: RequestInit & { key?: string } = {}) {
    const [method = '', path = ''] = what.split(' ');
    const { key = kKey, ...rest } = init;
    const response = await fetch(url + (filled ?? path), {
      method,
      ...rest,
      headers: {
        authorization: `Bearer ${key}`,
        ...(init.body !== undefined && { 'content-type': 'application/json' }),
        ...rest.headers,
      },
    });
    const type = response.headers.get('content-type') ?? '';
    const body = type === 'text/event-stream' ? '' : await response.text();
    if (type === 'text/event-stream') await response.body?.cancel();
    return {
      wrong: contract.wrongIn(method, path, { status: response.status, type, body }),
      status: response.status,
      body,
    };
  }

  const json = (body: object): RequestInit => ({ body: JSON.stringify(body) });
  const kSettle = { state: 'REVERSED', note: 'voided', by: 'op' };

  const kRequests: [string, number, (string | undefined)?, (RequestInit & { key?: string })?][] = [
    ['POST /v1/sessions', 201, undefined, json({ topology: 'ivr' })],
    ['POST /v1/sessions', 422, undefined, json({ topology: 'party' })],
    ['POST /v1/sessions', 400, undefined, { body: '{' }],
    ['POST /v1/sessions', 401, undefined, { ...json({ topology: 'ivr' }), key: 'wrong' }],
    ['POST /v1/sessions', 413, undefined, json({ topology: 'x'.repeat(70_000) })],
    ['POST /v1/sessions', 415, undefined, { body: 'x', headers: { 'content-type': 'text/plain' } }],
    ['GET /v1/sessions', 200],
    ['GET /v1/sessions', 200, '/v1/sessions?limit=1'],
    ['GET /v1/sessions', 400, '/v1/sessions?cursor=nothing'],
    ['GET /v1/sessions/{id}', 200, '/v1/sessions/S1'],
    ['GET /v1/sessions/{id}', 200, '/v1/sessions/S2'],
    ['GET /v1/sessions/{id}', 404, '/v1/sessions/S3'],
    ['POST /v1/sessions/{id}/actions', 200, '/v1/sessions/S1/actions', json({ action: 'cancel' })],
    ['POST /v1/sessions/{id}/idv', 200, '/v1/sessions/S1/idv', json({ result: 'verified' })],
    ['GET /v1/calls', 200],
    ['GET /v1/sessions/{id}/ladder', 200, '/v1/sessions/S1/ladder'],
    ['GET /v1/sessions/{id}/ladder.svg', 200, '/v1/sessions/S1/ladder.svg'],
    ['POST /v1/event-tickets', 201],
    ['GET /v1/events', 200],
    ['GET /v1/sessions/{id}/events', 200, '/v1/sessions/S1/events'],
    ['GET /v1/payments', 200],
    ['GET /v1/payments/{ref}', 200, '/v1/payments/R4K7Z2M9QX3TB8VA'],
    ['POST /v1/payments/reconcile', 200],
    [
      'POST /v1/payments/{ref}/attempts/{attempt}/settle',
      200,
      '/v1/payments/R4K7Z2M9QX3TB8VA/attempts/1/settle',
      json(kSettle),
    ],
    [
      'POST /v1/payments/{ref}/attempts/{attempt}/settle',
      409,
      '/v1/payments/R4K7Z2M9QX3TB8VA/attempts/1/settle',
      json(kSettle),
    ],
    ...(['capture', 'void', 'refund'] as const).flatMap((kind) =>
      ([200, 202, 409, 503] as const).map((status): [string, number, string, RequestInit] => [
        `POST /v1/payments/{ref}/${kind}`,
        status,
        `/v1/payments/R4K7Z2M9QX3TB8VA/${kind}`,
        {
          ...json({ amount: `${status}.00`, note: 'asked for', by: 'op' }),
          headers: { 'idempotency-key': `${kind}-${status}-1` },
        },
      ]),
    ),
    [
      'POST /v1/payments/{ref}/changes/{key}/settle',
      200,
      '/v1/payments/R4K7Z2M9QX3TB8VA/changes/K1/settle',
      json({ state: 'DONE', note: 'seen at the bank', by: 'op' }),
    ],
    ['GET /v1/reports/kpi', 200, '/v1/reports/kpi?from=2026-11-01&to=2026-12-01&compare=before'],
    ['GET /v1/reports/kpi', 200, '/v1/reports/kpi?format=csv'],
    ['GET /v1/reports/kpi', 400, '/v1/reports/kpi?by=minute'],
    ['GET /v1/reports/payments', 200],
    ['GET /v1/reports/kpi', 200, '/v1/reports/kpi?from=2026-11-01&to=2026-12-01&split=topology'],
    ['GET /v1/reports/journeys', 200, '/v1/reports/journeys?from=2026-11-01&to=2026-12-01'],
    ['GET /v1/reports/journeys', 200, '/v1/reports/journeys?format=csv&table=errors'],
    ['GET /v1/live', 200, '/v1/live?zone=Europe/Berlin'],
    ['GET /v1/sessions/{id}/segment', 200, '/v1/sessions/S1/segment'],
    ['GET /v1/sessions/{id}/timeline', 200, '/v1/sessions/S1/timeline'],
    ['GET /v1/segments', 200, '/v1/segments?callId=call-1'],
    ['GET /v1/audit', 200, '/v1/audit?limit=1'],
    ['GET /v1/audit', 400, '/v1/audit?limit=0'],
    ['GET /v1/audit/verification', 200],
    ['GET /v1/audit/verification', 200, '/v1/audit/verification?anchor=999:x'],
    ['GET /v1/webhooks', 200],
    ['GET /v1/webhooks/{name}/deliveries', 200, '/v1/webhooks/crm/deliveries'],
    ['POST /v1/webhooks/{name}/deliveries/{id}/replay', 202, '/v1/webhooks/crm/deliveries/1/replay'],
    ['GET /livez', 200],
    ['GET /readyz', 200],
    ['GET /metrics', 200],
    ['GET /openapi.json', 200],
    ['GET /v1/openapi.json', 200],
    ['GET /docs', 200],
    ['GET /desk', 200],
    ['GET /wallboard', 200],
    ['GET /calls/{id}', 200, '/calls/S1'],
    ['GET /assets/{file}', 200, '/assets/desk-x1.js'],
    ['GET /pages/settings.json', 200],
  ];

  it.each(kRequests)('to %s with %i are as documented (%s)', async (what, status, filled, init) => {
    const answer = await ask(what, filled, init);
    expect(answer).toMatchObject({ wrong: [], status });
  });

  it('that say that calls cannot be taken are documented too', async () => {
    health.add('gateway', () => ({ ok: false, reason: 'no answer' }));
    expect(await ask('GET /readyz')).toMatchObject({ wrong: [], status: 503 });
  });

  it('are the same to the same POST with the same idempotency key, whichever it is', async () => {
    const posts = new Map(
      kRequests.flatMap((each) => (each[0].startsWith('POST') && each[1] < 300 ? [[each[0], each]] : [])),
    );
    const routes = apiRoutes(options).filter(({ method }) => method === 'POST');
    expect([...posts.keys()].toSorted()).toEqual(routes.map(({ path }) => `POST ${path}`).toSorted());
    for (const [what, , filled, init = {}] of posts.values()) {
      const key = new Headers(init.headers).get('idempotency-key') ?? `again-${what}`.replace(/\W/g, '-');
      const headers = { ...init.headers, 'idempotency-key': key };
      const [one, other] = [
        await ask(what, filled, { ...init, headers }),
        await ask(what, filled, { ...init, headers }),
      ];
      expect([what, other.status, other.body]).toEqual([what, one.status, one.body]);
      const wrong = await ask(what, filled, {
        ...init,
        headers: { ...init.headers, 'idempotency-key': 'two words' },
      });
      expect([what, wrong.status]).toEqual([what, 400]);
    }
  });

  it('were checked for every route and every good status of it', () => {
    const documented = apiRoutes(options).flatMap(({ method, path, answers }) =>
      Object.keys(answers).map((status) => `${method} ${path} ${status}`),
    );
    expect(documented.filter((each) => !contract.checked.has(each))).toEqual([]);
  });

  it('are refused by the check when they are not as documented', () => {
    const answer = { status: 200, type: 'application/json', body: '{"live":true,"pan":"x"}' };
    expect(contract.wrongIn('GET', '/livez', answer)).toHaveLength(1);
  });

  it('of the documentation are pages without script, under a policy that allows none', async () => {
    const response = await fetch(`${url}/docs`);
    const policy = response.headers.get('content-security-policy') ?? '';
    const page = await response.text();
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; /);
    expect(page).not.toMatch(/<script|javascript:|\son\w+=|https?:\/\//i);
    for (const { path } of apiRoutes(options)) expect(page).toContain(path);
  });
});

const kLive = {
  ...{ topology: 'conference', merchantId: null, state: 'paying', parties: [{ role: 'customer' }] },
  ...{ agentHears: 'all but keys', parked: false, paused: false, stage: 'PAN_ENTRY', field: 'pan' },
  ...{ error: null, digitCount: 3, amount: { minor: 1050, currency: 'EUR', exponent: 2 }, brand: null },
  ...{ last4: null, attempts: 0, declines: 0, secure: true, callerPresent: true },
  events: [{ seq: 1, at: '2026-11-21T12:00:00.000Z', type: 'started' }],
};

const kRecord: FollowUpRecord = {
  ...{ key: 'K1', requestKey: 'letter-77', sessionId: 'S1', attempt: 1, paymentRef: 'R4K7Z2M9QX3TB8VA' },
  ...{
    kind: 'refund',
    state: 'MANUAL',
    amount: money(1050, 'EUR'),
    gateway: 'simulator',
    transactionId: null,
  },
  ...{ reason: null, actor: 'api:op', note: 'asked for', sentAt: '2026-11-21T12:00:00.000Z', doneAt: null },
};

/** Answers as the amount says, which is the status it should have. */
const kDesk: FollowUpDesk = {
  request: async ({ kind, amount }) => {
    const states = { '200.00': 'DONE', '202.00': 'ACCEPTED', '409.00': 'REFUSED' } as const;
    const state = states[amount as keyof typeof states] ?? 'NOT_SENT';
    return { kind: 'planned', isNew: true, record: { ...kRecord, kind, state } };
  },
  journal: {
    book: () => ({ attempts: [attemptOf()], followUps: [kRecord] }),
    settleByHand: () => true,
  },
};
