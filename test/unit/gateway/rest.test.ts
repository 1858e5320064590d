import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardSecret } from '../../../src/card/card-secret.ts';
import { RestGateway } from '../../../src/gateway/rest.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { money } from '../../../src/money/money.ts';
import type { SubmitResult } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, type KeyedCard, requestOf } from '../../support/payment-request.ts';
import { httpAnswer, type RawServer, startRawServer } from '../../support/raw-server.ts';
import { gatewayContract } from './contract.ts';

const kPan = '4242424242424242';
const kToken = 'test-token';
const kAbsent = { paymentRef: 'R4K7Z2M9QX3TB8VA', attempt: 1, message: 'no such payment' };

gatewayContract('rest', async () => {
  const clock = new FakeClock();
  const log = new FakeLog();
  const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', token: kToken, clock });
  const gateway = gatewayAt(server.url, log, clock);
  const close = async () => {
    await gateway.close();
    await server.close();
  };
  return { gateway, bank: server.bank, clock, log, close };
});

function gatewayAt(
  baseUrl: string,
  log = new FakeLog(),
  clock = new FakeClock(),
  token: string | null = kToken,
): RestGateway {
  return new RestGateway({ baseUrl, ca: null, connectTimeoutMs: 5_000, token }, clock, log);
}

