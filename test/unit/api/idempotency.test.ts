import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { apiOptions, sessionsOf } from '../../support/api-options.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

const kDayMs = 24 * 3_600_000;
let directory: string;
let store: Store;
let clock: FakeClock;
let api: Api;
let url: string;
let prepared = 0;
let isFull = false;
let held: Promise<unknown> | undefined;
let onEntered: (() => void) | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-idempotency-'));
  clock = new FakeClock();
  prepared = 0;
  isFull = false;
  held = undefined;
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

async function start() {
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log: new FakeLog() });
  const sessions = sessionsOf({
    prepare: () => (isFull ? undefined : { id: `s-${++prepared}`, payUri: 'sip:x@y', roomUri: null }),
    view: () => ({ state: 'prepared' }),
    act: async () => {
      onEntered?.();
      await held;
      return { kind: 'conflict', reason: `number ${++prepared}` };
    },
  });
  api = createApi(apiOptions({ keys: ['one', 'two'], sessions, answers: store.answers, clock }));
  url = await api.start();
}

async function stop() {
  await api.stop();
  store.close();
}

async function post(
  key: string | undefined,
  body: object = { topology: 'ivr' },
  path = '/v1/sessions',
  caller = 'one',
) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${caller}`,
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  const { headers, status } = response;
  return {
    status,
    replayed: headers.get('idempotency-replayed'),
    location: headers.get('location'),
    type: headers.get('content-type'),
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe('a POST with an idempotency key', () => {
  it('is done once; sent again it gets the same answer, over a restart too', async () => {
    const first = await post('k-1');
    const again = await post('k-1');
    expect(again).toEqual({ ...first, replayed: 'true' });
    expect(first).toMatchObject({
      status: 201,
      replayed: null,
      location: '/v1/sessions/s-1',
      body: { id: 's-1' },
    });
    await stop();
    await start();
    expect(await post('k-1')).toEqual(again);
    expect(prepared).toBe(1);
  });

  it('is refused with another body or at another place', async () => {
    await post('k-1');
    const other = await post('k-1', { topology: 'conference' });
    expect([other.status, other.body['code']]).toEqual([422, 'API_KEY_REUSED']);
    const elsewhere = await post('k-1', { action: 'cancel' }, '/v1/sessions/s-1/actions');
    expect([elsewhere.status, elsewhere.body['code']]).toEqual([422, 'API_KEY_REUSED']);
    expect(prepared).toBe(1);
  });

  it('is its caller’s own, and without a key each is new', async () => {
    await post('k-1');
    await post('k-1', undefined, undefined, 'two');
    await post(undefined);
    await post(undefined);
    expect(prepared).toBe(4);
  });

  it('keeps a refusal too, but not that nothing was done', async () => {
    const act = () => post('k-1', { action: 'cancel' }, '/v1/sessions/s-1/actions');
    expect((await act()).body['detail']).toBe('number 1');
    expect(await act()).toMatchObject({ status: 409, replayed: 'true', body: { detail: 'number 1' } });
    isFull = true;
    expect((await post('k-2')).status).toBe(503);
    isFull = false;
    expect(await post('k-2')).toMatchObject({ status: 201, replayed: null });
  });

  it('is refused while the first one is worked on, and when the server stopped over it', async () => {
    const waiting = Promise.withResolvers<void>();
    held = waiting.promise;
    const act = () => post('k-1', { action: 'cancel' }, '/v1/sessions/s-1/actions');
    const entered = new Promise<void>((resolve) => {
      onEntered = resolve;
    });
    const first = act();
    await entered;
    expect((await act()).body['code']).toBe('API_IN_PROGRESS');
    waiting.resolve();
    await first;
    store.answers.begin({ caller: 'one', key: 'k-9' }, 'digest', clock.date().toISOString());
    await stop();
    await start();
    expect(store.answers.begin({ caller: 'one', key: 'k-9' }, 'digest', clock.date().toISOString())).toEqual({
      kind: 'begun',
      isOurs: false,
    });
  });

  it('is forgotten after a day', async () => {
    await post('k-1');
    await clock.advance(kDayMs + 1000);
    expect(await post('k-1')).toMatchObject({ status: 201, replayed: null, body: { id: 's-2' } });
  });

  it.each(['', 'two words', 'x'.repeat(129)])('is refused when the key is `%s`', async (key) => {
    expect(await post(key)).toMatchObject({ status: 400, body: { code: 'API_BAD_REQUEST' } });
    expect(prepared).toBe(0);
  });
});
