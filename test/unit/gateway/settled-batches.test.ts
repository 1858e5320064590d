import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { type SimulatorServer, startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import type { FollowUp } from '../../../src/ports/payment-gateway.ts';
import { CannedWire } from '../../support/canned-wire.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kHourMs = 3_600_000;
const kKey = `${requestOf().paymentRef}01`;
const kOk = '"messages":{"resultCode":"Ok","message":[{"code":"I00001"}]}';
const adapter = kAdapters.find(({ name }) => name === 'authorizenet');
if (!adapter) throw new Error('no adapter');

/** Authorize.Net lists what is unsettled; a batch is cut once a day, and what was in it is listed no more. */
describe('what Authorize.Net does not list', () => {
  let clock: FakeClock;
  let server: SimulatorServer;
  let gateway: HttpGateway;

  beforeEach(async () => {
    clock = new FakeClock();
    server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock });
    gateway = openAdapter(adapter, server.url, clock, new FakeLog());
  });
  afterEach(async () => {
    await gateway.close();
    await server.close();
  });

  const sent = () => requestOf({ idempotencyKey: kKey, sentAt: clock.date().toISOString() });
  async function pay(): Promise<string> {
    const context = { deadlineMs: 30_000, onFlushed: () => undefined };
    const paid = await gateway.submit(sent(), cardOf({ pan: '4242424242424242' }), context);
    if (paid.kind !== 'approved') throw new Error(paid.kind);
    return paid.transactionId;
  }

  it('is unknown once a batch was settled since, and nothing is there to reverse for certain', async () => {
    const ref = sent();
    await pay();
    await clock.advance(5 * 60_000);
    server.bank.closeBatch();
    expect(await gateway.query(ref)).toMatchObject({ kind: 'unknown' });
    expect(await gateway.reverse(ref)).toBe('pending');
    expect(server.bank.netMinor(ref.paymentRef)).toBe(1050);
  });

  it('never arrived when the last batch was settled before', async () => {
    server.bank.closeBatch();
    await clock.advance(2 * kHourMs);
    const ref = sent();
    await clock.advance(60_000);
    expect(await gateway.query(ref)).toEqual({ kind: 'not_found' });
    expect(await gateway.reverse(ref)).toBe('nothing_to_reverse');
  });

  it('is unknown when nobody knows when it was sent, or it was long ago', async () => {
    const ref = sent();
    const { sentAt: _unknown, ...undated } = ref;
    expect(await gateway.query(undated)).toMatchObject({ kind: 'unknown' });
    expect(await gateway.reverse(undated)).toBe('pending');
    await clock.advance(21 * kHourMs);
    expect(await gateway.query(ref)).toMatchObject({ kind: 'unknown' });
  });

  it('is unknown, too, when the date was set back since, and absent when no batch was settled', async () => {
    const ref = requestOf({ idempotencyKey: kKey, sentAt: '2026-11-22T18:00:00.000Z' }); // thirty hours ahead
    expect(await gateway.query(ref)).toEqual({ kind: 'not_found' });
    server.bank.batches.push({ settledAt: new Date('2026-11-22T18:03:00Z'), transactionIds: new Set() });
    expect(await gateway.query(ref)).toMatchObject({ kind: 'unknown' });
  });

  it('is unknown when its batches cannot be read', async () => {
    const dialect = adapter.dialect(clock, 'host');
    const list = [200, `{"transactions":[],${kOk}}`] as const;
    const refused = '{"messages":{"resultCode":"Error","message":[{"code":"E00007"}]}}';
    for (const batches of [refused, '<h1>sorry</h1>', `{"batchList":[{"batchId":"7"}],${kOk}}`]) {
      const wire = new CannedWire(list, [200, batches]);
      expect(await dialect.query(wire, sent())).toMatchObject({ kind: 'unknown' });
    }
    const none = new CannedWire(list, [200, `{${kOk}}`]);
    expect(await dialect.query(none, sent())).toEqual({ kind: 'not_found' });
  });

  it('was no refund when it was asked for after the last batch, though its payment is in it', async () => {
    const transactionId = await pay();
    const payment = sent();
    server.bank.closeBatch();
    await clock.advance(3 * kHourMs);
    const order: FollowUp = {
      kind: 'refund',
      payment,
      transactionId,
      captureId: null,
      last4: '4242',
      key: `${kKey}F1`,
      amount: payment.amount,
      beforeMinor: 0,
    };
    expect(await gateway.findFollowUp(order)).toMatchObject({ kind: 'unknown' });
    const sentAt = clock.date().toISOString();
    expect(await gateway.findFollowUp({ ...order, sentAt })).toEqual({ kind: 'not_found' });
  });
});
