import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LiveFeed } from '../../../src/call/live-feed.ts';
import { openStore } from '../../../src/store/store.ts';
import { Webhooks } from '../../../src/webhook/webhooks.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { figures } from '../../support/figures.ts';
import { mutate, pick, randomFrom } from '../../support/mutation.ts';
import { until } from '../../support/payment-request.ts';
import { sessionOf } from '../../support/records.ts';

const kAnswers = Number(process.env['HUSHPAY_FUZZ_WEBHOOK_ANSWERS'] ?? 2_000);
const kSeed = Number(process.env['HUSHPAY_FUZZ_SEED'] ?? 20_261_122);
const kNextTryMs = 2 * 3_600_000; // the longest pause between two tries
const kGood = 'HTTP/1.1 204 No Content\r\n\r\n';

const kSeeds = [
  'HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno',
  'HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n',
  `HTTP/1.1 429 Later\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
  'HTTP/1.1 503 Away\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u001f\u008b\u0008\u0000',
  'HTTP/1.1 999\r\n\r\n',
  'SSH-2.0-OpenSSH\r\n',
];

it(`a receiver that answers ${kAnswers} times as chance has it (seed ${kSeed}) loses no message and breaks nothing`, async () => {
  const random = randomFrom(kSeed);
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-hooks-'));
  const clock = new FakeClock();
  const log = new FakeLog();
  const store = openStore({ file: join(folder, 'hushpay.sqlite'), log });
  const feed = new LiveFeed(store, clock, log);
  let asked = 0;
  let isGood = false;
  const answer = (socket: Socket) => {
    asked++;
    const text = isGood ? kGood : mutate(mutate(pick(kSeeds, random), random), random);
    socket.end(Buffer.from(text, 'latin1'));
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const webhook = {
    name: 'crm',
    url,
    privateNetwork: false,
    merchant: null,
    secrets: ['s'],
    events: ['payment.completed'],
  } as const;
  const webhooks = new Webhooks({
    settings: [webhook],
    outbox: store.outbox,
    events: store,
    feed,
    records: store,
    clock,
    log,
  });
  webhooks.start();
  await clock.advance(0);

  for (let number = 0; asked < kAnswers; number++) {
    const id = `S${number}`;
    isGood = false;
    store.open(sessionOf({ sessionId: id, paymentRef: `P-${id}` }));
    store.update(sessionOf({ sessionId: id, paymentRef: `P-${id}`, result: 'APPROVED', outcome: 'success' }));
    feed.publish(id, 'ended', { result: 'APPROVED' });
    const newest = () => store.outbox.deliveries('crm', 1)[0];
    await clock.advance(0);
    await until(() => (newest()?.tries ?? 0) > 0);
    isGood = true;
    for (let turn = 0; newest()?.state !== 'delivered' && turn < 4; turn++) {
      const { tries } = newest() ?? { tries: 0 };
      await clock.advance(kNextTryMs);
      await until(() => newest()?.state === 'delivered' || (newest()?.tries ?? 0) > tries);
    }
    expect(newest()).toMatchObject({ state: 'delivered' });
  }
  expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  figures(`${asked} answers of chance, every message taken in the end`);
  await webhooks.stop();
  server.close();
  store.close();
  rmSync(folder, { recursive: true });
});
