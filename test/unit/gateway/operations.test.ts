import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { type SimulatorServer, startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { worldpayDialect } from '../../../src/gateway/worldpay.ts';
import { money } from '../../../src/money/money.ts';
import { kGatewayKinds } from '../../../src/ports/gateway-kinds.ts';
import type {
  FollowUp,
  FollowUpKind,
  PaymentType,
  SubmitResult,
} from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { type Adapter, kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, type KeyedCard, requestOf } from '../../support/payment-request.ts';

const kVisa = { pan: '4242424242424242' };
const kRef = requestOf().paymentRef;
const kKey = `${kRef}01`;
const kSentAt = '2026-11-21T12:00:00.000Z';
/** These only take an order for a change; whether it was carried out is told elsewhere. */
const kAccepting = new Set(['adyen', 'worldpay']);
/** A charge is refunded there, never voided. */
const kRefundsOnly = new Set(['stripe']);
/** The search lags behind, or says nothing of changes: what does not show may still come. */
const kNeverAbsent = new Set(['worldpay', 'cybersource']);
/** Sends it again under the same key. */
const kResending = new Set(['rest', 'xml', 'adyen', 'rest, mapped']);

/** With Worldpay, whether an order is captured by itself is the account's setting. */
const kHolding: readonly Adapter[] = kAdapters.map((adapter) =>
  adapter.name === 'worldpay'
    ? {
        ...adapter,
        dialect: (clock) =>
          worldpayDialect(
            { merchantCode: 'SHOPHOLD', user: 'u', password: 'p', cardholderName: 'Telephone Payment' },
            clock,
          ),
      }
    : adapter,
);

describe.each(kHolding)('$name beside sales', (adapter) => {
  const { name } = adapter;
  const { operations } = adapter.dialect(new FakeClock(), 'host');
  const has = (operation: PaymentType | FollowUpKind) => operations.includes(operation);
  let server: SimulatorServer;
  let gateway: HttpGateway;
  let log: FakeLog;

  beforeEach(async () => {
    log = new FakeLog();
    const clock = new FakeClock();
    server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock });
    gateway = openAdapter(name === 'worldpay' ? sales(adapter) : adapter, server.url, clock, log);
  });
  afterEach(async () => {
    await gateway.close();
    await server.close();
    expect(log.text).not.toContain('4242424242424242');
  });

  /** Authorizations go to the account that holds, everything else to the usual one. */
  async function submit(operation: PaymentType, keyed: KeyedCard = kVisa): Promise<SubmitResult> {
    if (name === 'worldpay' && operation === 'authorize') {
      await gateway.close();
      gateway = openAdapter(adapter, server.url, new FakeClock(), log);
    }
    const movesMoney = operation === 'sale' || operation === 'authorize';
    const request = requestOf({
      operation,
      idempotencyKey: kKey,
      amount: money(movesMoney ? 1050 : 0, 'EUR'),
    });
    return gateway.submit(request, cardOf(keyed), { deadlineMs: 30_000, onFlushed: () => undefined });
  }

  async function approved(operation: PaymentType): Promise<string> {
    const result = await submit(operation);
    if (result.kind !== 'approved') throw new Error(JSON.stringify(result));
    return result.transactionId;
  }

  function order(kind: FollowUpKind, transactionId: string, changes: Partial<FollowUp> = {}): FollowUp {
    const { operation = 'sale', ...more } = changes as Partial<FollowUp> & { operation?: PaymentType };
    return {
      kind,
      payment: requestOf({ operation, idempotencyKey: kKey, sentAt: kSentAt }),
      transactionId,
      captureId: null,
      last4: '4242',
      key: `${kKey}F1`,
      sentAt: kSentAt,
      amount: money(1050, 'EUR'),
      beforeMinor: 0,
      ...more,
    };
  }
  const held = (kind: FollowUpKind, id: string, changes: Partial<FollowUp> = {}) =>
    order(kind, id, { ...changes, operation: 'authorize' } as Partial<FollowUp>);

  const done = kAccepting.has(name) ? 'accepted' : 'done';
  const net = () => server.bank.netMinor(kRef);

  it('does what the table of gateways says', () => {
    const type = name.replace(/, mapped$/, '') as keyof typeof kGatewayKinds;
    const listed: readonly string[] = kGatewayKinds[type].operations;
    if (!name.endsWith('mapped')) expect([...operations].sort()).toEqual([...listed].sort());
  });

  it.each(['sale', 'authorize', 'verify', 'tokenize', 'capture', 'void', 'refund'] as const)(
    'refuses %s by name if it has none, and sends nothing',
    async (operation) => {
      if (has(operation)) return;
      const isChange = operation === 'capture' || operation === 'void' || operation === 'refund';
      const result = isChange ? await gateway.followUp(order(operation, 'T-1')) : await submit(operation);
      expect(result).toEqual({
        kind: isChange ? 'refused' : 'rejected_config',
        reason: `${gateway.name} has no ${operation}`,
      });
      expect(server.bank.ledger()).toEqual([]);
    },
  );

  it('authorizes, finds it, and takes it back', async () => {
    if (!has('authorize')) return;
    await approved('authorize');
    expect(server.bank.ledger()).toMatchObject([{ operation: 'authorize', state: 'authorized' }]);
    expect(net()).toBe(0);
    const request = requestOf({ operation: 'authorize', idempotencyKey: kKey });
    if (name !== 'adyen') expect(await gateway.query(request)).toMatchObject({ kind: 'approved' });
    await gateway.reverse(request);
    expect(server.bank.ledger()).toMatchObject([{ state: 'reversed' }]);
  });

  it('captures a part of an authorization, once', async () => {
    if (!has('capture')) return;
    const id = await approved('authorize');
    const first = held('capture', id, { amount: money(1000, 'EUR') });
    expect(await gateway.followUp(first)).toMatchObject({ kind: done });
    expect(net()).toBe(1000);
    await gateway.followUp(held('capture', id, { key: `${kKey}F2` }));
    expect(net()).toBe(1000);
    expect(await gateway.findFollowUp(first)).toMatchObject({ kind: kAfterwards(name) });
  });

  it('voids an authorization', async () => {
    if (!has('void')) return;
    const id = await approved('authorize');
    expect(await gateway.followUp(held('void', id))).toMatchObject({ kind: done });
    expect(server.bank.ledger()).toMatchObject([{ state: 'reversed' }]);
    expect(await gateway.findFollowUp(held('void', id))).toMatchObject({ kind: kAfterwards(name) });
  });

  it('voids a sale, unless it only refunds', async () => {
    if (!has('void')) return;
    const id = await approved('sale');
    const expected = kRefundsOnly.has(name) ? 'refused' : done;
    expect(await gateway.followUp(order('void', id))).toMatchObject({ kind: expected });
    expect(net()).toBe(kRefundsOnly.has(name) ? 1050 : 0);
  });

  it('refunds in parts, and no more than was paid', async () => {
    if (!has('refund')) return;
    const id = await approved('sale');
    const first = order('refund', id, { amount: money(50, 'EUR') });
    const second = order('refund', id, { amount: money(1000, 'EUR'), key: `${kKey}F2`, beforeMinor: 50 });
    expect(await gateway.followUp(first)).toMatchObject({ kind: done });
    expect(await gateway.findFollowUp(first)).toMatchObject({ kind: kAfterwards(name) });
    expect(await gateway.followUp(second)).toMatchObject({ kind: done });
    expect(net()).toBe(0);
    const third = order('refund', id, { amount: money(1, 'EUR'), key: `${kKey}F3`, beforeMinor: 1050 });
    const answer = await gateway.followUp(third);
    if (!kAccepting.has(name)) expect(answer).toMatchObject({ kind: 'refused' });
    expect(net()).toBe(0);
  });

  it('refunds what was captured', async () => {
    if (!has('capture') || !has('refund')) return;
    const id = await approved('authorize');
    const captured = await gateway.followUp(held('capture', id));
    const captureId = 'transactionId' in captured ? captured.transactionId : null;
    const refund = held('refund', id, { key: `${kKey}F2`, captureId });
    expect(await gateway.followUp(refund)).toMatchObject({ kind: done });
    expect(net()).toBe(0);
  });

  it.each(['capture', 'void', 'refund'] as const)(
    'does not take a %s for done that never arrived',
    async (kind) => {
      if (!has(kind) || kResending.has(name)) return;
      const isHeld = kind !== 'refund';
      const id = await approved(isHeld ? 'authorize' : 'sale');
      const found = await gateway.findFollowUp(isHeld ? held(kind, id) : order(kind, id));
      const isUnknown = kNeverAbsent.has(name) || name === 'xml, mapped';
      expect(found.kind).toBe(isUnknown ? 'unknown' : 'not_found');
      expect(server.bank.ledger()[0]?.changes).toEqual([]);
    },
  );

  it('sends a change again only where the same key gives the first answer again', async () => {
    if (!has('refund') || !kResending.has(name)) return;
    const id = await approved('sale');
    const refund = order('refund', id, { amount: money(50, 'EUR') });
    const first = await gateway.followUp(refund);
    expect(await gateway.findFollowUp(refund)).toEqual(first);
    expect(net()).toBe(1000);
  });

  it.each(['verify', 'tokenize'] as const)('%s charges nothing', async (operation) => {
    if (!has(operation)) return;
    const result = await submit(operation);
    expect(result).toMatchObject({ kind: 'approved' });
    if (operation === 'tokenize') expect(result).toMatchObject({ token: expect.stringMatching(/^\S+$/) });
    else expect(result).not.toHaveProperty('token');
    expect(net()).toBe(0);
    expect(server.bank.netCharges(kRef)).toBe(0);
    expect(server.bank.ledger()).toMatchObject([{ operation, state: 'verified', amount: { minor: 0 } }]);
    const request = requestOf({ operation, idempotencyKey: kKey, amount: money(0, 'EUR') });
    expect(await gateway.reverse(request)).toBe('nothing_to_reverse');
    expect(await gateway.query(request)).toMatchObject({ kind: 'unknown' });
  });

  it.each(['authorize', 'verify', 'tokenize'] as const)('%s is declined as a sale is', async (operation) => {
    if (!has(operation)) return;
    expect(await submit(operation, { pan: '4000000000000069' })).toMatchObject({ kind: 'declined' });
    expect(net()).toBe(0);
  });
});

function sales({ name }: Adapter): Adapter {
  const found = kAdapters.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
}

/** What a look-up says of a change that was carried out. */
function kAfterwards(name: string): string {
  if (name === 'adyen') return 'accepted';
  return name === 'xml, mapped' ? 'unknown' : 'done';
}
