import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RestGateway } from '../../../src/gateway/rest.ts';
import { SimulatorBank } from '../../../src/gateway/simulator-bank.ts';
import {
  type SimulatorServer,
  type SimulatorServerOptions,
  startSimulatorServer,
} from '../../../src/gateway/simulator-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf, until } from '../../support/payment-request.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kPan = '4242424242424242';
const kSale = {
  version: 1,
  operation: 'sale',
  paymentRef: 'R4K7Z2M9QX3TB8VA',
  attempt: 1,
  channel: 'moto',
  amount: { value: 1050, currency: 'EUR', exponent: 2 },
  card: { brand: 'visa', number: kPan, expiryMonth: '03', expiryYear: '2030', securityCode: '123' },
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(options: Partial<SimulatorServerOptions> = {}): Promise<SimulatorServer> {
  const server = await startSimulatorServer({
    port: 0,
    host: '127.0.0.1',
    clock: new FakeClock(),
    ...options,
  });
  closing.push(() => server.close());
  return server;
}

async function pay(
  server: SimulatorServer,
  body: unknown,
  headers: Record<string, string> = { 'idempotency-key': 'K1' },
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${server.url}/payments`, { method: 'POST', headers, body: text });
  return { status: response.status, json: await response.json() };
}

describe('simulator server', () => {
  it('names the payment in its answer', async () => {
    const { status, json } = await pay(await start(), kSale);
    expect(status).toBe(200);
    expect(json).toMatchObject({ outcome: 'approved', paymentRef: kSale.paymentRef, attempt: 1 });
  });

  it('reads JSON with blanks and in another order', async () => {
    const server = await start();
    expect(await pay(server, JSON.stringify({ ...kSale, card: { ...kSale.card } }, null, 2))).toMatchObject({
      json: { outcome: 'approved' },
    });
    expect(server.ledger()).toMatchObject([{ last4: '4242', state: 'approved' }]);
  });

  it('shows a ledger without card numbers', async () => {
    const server = await start();
    await pay(server, kSale);
    const text = await (await fetch(`${server.url}/ledger`)).text();
    expect(JSON.parse(text)).toEqual([
      {
        paymentRef: kSale.paymentRef,
        attempt: 1,
        idempotencyKey: 'K1',
        amount: { minor: 1050, currency: 'EUR', exponent: 2 },
        last4: '4242',
        state: 'approved',
        transactionId: expect.stringMatching(/^SIM-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/),
        submissions: 1,
        operation: 'sale',
        changes: [],
      },
    ]);
    expect(text).not.toContain(kPan);
  });

  it.each([
    ['no key', kSale, {}, 'wrong: Idempotency-Key'],
    ['not JSON', 'number=1', undefined, 'wrong: body'],
    ['another version', { ...kSale, version: 2 }, undefined, 'wrong: version'],
    ['another operation', { ...kSale, operation: 'refund' }, undefined, 'wrong: operation'],
    [
      'an amount of nothing',
      { ...kSale, amount: { ...kSale.amount, value: 0 } },
      undefined,
      'wrong: amount.value',
    ],
    [
      'an amount in a float',
      { ...kSale, amount: { ...kSale.amount, value: 10.5 } },
      undefined,
      'wrong: amount.value',
    ],
    [
      'a month of one digit',
      { ...kSale, card: { ...kSale.card, expiryMonth: '3' } },
      undefined,
      'wrong: card.expiryMonth',
    ],
    [
      'a short number',
      { ...kSale, card: { ...kSale.card, number: '42424242' } },
      undefined,
      'wrong: card.number',
    ],
  ])('refuses %s, and does not repeat what it got', async (_title, body, headers, message) => {
    const server = await start();
    expect(await pay(server, body, headers)).toEqual({ status: 422, json: { message } });
    expect(server.ledger()).toEqual([]);
  });

  it('refuses a body of more than 64 KiB', async () => {
    expect(await pay(await start(), 'x'.repeat(64 * 1024 + 1))).toMatchObject({ status: 413 });
    expect(await pay(await start(), 'x'.repeat(64 * 1024))).toMatchObject({ status: 422 });
  });

  it.each([undefined, 'Bearer wrong', 'Bearer right-token-and-more', 'right-token'])(
    'lets nobody in with %s',
    async (authorization) => {
      const server = await start({ token: 'right-token' });
      const headers = { 'idempotency-key': 'K1', ...(authorization === undefined ? {} : { authorization }) };
      expect(await pay(server, kSale, headers)).toMatchObject({ status: 401 });
      expect((await fetch(`${server.url}/ledger`)).status).toBe(401);
      expect(server.ledger()).toEqual([]);
    },
  );

  it.each([
    ['GET', '/payments', 404],
    ['GET', '/payments/X/1/reversal', 405],
    ['DELETE', '/payments/X/1', 405],
    ['GET', '/payments/X/one', 404],
    ['GET', '/payments/X/1', 404],
    ['GET', '/health', 200],
    ['GET', '/', 404],
  ])('%s %s is %i', async (method, path, status) => {
    const server = await start();
    expect((await fetch(server.url + path, { method })).status).toBe(status);
  });

  it.each([
    ['424242', 200, { brand: 'visa', allowed: true, fields: ['expiry', 'cvv'] }],
    ['37828224', 200, { brand: 'amex', allowed: true, fields: ['expiry', 'cvv'] }],
    ['100000', 200, { brand: 'uatp', allowed: true, fields: ['expiry'] }],
    ['999999', 200, { brand: null, allowed: false, fields: [] }],
    ['42424', 422, { message: 'wrong: prefix' }],
    ['424242424', 422, { message: 'wrong: prefix' }],
  ])('checks a card that begins with %s', async (prefix, status, expected) => {
    const server = await start();
    const response = await fetch(`${server.url}/cards/check`, {
      method: 'POST',
      body: JSON.stringify({ prefix }),
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual(expected);
  });

  it('speaks TLS and takes real payments over it', async () => {
    const tls = selfSigned();
    const server = await start({ tls });
    const clock = new FakeClock();
    const options = { baseUrl: server.url, ca: Buffer.from(tls.cert), connectTimeoutMs: 5_000, token: null };
    const gateway = new RestGateway(options, clock, new FakeLog());
    const context = { deadlineMs: 30_000, onFlushed: () => undefined };
    expect(await gateway.submit(requestOf(), cardOf({ pan: kPan }), context)).toMatchObject({
      kind: 'approved',
    });
    expect(await gateway.submit(requestOf(), cardOf({ pan: '4000000000000838' }), context)).toMatchObject({
      kind: 'approved',
    });
    await gateway.close();
    expect(server.ledger()).toMatchObject([{ submissions: 2 }]);
  });

  it('resets the connection for real', async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    const json = JSON.stringify({ ...kSale, card: { ...kSale.card, number: '4000000000000838' } });
    socket.write(
      `POST /payments HTTP/1.1\r\nhost: x\r\nidempotency-key: K1\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
    );
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(server.ledger()).toMatchObject([{ state: 'approved' }]);
  });

  it('closes twice, also with answers outstanding', async () => {
    const clock = new FakeClock();
    const bank = new SimulatorBank(clock, { answerDelayMs: 1_000 });
    const server = await start({ clock, bank });
    const request = pay(server, kSale).catch(() => 'broken');
    await until(() => bank.ledger().length === 1);
    expect(server.close()).toBe(server.close());
    await server.close();
    expect(await request).toBe('broken');
    expect(clock.pending).toBe(0);
  });

  it('says so when its port is taken', async () => {
    const server = await start();
    const port = Number(new URL(server.url).port);
    await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
