import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BreakingGateway } from '../../../src/gateway/breaking.ts';
import { money } from '../../../src/money/money.ts';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import type { SubmitResult } from '../../../src/ports/payment-gateway.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kPolicy = { failures: 3, openMs: 30_000 };
const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };
const kLost = { lose: 'answer', afterMs: 0 } as const;

describe('a gateway that gives no verdicts', () => {
  let clock: FakeClock;
  let inner: FakeGateway;
  let gateway: BreakingGateway;
  let isWell: boolean;
  let payments = 0;

  beforeEach(() => {
    clock = new FakeClock();
    inner = new FakeGateway(clock);
    isWell = true;
    inner.check = async () => (isWell ? { ok: true } : ({ ok: false, reason: 'down' } as never));
    gateway = new BreakingGateway(inner, kPolicy, clock, new FakeLog());
  });
  afterEach(async () => {
    await gateway.close();
    expect(clock.pending).toBe(0);
  });

  function pay(changes = {}): Promise<SubmitResult> {
    const paymentRef = `P${++payments}`;
    const request = requestOf({ paymentRef, idempotencyKey: paymentRef, ...changes });
    return gateway.submit(request, cardOf({ pan: '4242424242424242' }), kContext);
  }

  async function fail(times = kPolicy.failures): Promise<void> {
    for (let time = 0; time < times; time++) {
      inner.submits.push(kLost);
      expect(await pay()).toMatchObject({ kind: 'unknown' });
    }
  }

  it('is none that approves a part', async () => {
    const part = {
      transactionId: 'T1',
      authCode: null,
      spokenReference: null,
      approvedAmount: money(600, 'EUR'),
    };
    inner.submit = async () => ({ ...part, kind: 'partial' });
    for (let time = 0; time < kPolicy.failures; time++) await pay();
    expect(gateway.isOpen).toBe(false);
  });

  it('gets no new payment after three in a row', async () => {
    await fail();
    expect(gateway.isOpen).toBe(true);
    const sent = inner.calls.length;
    expect(await pay()).toEqual({ kind: 'not_sent', reason: 'the circuit is open' });
    expect(inner.calls.length).toBe(sent);
  });

  it.each([
    ['an approval', {}],
    ['a decline', { decide: { kind: 'declined', class: 'soft', code: '51', transactionId: null } }],
    ['a refusal of our own', { refuse: { kind: 'rejected_config', reason: '401' } }],
  ] as const)('is well after %s', async (_title, script) => {
    await fail(2);
    inner.submits.push(script);
    await pay();
    await fail(2);
    expect(gateway.isOpen).toBe(false);
  });

  it('is also one that cannot be reached or does not process', async () => {
    inner.submits.push({ refuse: { kind: 'not_sent', reason: 'ECONNREFUSED' } });
    inner.submits.push({ refuse: { kind: 'transient', reason: '429' } }, kLost);
    for (let time = 0; time < 3; time++) await pay();
    expect(gateway.isOpen).toBe(true);
  });

  it('counts a payment that is tried again as one', async () => {
    inner.submits.push(...Array(5).fill({ refuse: { kind: 'not_sent', reason: 'ECONNREFUSED' } }));
    for (let time = 0; time < 5; time++) await pay({ idempotencyKey: 'K', paymentRef: 'K' });
    expect(gateway.isOpen).toBe(false);
  });

  it('still gets what was sent before: resends, look-ups, reversals; and resends do not count', async () => {
    inner.submits.push(kLost, kLost, kLost);
    for (let time = 0; time < 3; time++) await pay({ idempotencyKey: 'K', paymentRef: 'K' });
    expect(gateway.isOpen).toBe(false);
    await fail(2);
    expect(gateway.isOpen).toBe(true);
    const ref = requestOf({ idempotencyKey: 'K', paymentRef: 'K' });
    expect(await gateway.query(ref)).toMatchObject({ kind: 'approved' });
    expect(await gateway.submit(ref, cardOf({ pan: '4242424242424242' }), kContext)).toMatchObject({
      kind: 'approved',
    });
    expect(await gateway.reverse(ref)).toBe('reversed');
    expect(gateway.isOpen).toBe(false); // the resend brought a verdict
  });

  it('is tried again after a while, and by one payment', async () => {
    await fail();
    await clock.advance(29_999);
    expect(gateway.isOpen).toBe(true);
    await clock.advance(1);
    await settle();
    expect(gateway.isOpen).toBe(false);
    await fail(1);
    expect(gateway.isOpen).toBe(true);
    await clock.advance(59_999);
    expect(gateway.isOpen).toBe(true);
    await clock.advance(1);
    expect(await pay()).toMatchObject({ kind: 'approved' });
    await fail(2);
    expect(gateway.isOpen).toBe(false);
  });

  it('stays alone while it does not even answer', async () => {
    isWell = false;
    await fail();
    await clock.advance(30_000 + 60_000 + 120_000);
    expect(gateway.isOpen).toBe(true);
    isWell = true;
    await clock.advance(240_000);
    expect(gateway.isOpen).toBe(false);
  });

  it('has the caller told within three seconds', async () => {
    await fail();
    const policy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
    const journaled = new JournaledPayments({
      gateway,
      journal: new FakeStore(),
      clock,
      log: new FakeLog(),
      policy,
    });
    let told: { kind: string; atMs: number } | undefined;
    const startMs = clock.now();
    const progress = { onFlushed: () => undefined, onUnknown: () => undefined };
    void journaled
      .submit('S', requestOf(), cardOf({ pan: '4242424242424242' }), progress)
      .then(({ kind }) => {
        told = { kind, atMs: clock.now() - startMs };
      });
    await clock.advance(3_000);
    expect(told?.kind).toBe('unavailable');
    expect(told?.atMs).toBeLessThan(3_000);
    await journaled.stop();
  });
});