describe('rest', () => {
  let answer: (socket: Socket) => void;
  let server: RawServer;
  let log: FakeLog;
  let gateway: RestGateway;
  let card: CardSecret;

  beforeEach(async () => {
    answer = replying(200, approval());
    server = await startRawServer((socket) => answer(socket));
    log = new FakeLog();
    gateway = gatewayAt(`http://127.0.0.1:${server.port}/v1`, log);
  });
  afterEach(async () => {
    await gateway.close();
    await server.close();
    expect(log.text).not.toContain(kPan);
    expect(log.text).not.toContain(kToken);
  });

  async function submit(keyed: KeyedCard = { pan: kPan }, changes = {}): Promise<SubmitResult> {
    card = cardOf(keyed);
    return gateway.submit(requestOf(changes), card, { deadlineMs: 30_000, onFlushed: () => undefined });
  }

  function sent(): { head: string; body: string } {
    const [head = '', body = ''] = Buffer.concat(server.received).toString('utf8').split('\r\n\r\n');
    return { head, body };
  }

  describe('request', () => {
    it('is these bytes for a MOTO sale of 10.50 EUR', async () => {
      await submit();
      expect(sent().body).toBe(
        '{"version":1,"operation":"sale","paymentRef":"R4K7Z2M9QX3TB8VA","attempt":1,"merchantId":"shop-1",' +
          '"customerId":"C-77","reference":"INV-7","channel":"moto",' +
          '"amount":{"value":1050,"currency":"EUR","exponent":2},' +
          '"card":{"brand":"visa","number":"4242424242424242","expiryMonth":"03","expiryYear":"2030",' +
          '"securityCode":"123","issueNumber":null,"start":null,"postalCode":null},' +
          '"call":{"id":"call-1","ani":"+4930123","dnis":"+4930999","mode":"ivr"}}',
      );
      const head = sent().head.toLowerCase();
      expect(head).toMatch(/^post \/v1\/payments http\/1\.1\r\n/);
      for (const line of [
        'authorization: bearer test-token',
        'content-type: application/json',
        'idempotency-key: r4k7z2m9qx3tb8va-01',
      ]) {
        expect(head.split('\r\n')).toContain(line);
      }
    });

    it('carries what the card has and escapes what the caller said', async () => {
      const keyed = { pan: '378282246310005', expiry: '', cvv: '', postal: '90210' };
      const reference = 'a "quoted" \\ line\nÜ';
      await submit(keyed, { reference, merchantId: null, brand: 'amex', amount: money(1050, 'JPY') });
      expect(JSON.parse(sent().body)).toMatchObject({
        reference,
        merchantId: null,
        amount: { value: 1050, currency: 'JPY', exponent: 0 },
        card: {
          brand: 'amex',
          number: '378282246310005',
          expiryMonth: null,
          expiryYear: null,
          securityCode: null,
          postalCode: '90210',
        },
      });
    });

    it('has no Authorization without a token', async () => {
      const open = gatewayAt(`http://127.0.0.1:${server.port}`, log, new FakeClock(), null);
      await open.query(requestOf());
      await open.close();
      expect(sent().head).toMatch(/^GET \/payments\/R4K7Z2M9QX3TB8VA\/1 HTTP/);
      expect(sent().head).not.toMatch(/authorization/i);
    });

    it('cannot be made with a card that has been wiped', async () => {
      const wiped = cardOf({ pan: kPan });
      wiped.wipe();
      const context = { deadlineMs: 30_000, onFlushed: () => undefined };
      await expect(gateway.submit(requestOf(), wiped, context)).rejects.toThrow('wiped');
      expect(server.received).toHaveLength(0);
    });
  });

  describe('answer to a submission', () => {
    const declined = { outcome: 'declined', declineClass: 'soft', declineCode: '51' };
    const kAnswers: readonly (readonly [status: number, body: unknown, expected: object])[] = [
      [
        200,
        approval(),
        { kind: 'approved', transactionId: 'T-1', authCode: '00A1B2', spokenReference: 'A1B2' },
      ],
      [201, approval({ fee: 3, nested: { any: [] } }), { kind: 'approved', transactionId: 'T-1' }],
      [
        200,
        approval({ transactionId: 993617895204, authCode: null, spokenReference: [] }),
        { kind: 'approved', transactionId: '993617895204', authCode: null, spokenReference: null },
      ],
      [200, approval({ paymentRef: 'R4K7Z2M9QX3TB8VA', attempt: 1 }), { kind: 'approved' }],
      [200, approval({ paymentRef: 'ANOTHER' }), { kind: 'unknown' }],
      [200, approval({ attempt: 2 }), { kind: 'unknown' }],
      [200, approval({ transactionId: null }), { kind: 'unknown' }],
      [200, approval({ transactionId: 2 ** 60 }), { kind: 'unknown' }],
      [200, approval({ transactionId: ' ' }), { kind: 'unknown' }],
      [
        200,
        approval({ approvedAmount: { value: 1050, currency: 'EUR', exponent: 2 } }),
        { kind: 'approved' },
      ],
      [200, approval({ approvedAmount: { value: 1000, currency: 'EUR', exponent: 2 } }), { kind: 'partial' }],
      [200, approval({ approvedAmount: { value: 1100, currency: 'EUR', exponent: 2 } }), { kind: 'unknown' }],
      [200, approval({ approvedAmount: { value: 1050, currency: 'USD', exponent: 2 } }), { kind: 'unknown' }],
      [200, approval({ approvedAmount: '10.50' }), { kind: 'unknown' }],
      [200, declined, { kind: 'declined', class: 'soft', code: '51', transactionId: null }],
      [
        200,
        { ...declined, declineClass: 'hard', transactionId: 'T-2' },
        { kind: 'declined', class: 'hard', transactionId: 'T-2' },
      ],
      [200, { ...declined, declineClass: 'reenter' }, { kind: 'declined', class: 'reenter' }],
      [200, { ...declined, declineClass: 'auth_required' }, { kind: 'declined', class: 'auth_required' }],
      [200, { ...declined, declineClass: 'new' }, { kind: 'declined', class: 'soft' }],
      [200, { outcome: 'declined' }, { kind: 'declined', class: 'soft', code: 'unspecified' }],
      [200, { outcome: 'declined', declineClass: 'config' }, { kind: 'rejected_config' }],
      [200, { outcome: 'error', declineClass: 'config' }, { kind: 'rejected_config' }],
      [200, { outcome: 'error', declineClass: 'transient' }, { kind: 'transient' }],
      [200, { outcome: 'error', processed: false }, { kind: 'transient' }],
      [200, { outcome: 'error' }, { kind: 'unknown' }],
      [200, { outcome: 'pending' }, { kind: 'unknown' }],
      [200, { outcome: 'maybe' }, { kind: 'unknown' }],
      [200, {}, { kind: 'unknown' }],
      [200, [], { kind: 'unknown' }],
      [200, null, { kind: 'unknown' }],
      [204, '', { kind: 'unknown' }],
      [302, '', { kind: 'unknown' }],
      [307, '', { kind: 'unknown' }],
      [400, { message: 'bad amount' }, { kind: 'rejected_config', reason: 'status 400: bad amount' }],
      [401, '', { kind: 'rejected_config', reason: 'status 401' }],
      [403, '<html>', { kind: 'rejected_config' }],
      [404, {}, { kind: 'rejected_config' }],
      [422, {}, { kind: 'rejected_config' }],
      [422, approval(), { kind: 'unknown' }],
      [402, declined, { kind: 'declined', class: 'soft', code: '51' }],
      [402, {}, { kind: 'unknown' }],
      [402, approval(), { kind: 'unknown' }],
      [408, {}, { kind: 'unknown' }],
      [409, {}, { kind: 'unknown' }],
      [429, {}, { kind: 'transient' }],
      [429, approval(), { kind: 'unknown' }],
      [500, declined, { kind: 'declined', class: 'soft', code: '51' }],
      [500, approval(), { kind: 'unknown' }],
      [500, { processed: false }, { kind: 'unknown' }],
      [502, '<html>', { kind: 'unknown' }],
      [503, '', { kind: 'unknown' }],
      [503, { processed: true }, { kind: 'unknown' }],
      [503, { processed: false }, { kind: 'transient' }],
      [504, {}, { kind: 'unknown' }],
    ];
    it.each(kAnswers)('%i %j', async (status, body, expected) => {
      answer = replying(status, body);
      expect(await submit()).toMatchObject(expected);
    });

    it.each([
      ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
      ['deeply nested', Buffer.from('['.repeat(100_000))],
      ['compressed', Buffer.from('1f8b08000000000000ff', 'hex')],
      ['an approval with a tail', Buffer.from(`${JSON.stringify(approval())}{}`)],
    ])('is unknown when it is %s', async (_title, body) => {
      answer = (socket) => void socket.write(httpAnswer(200, body));
      expect(await submit()).toMatchObject({ kind: 'unknown' });
    });

    it('is unknown or right wherever it is cut, with a length, in chunks, or up to the end of the connection', async () => {
      const json = JSON.stringify(approval());
      const chunked = `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`;
      const forms = [
        httpAnswer(200, json),
        Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`),
        Buffer.from(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${json}`),
      ];
      for (const whole of forms) {
        const seen = new Map<string, number>();
        for (let length = 0; length <= whole.length; length++) {
          answer = (socket) => void socket.end(whole.subarray(0, length));
          const { kind } = await submit();
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
        }
        expect([...seen.keys()].sort()).toEqual(['approved', 'unknown']);
        expect(seen.get('approved')).toBe(1);
      }
    });
  });

  describe('a gateway that echoes the card', () => {
    it.each([
      ['as an id', { outcome: 'approved', transactionId: kPan }],
      ['within an id', { outcome: 'declined', declineCode: `x${kPan}` }],
      ['in the message, in groups', { outcome: 'error', message: 'card 4242 4242-4242 4242 refused' }],
      ['as a number', { outcome: 'approved', transactionId: Number(kPan) }],
      ['escaped', { outcome: 'error', message: `\u0000${kPan}` }],
    ])('cannot get it into a result: %s', async (_title, body) => {
      answer = replying(200, body);
      const result = JSON.stringify(await submit());
      expect(result.replace(/[^\d]/g, '')).not.toContain(kPan);
      expect(result).not.toContain('4242');
    });

    it('cannot get the security code into a reason', async () => {
      answer = replying(422, { message: 'code 123 of card 4242 is wrong' });
      expect(await submit()).toEqual({
        kind: 'rejected_config',
        reason: 'status 422: code *** of card *** is wrong',
      });
    });

    it('cannot get it into the result of a look-up', async () => {
      answer = replying(200, { outcome: 'approved', transactionId: kPan });
      expect(JSON.stringify(await gateway.query(requestOf()))).not.toContain(kPan);
    });

    it('cannot get it into a result when the card is wiped before the answer', async () => {
      answer = (socket) => {
        card.wipe();
        replying(200, { outcome: 'approved', transactionId: kPan })(socket);
      };
      expect(JSON.stringify(await submit())).not.toContain('4242');
    });

    it('does not keep us busy with a number of a million digits', async () => {
      answer = replying(200, { outcome: 'approved', transactionId: '42'.repeat(500_000) });
      expect(await gateway.query(requestOf())).toMatchObject({ kind: 'approved' });
    });

    it('keeps a transaction id that only looks like a card', async () => {
      answer = replying(200, approval({ transactionId: '5555555555554444' }));
      expect(await submit()).toMatchObject({ kind: 'approved', transactionId: '5555555555554444' });
    });

    it('has its ids cut and cleaned', async () => {
      answer = replying(200, approval({ transactionId: `a\nb ${'x'.repeat(100)}` }));
      expect(await submit()).toMatchObject({ kind: 'approved', transactionId: `a_b_${'x'.repeat(60)}` });
    });
  });

  describe('look-up', () => {
    it.each([
      [404, kAbsent, 'application/json', 'not_found'],
      [404, { ...kAbsent, attempt: 2 }, 'application/json', 'unknown'],
      [404, { ...kAbsent, paymentRef: 'R4K7Z2M9QX3TB8VB' }, 'application/json', 'unknown'],
      [404, { message: 'no Route matched with those values' }, 'application/json', 'unknown'],
      [404, {}, 'application/json', 'unknown'],
      [404, '', 'text/plain', 'unknown'],
      [404, '<html>nothing here', 'text/html', 'unknown'],
      [200, approval(), 'application/json', 'approved'],
      [200, { outcome: 'declined' }, 'application/json', 'declined'],
      [200, { outcome: 'pending' }, 'application/json', 'unknown'],
      [200, { outcome: 'error' }, 'application/json', 'unknown'],
      [200, { outcome: 'error', processed: false }, 'application/json', 'not_found'],
      [200, { outcome: 'error', declineClass: 'config' }, 'application/json', 'not_found'],
      [400, {}, 'application/json', 'unknown'],
      [401, {}, 'application/json', 'unknown'],
      [429, {}, 'application/json', 'unknown'],
      [503, { processed: false }, 'application/json', 'unknown'],
    ])('%i %j as %s is %s', async (status, body, contentType, kind) => {
      answer = (socket) =>
        void socket.write(httpAnswer(status, textOf(body), { 'content-type': contentType }));
      expect(await gateway.query(requestOf())).toMatchObject({ kind });
    });
  });

  describe('reversal', () => {
    it.each([
      [200, { outcome: 'reversed' }, 'reversed'],
      [200, { outcome: 'nothing_to_reverse' }, 'nothing_to_reverse'],
      [200, { outcome: 'failed' }, 'failed'],
      [202, { outcome: 'pending' }, 'pending'],
      [200, {}, 'pending'],
      [404, kAbsent, 'nothing_to_reverse'],
      [404, { message: 'no Route matched with those values' }, 'failed'],
      [404, {}, 'failed'],
      [403, {}, 'failed'],
      [500, {}, 'pending'],
    ])('%i %j is %s', async (status, body, expected) => {
      answer = replying(status, body);
      expect(await gateway.reverse(requestOf())).toBe(expected);
      expect(sent().head).toMatch(/^POST \/v1\/payments\/R4K7Z2M9QX3TB8VA\/1\/reversal HTTP/);
    });
  });

  describe('check', () => {
    it.each([
      [200, { ok: true }],
      [404, { ok: true }],
      [401, { ok: false, reason: 'status 401: the credentials were refused' }],
      [301, { ok: false, reason: 'status 301: redirects are not followed' }],
      [503, { ok: false, reason: 'status 503' }],
    ])('%i', async (status, expected) => {
      answer = replying(status, {});
      expect(await gateway.check()).toEqual(expected);
      expect(sent().head).toMatch(/^GET \/v1\/health HTTP/);
    });
  });

  it('sends nothing and learns nothing while nobody listens', async () => {
    await server.close();
    expect(await submit()).toEqual({ kind: 'not_sent', reason: 'ECONNREFUSED' });
    expect(await gateway.query(requestOf())).toEqual({ kind: 'unknown', reason: 'look-up: ECONNREFUSED' });
    expect(await gateway.reverse(requestOf())).toBe('failed');
    expect(await gateway.check()).toEqual({ ok: false, reason: 'ECONNREFUSED' });
  });
});

function approval(changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    outcome: 'approved',
    transactionId: 'T-1',
    authCode: '00A1B2',
    spokenReference: 'A1B2',
    ...changes,
  };
}

function replying(status: number, body: unknown): (socket: Socket) => void {
  return (socket) => void socket.write(httpAnswer(status, textOf(body)));
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
