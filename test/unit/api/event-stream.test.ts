import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import { LiveFeed } from '../../../src/call/live-feed.ts';
import { kApiRoles } from '../../../src/ports/api-roles.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { apiKeyOf, apiOptions } from '../../support/api-options.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { sessionOf } from '../../support/records.ts';

const kKey = 'open-sesame';

interface Heard {
  readonly id?: string;
  readonly event?: string;
  readonly data: Record<string, unknown>;
}

let directory: string;
let clock: FakeClock;
let store: Store;
let feed: LiveFeed;
let api: Api;
let url: string;
const readers: AbortController[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-events-'));
  clock = new FakeClock();
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log: new FakeLog() });
  feed = new LiveFeed(store, clock, new FakeLog());
  api = createApi(apiOptions({ keys: [kKey], events: { log: store, feed }, clock }));
  url = await api.start();
});

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.abort();
  await api.stop();
  store.close();
  rmSync(directory, { recursive: true });
});

/** A reader as a browser's is: what comes, event by event. */
async function* listen(query = '', headers: Record<string, string> = {}): AsyncGenerator<Heard> {
  const reader = new AbortController();
  readers.push(reader);
  const response = await fetch(`${url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${kKey}`, ...headers },
    signal: reader.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('cache-control')).toBe('no-store');
  let rest = '';
  for await (const chunk of response.body ?? []) {
    rest += new TextDecoder().decode(chunk);
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield heardOf(block);
  }
}

function heardOf(block: string): Heard {
  const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { ...fields, data: JSON.parse(fields.data ?? '{}') };
}

