import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveFeed } from '../../../src/call/live-feed.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { signatureOf } from '../../../src/webhook/signature.ts';
import { type WebhookSettings, Webhooks } from '../../../src/webhook/webhooks.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { until } from '../../support/payment-request.ts';
import { sessionOf } from '../../support/records.ts';

const kSecret = 'whisper';
const kMinute = 60_000;

interface Taken {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let directory: string;
let clock: FakeClock;
let store: Store;
let feed: LiveFeed;
let log: FakeLog;
let server: Server;
let taken: Taken[];
/** Statuses of the next answers; 204 afterwards. */
let answers: number[];
let webhooks: Webhooks;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-webhooks-'));
  clock = new FakeClock();
  log = new FakeLog();
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log });
  feed = new LiveFeed(store, clock, log);
  taken = [];
  answers = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    taken.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(answers.shift() ?? 204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  store.open(sessionOf({ reference: 'card 4242424242424242' }));
});

afterEach(async () => {
  await webhooks.stop();
  server.closeAllConnections();
  server.close();
  store.close();
  rmSync(directory, { recursive: true });
});

function settings(changes: Partial<WebhookSettings> = {}): WebhookSettings {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/hook`;
  return {
    name: 'crm',
    url,
    privateNetwork: false,
    merchant: null,
    secrets: [kSecret],
    events: ['payment.completed', 'payment.resolved'],
    ...changes,
  };
}

async function start(...all: WebhookSettings[]): Promise<void> {
  const events = store;
  webhooks = new Webhooks({ settings: all, outbox: store.outbox, events, feed, records: store, clock, log });
  webhooks.start();
  await clock.advance(0);
}

/** Lets the tries that are due be made and noted. */
async function delivered(count: number, advanceMs = 0): Promise<void> {
  await clock.advance(advanceMs);
  await until(() => taken.length >= count);
  await settled();
}

async function settled(): Promise<void> {
  const tries = taken.length;
  await until(() => store.outbox.deliveries('crm', 9).reduce((sum, one) => sum + one.tries, 0) >= tries);
  await clock.advance(0);
}

function end(): void {
  store.update(
    sessionOf({
      reference: 'card 4242424242424242',
      result: 'APPROVED',
      outcome: 'success',
      last4: '4242',
      amountCharged: 1050,
    }),
  );
  feed.publish('S1', 'ended', { result: 'APPROVED' });
}

describe('webhooks', () => {
  it('tell what was asked for, signed, with nothing of a card that a peer wrote', async () => {
    await start(settings());
    feed.publish('S1', 'stage', { stage: 'PAN_ENTRY' });
    end();
    await delivered(1);
    const [{ headers, body } = { headers: {}, body: '' }] = taken;
    expect(JSON.parse(body)).toMatchObject({
      type: 'payment.completed',
      sessionId: 'S1',
      result: 'APPROVED',
      outcome: 'success',
      amountCharged: '10.50',
      last4: '4242',
      reference: 'card [digits]',
    });
    expect(headers['hushpay-event']).toBe('payment.completed');
    expect(headers['hushpay-signature']).toBe(signatureOf(body, [kSecret], clock.date()));
    expect(store.outbox.deliveries('crm', 9)).toMatchObject([{ state: 'delivered', lastAnswer: '204' }]);
    expect(taken).toHaveLength(1);
  });

  it('come again until they are taken, later and later, the same bytes', async () => {
    answers = [500, 302, 429];
    await start(settings());
    end();
    await delivered(1);
    await delivered(2, 10_000);
    await delivered(3, 30_000);
    await delivered(4, 2 * kMinute);
    expect(new Set(taken.map(({ body }) => body)).size).toBe(1);
    expect(new Set(taken.map(({ headers }) => headers['hushpay-delivery'])).size).toBe(1);
    expect(store.outbox.deliveries('crm', 9)).toMatchObject([{ state: 'delivered', tries: 4 }]);
  });

  it('are given up after days, and can be replayed', async () => {
    answers = Array.from({ length: 11 }, () => 503);
    await start(settings());
    end();
    await delivered(1);
    for (let tries = 2; tries <= 11; tries++) await delivered(tries, 25 * 60 * kMinute);
    expect(store.outbox.deliveries('crm', 9)).toMatchObject([
      { state: 'failed', lastAnswer: '503', tries: 11 },
    ]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'error' });
    expect(store.outbox.replay('crm', 1, clock.date().toISOString())).toBe(true);
    webhooks.hurry();
    await clock.advance(0);
    await until(() => store.outbox.deliveries('crm', 9)[0]?.state === 'delivered');
    expect(taken).toHaveLength(12);
  });

  it('miss nothing over a restart, and tell a new integration nothing old', async () => {
    await start(settings());
    await webhooks.stop();
    end();
    await start(settings(), settings({ name: 'new' }));
    await delivered(1);
    expect(store.outbox.deliveries('crm', 9)).toHaveLength(1);
    expect(store.outbox.deliveries('new', 9)).toHaveLength(0);
    feed.publish('S1', 'resolved', { resolution: 'REVERSED' });
    await clock.advance(0);
    await until(() => taken.length === 3);
    expect(JSON.parse(taken.at(-1)?.body ?? '{}')).toMatchObject({
      type: 'payment.resolved',
      resolution: 'REVERSED',
    });
  });

  it('tell what a refund came to', async () => {
    await start(settings({ events: ['payment.changed'] }));
    end();
    const refund = { change: 'refund', key: 'K1F1', state: 'DONE', amount: '1.00', currency: 'EUR' };
    feed.publish('S1', 'changed', refund);
    await delivered(1);
    expect(JSON.parse(taken[0]?.body ?? '{}')).toMatchObject({
      ...{ type: 'payment.changed', sessionId: 'S1', customerId: 'C-77' },
      ...refund,
    });
  });

  it('follow no redirect, and read no more than the head of an answer', async () => {
    const { port } = server.address() as AddressInfo;
    server.prependOnceListener('request', (_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${port}/elsewhere` });
      response.write('x'.repeat(1024)); // and never ends
      response.writeHead = () => response;
      response.end = () => response;
    });
    await start(settings());
    end();
    await clock.advance(0);
    await until(() => store.outbox.deliveries('crm', 9)[0]?.tries === 1);
    expect(store.outbox.deliveries('crm', 9)).toMatchObject([{ state: 'waiting', lastAnswer: '307' }]);
    expect(taken).toHaveLength(1);
  });

  it('to a private network wait, unless that is allowed', async () => {
    await start(settings({ url: 'https://10.255.255.1/hook' }));
    end();
    await clock.advance(0);
    await until(() => store.outbox.deliveries('crm', 9)[0]?.tries === 1);
    const [delivery] = store.outbox.deliveries('crm', 9);
    expect(delivery?.lastAnswer).toContain('webhooks[].privateNetwork');
    expect(delivery?.state).toBe('waiting');
  });

  it('that nobody listens to wait, and say why', async () => {
    await start(settings({ url: 'http://127.0.0.1:9/hook' }));
    end();
    await clock.advance(0);
    await until(() => store.outbox.deliveries('crm', 9)[0]?.tries === 1);
    expect(store.outbox.deliveries('crm', 9)).toMatchObject([{ state: 'waiting' }]);
    expect(store.outbox.deliveries('crm', 9)[0]?.lastAnswer).not.toMatch(/^\d+$/);
    expect(store.outbox.countWaiting()).toBe(1);
  });

  it('are signed with both secrets while one is replaced', async () => {
    await start(settings({ secrets: ['new', 'old'] }));
    end();
    await delivered(1);
    const [{ headers, body } = { headers: {}, body: '' }] = taken;
    const signature = String(headers['hushpay-signature']);
    const [time, ...each] = signature.split(',');
    expect(each).toHaveLength(2);
    expect(`${time},${each[0]}`).toBe(signatureOf(body, ['new'], clock.date()));
    expect(`${time},${each[1]}`).toBe(signatureOf(body, ['old'], clock.date()));
  });

  it('are signed with another secret as soon as there is one, also what waits to be sent again', async () => {
    await start(settings({ secrets: ['old'] }));
    webhooks.replaceSecrets([
      { name: 'crm', secrets: ['new'] },
      { name: 'nobody', secrets: ['x'] },
    ]);
    end();
    await delivered(1);
    const [{ headers, body } = { headers: {}, body: '' }] = taken;
    expect(headers['hushpay-signature']).toBe(signatureOf(body, ['new'], clock.date()));
  });

  it('can be segments of a conversation', async () => {
    await start(settings({ events: ['segment.started', 'segment.ended'] }));
    feed.publish('S1', 'started', {});
    end();
    await delivered(2);
    expect(taken.map(({ body }) => JSON.parse(body))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'segment.started' }),
        expect.objectContaining({
          type: 'segment.ended',
          segment: expect.objectContaining({ type: 'payment-ivr', mode: 'ivr', result: 'APPROVED' }),
        }),
      ]),
    );
  });
});