/** A connection that asks for events and does not read them. */
async function openIdle(): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET /v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${kKey}\r\n\r\n`);
  await once(socket, 'readable'); // the head has come: it is on the list
  return socket;
}

async function next(events: AsyncGenerator<Heard>, count: number): Promise<Heard[]> {
  const heard: Heard[] = [];
  while (heard.length < count) {
    const { value, done } = await events.next();
    if (done) break;
    heard.push(value);
  }
  return heard;
}

describe('the stream of events', () => {
  it('says what happens as it happens, numbered, progress without a number', async () => {
    const events = listen();
    await next(events, 1); // retry: the stream is open
    feed.publish('S1', 'stage', { stage: 'PAN_ENTRY' });
    feed.publish('S1', 'digits', { field: 'pan', count: 3 });
    feed.publish('S2', 'ended', { result: 'APPROVED' });
    const at = clock.date().toISOString();
    expect(await next(events, 3)).toEqual([
      { id: '1', event: 'stage', data: { sessionId: 'S1', at, stage: 'PAN_ENTRY' } },
      { event: 'digits', data: { sessionId: 'S1', at, field: 'pan', count: 3 } },
      { id: '2', event: 'ended', data: { sessionId: 'S2', at, result: 'APPROVED' } },
    ]);
  });

  it('goes on behind what the reader has, also of a process before', async () => {
    feed.publish('S1', 'stage', { stage: 'SUBMIT' });
    feed.publish('S1', 'ended', { result: 'APPROVED' });
    const another = new LiveFeed(store, clock, new FakeLog());
    another.publish('S2', 'ended', { result: 'UNKNOWN' });
    const [, ...heard] = await next(listen('', { 'last-event-id': '1' }), 3);
    expect(heard.map(({ id, event }) => [id, event])).toEqual([
      ['2', 'ended'],
      ['3', 'ended'],
    ]);
    const [, only] = await next(listen('?session=S2&after=0'), 2);
    expect(only).toMatchObject({ id: '3', data: { sessionId: 'S2' } });
  });

  it('tells a reader to start afresh who missed too much, or comes from another database', async () => {
    for (let n = 0; n < 1002; n++) feed.publish('S1', 'stage', { stage: 'X' });
    expect((await next(listen('?after=1'), 2))[1]).toMatchObject({ event: 'reset', id: '1002' });
    expect((await next(listen('?after=5000'), 2))[1]).toMatchObject({ event: 'reset', id: '1002' });
    expect((await next(listen('?after=2'), 2))[1]).toMatchObject({ event: 'stage', id: '3' });
  });

  it('is of one session where one is asked for', async () => {
    const events = listen('?session=S2');
    await next(events, 1);
    feed.publish('S1', 'ended', { result: 'APPROVED' });
    feed.publish('S2', 'ended', { result: 'DECLINED_MAX' });
    expect(await next(events, 1)).toMatchObject([{ data: { sessionId: 'S2' } }]);
  });

  it('is told to those who see the merchant of a session, which is looked up once for all of them', async () => {
    await api.stop();
    const find = vi.fn((sessionId: string) => sessionOf({ sessionId, merchantId: 'berlin' }));
    const keys = ['berlin', 'paris'].map((name) => apiKeyOf(name, { merchants: [name] }));
    api = createApi(apiOptions({ keys, records: { find }, events: { log: store, feed }, clock }));
    url = await api.start();
    const streams = ['berlin', 'berlin', 'paris'].map((key) =>
      listen('', { authorization: `Bearer ${key}` }),
    );
    await Promise.all(streams.map((events) => next(events, 1)));
    find.mockClear();
    feed.publish('S1', 'ended', { result: 'APPROVED' });
    const [first, second, stranger] = streams;
    for (const events of [first, second])
      expect(events && (await next(events, 1))).toMatchObject([{ data: { result: 'APPROVED' } }]);
    expect(find).toHaveBeenCalledTimes(1);
    await api.stop();
    expect(stranger && (await next(stranger, 1))).toEqual([]);
  });

  it('is opened by a browser with a ticket, once, and not for long', async () => {
    const issue = async () => {
      const response = await fetch(`${url}/v1/event-tickets`, {
        method: 'POST',
        headers: { authorization: `Bearer ${kKey}` },
      });
      return ((await response.json()) as { ticket: string }).ticket;
    };
    const open = (ticket: string) => fetch(`${url}/v1/events?ticket=${ticket}`);
    const ticket = await issue();
    const first = await open(ticket);
    expect(first.status).toBe(200);
    await first.body?.cancel();
    expect((await open(ticket)).status).toBe(401);
    const old = await issue();
    await clock.advance(31_000);
    expect((await open(old)).status).toBe(401);
  });

  it('is not for those without a key', async () => {
    expect((await fetch(`${url}/v1/events`)).status).toBe(401);
    expect((await fetch(`${url}/v1/event-tickets`, { method: 'POST' })).status).toBe(401);
  });

  it('ends with the server, and lets go of readers who have gone', async () => {
    const events = listen();
    await next(events, 1);
    await api.stop();
    expect(await next(events, 1)).toEqual([]);
    feed.publish('S1', 'ended', { result: 'APPROVED' });
    expect(store.newestEventId()).toBe(1);
  });

  it('says now and then that it is still there, so that nobody takes it for dead', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const response = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${kKey}` } });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader?.read())?.value).toContain('retry: 2000');
      await vi.advanceTimersByTimeAsync(15_000);
      expect((await reader?.read())?.value).toBe(': still here\n\n');
      await reader?.cancel();
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with the token it was opened with', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const bearer = { roles: new Set(kApiRoles), merchants: null, agents: null, requestsPerMinute: 60 };
    const tokens = { read: async (name: string) => ({ ...bearer, name, untilMs: Date.now() - 1 }) };
    const own = createApi(apiOptions({ keys: [kKey], tokens, events: { log: store, feed }, clock }));
    try {
      const address = `${await own.start()}/v1/events`;
      const open = (key: string) => fetch(address, { headers: { authorization: `Bearer ${key}` } });
      const [byToken, byKey] = await Promise.all([open('a.b.c'), open(kKey)]);
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await byToken.text()).toBe('retry: 2000\n\n');
      await byKey.body?.cancel();
    } finally {
      vi.useRealTimers();
      await own.stop();
    }
  });

  it('lets go of a reader who takes nothing, and tells others on', async () => {
    const idle = await openIdle();
    const events = listen();
    await next(events, 1);
    // 24 MB, more than the buffers of the kernel and ours hold together.
    const filler = 'x'.repeat(60_000);
    for (let n = 0; n < 400; n++) {
      feed.publish('S1', 'digits', { filler });
      await next(events, 1);
    }
    const gone = once(idle, 'close');
    idle.resume();
    await gone;
    feed.publish('S1', 'ended', { result: 'APPROVED' });
    expect(await next(events, 1)).toMatchObject([{ event: 'ended' }]);
  });

  it('goes on without being kept when the store fails', async () => {
    const log = new FakeLog();
    const broken = {
      append: () => {
        throw new Error('disk full');
      },
      eventsAfter: () => [],
      newestEventId: () => 0,
    };
    const lost = new LiveFeed(broken, clock, log);
    const heard: (number | null)[] = [];
    lost.listen(({ id }) => void heard.push(id));
    lost.publish('S1', 'ended', { result: 'APPROVED' });
    expect(heard).toEqual([null]);
    expect(log.lines).toMatchObject([{ level: 'error' }]);
  });
});
