import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { SimulatorBank } from '../../../src/gateway/simulator-bank.ts';
import { FollowUps } from '../../../src/payment/follow-ups.ts';
import type { FollowUpPlan, FollowUpRequest } from '../../../src/ports/follow-ups.ts';
import type { FollowUp, FollowUpResult, PaymentType } from '../../../src/ports/payment-gateway.ts';
import type { FollowUpJournal } from '../../../src/ports/store.ts';
import type { SyncFile } from '../../../src/store/group-sync.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kRef = 'R4K7Z2M9QX3TB8VA';
const kDayMs = 24 * 3_600_000;

type Fault = 'none' | 'request lost' | 'answer lost' | 'not sent' | 'adapter breaks';

/** The simulated bank behind a line with faults, one per request in turn. Without keys a resend is a new change. */
class FaultyGateway extends SimulatorGateway {
  readonly faults: Fault[] = [];
  readonly hasKeys: boolean;
  isDown = false;
  /** A request waits for it before it reaches the bank. */
  held: Promise<void> = Promise.resolve();
  #sent = 0;

  constructor(clock: FakeClock, log: FakeLog, hasKeys = true) {
    super(clock, log, new SimulatorBank(clock));
    this.hasKeys = hasKeys;
  }

  override async followUp(order: FollowUp): Promise<FollowUpResult> {
    const fault = this.isDown ? 'request lost' : (this.faults.shift() ?? 'none');
    if (fault === 'not sent') return { kind: 'not_sent', reason: 'ECONNREFUSED' };
    if (fault === 'request lost') return { kind: 'unknown', reason: 'ECONNRESET' };
    await this.held;
    const key = this.hasKeys ? order.key : `${order.key}#${++this.#sent}`;
    const result = await super.followUp({ ...order, key });
    if (fault === 'adapter breaks') throw new Error('adapter broke');
    return fault === 'answer lost' ? { kind: 'unknown', reason: 'ECONNRESET' } : result;
  }

  override async findFollowUp(order: FollowUp) {
    if (this.hasKeys) return this.followUp(order);
    if (this.isDown) return { kind: 'unknown', reason: 'down' } as const;
    const [entry] = this.bank.ledger();
    const found = entry?.changes.find(({ key }) => key.startsWith(`${order.key}#`));
    return found
      ? ({ kind: 'done', transactionId: found.transactionId } as const)
      : ({ kind: 'not_found' } as const);
  }
}

/** A payment of 10.50 EUR at the bank and in a real store. */
class Rig {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly gateway: FaultyGateway;
  readonly store: Store;
  followUps: FollowUps;
  #requests = 0;

  constructor(directory: string, hasKeys = true) {
    this.gateway = new FaultyGateway(this.clock, this.log, hasKeys);
    const sync: SyncFile = (_fd, done) => done(null); // the clock of the test does not wait for a disk
    this.store = openStore({ file: join(directory, 'hushpay.sqlite'), log: this.log, sync });
    this.followUps = this.makeFollowUps();
  }

  makeFollowUps(journal: FollowUpJournal = this.store.followUps): FollowUps {
    return new FollowUps({ gateway: this.gateway, journal, clock: this.clock, log: this.log });
  }

  async pay(operation: PaymentType = 'sale', approvedMinor?: number): Promise<void> {
    const request = requestOf({ operation, idempotencyKey: `${kRef}01` });
    const context = { deadlineMs: 30_000, onFlushed: () => undefined };
    const paid = await this.gateway.submit(request, cardOf({ pan: '4242424242424242' }), context);
    if (paid.kind !== 'approved') throw new Error(paid.kind);
    this.store.open(sessionOf({ gateway: 'simulator' }));
    await this.store.begin(
      attemptOf({ gateway: 'simulator', operation, sentAt: this.clock.date().toISOString() }),
    );
    await this.store.settle(
      { sessionId: 'S1', attempt: 1 },
      {
        state: 'APPROVED',
        transactionId: paid.transactionId,
        declineClass: null,
        declineCode: null,
        doneAt: this.clock.date().toISOString(),
        ...(approvedMinor === undefined ? {} : { approvedMinor }),
      },
    );
  }

  request(kind: FollowUpRequest['kind'], amount: string | null = null, requestKey?: string) {
    const key = requestKey ?? `request-${++this.#requests}`;
    const by = { actor: 'api:ann', note: 'asked by letter' };
    return this.followUps.request({ paymentRef: kRef, kind, amount, requestKey: key, ...by });
  }

  get states(): readonly string[] {
    return this.store.followUps.book(kRef).followUps.map(({ state }) => state);
  }

  get net(): number {
    return this.gateway.bank.netMinor(kRef);
  }

  async close(): Promise<void> {
    await this.followUps.stop();
    this.store.close();
  }
}

let directory: string;
let rig: Rig;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-follow-ups-'));
  rig = new Rig(directory);
});
afterEach(async () => {
  await rig.close();
  rmSync(directory, { recursive: true });
});

function stateOf(plan: FollowUpPlan): string {
  return plan.kind === 'planned' ? plan.record.state : plan.kind;
}

describe('what may be done about a payment', () => {
  it('refunds all of a sale, or parts of it, and never more than was paid', async () => {
    await rig.pay();
    expect(stateOf(await rig.request('refund', '0.50'))).toBe('DONE');
    expect(await rig.request('refund', '10.01')).toEqual({
      kind: 'not_possible',
      reason: 'amount: at most 10.00 EUR can be refunded',
    });
    expect(stateOf(await rig.request('refund'))).toBe('DONE');
    expect(rig.net).toBe(0);
    expect(await rig.request('refund', '0.01')).toMatchObject({ reason: 'all of it is refunded already' });
    expect(await rig.request('void')).toMatchObject({ kind: 'not_possible' });
  });

  it('captures an authorization once, and then refunds it', async () => {
    await rig.pay('authorize');
    expect(await rig.request('refund')).toMatchObject({
      reason: 'it is not captured: what is only authorized is voided',
    });
    expect(await rig.request('capture', '10.51')).toMatchObject({ kind: 'not_possible' });
    expect(stateOf(await rig.request('capture', '10.00'))).toBe('DONE');
    expect(await rig.request('capture')).toMatchObject({ reason: 'it is captured already' });
    expect(await rig.request('void')).toMatchObject({
      reason: 'it is captured: what is captured is refunded',
    });
    expect(await rig.request('refund', '10.01')).toMatchObject({ kind: 'not_possible' });
    expect(stateOf(await rig.request('refund'))).toBe('DONE');
    expect(rig.net).toBe(0);
  });

  it('voids an authorization, and nothing after it', async () => {
    await rig.pay('authorize');
    expect(await rig.request('void', '1.00')).toMatchObject({
      reason: 'amount: a void takes back all of it',
    });
    expect(stateOf(await rig.request('void'))).toBe('DONE');
    for (const kind of ['capture', 'void', 'refund'] as const)
      expect(await rig.request(kind)).toMatchObject({ reason: 'it is voided already' });
  });

  it('refunds no more than the part that was approved', async () => {
    await rig.pay('sale', 600);
    expect(await rig.request('refund', '6.01')).toMatchObject({
      reason: 'amount: at most 6.00 EUR can be refunded',
    });
  });

  it.each([
    ['verify', 'nothing was charged: it is of type verify'],
    ['tokenize', 'nothing was charged: it is of type tokenize'],
  ] as const)('does nothing about a payment of type %s', async (operation, reason) => {
    await rig.pay(operation);
    expect(await rig.request('refund')).toEqual({ kind: 'not_possible', reason });
  });

  it.each(['0', '0.00', '1.001', 'all', '-1'])('takes no amount of %s', async (amount) => {
    await rig.pay();
    expect(await rig.request('refund', amount)).toMatchObject({ kind: 'not_possible' });
  });

  it('knows no payment that is not there', async () => {
    expect(await rig.request('refund')).toEqual({ kind: 'no_such_payment' });
  });

  it('refunds what no other hand plans: the file refuses it as well', async () => {
    await rig.pay();
    const record = {
      key: 'K1',
      requestKey: 'another-hand',
      sessionId: 'S1',
      attempt: 1,
      paymentRef: kRef,
      kind: 'refund',
      state: 'SUBMITTING',
      amount: { minor: 1051, currency: 'EUR', exponent: 2 },
      gateway: 'simulator',
      transactionId: null,
      reason: null,
      actor: 'test',
      note: 'test',
      sentAt: '2026-11-21T12:00:00.000Z',
      doneAt: null,
    } as const;
    const begun = rig.store.followUps.begin(kRef, () => ({ record }));
    await expect(begun).rejects.toThrow('more than the payment was');
  });
});

describe('asking again', () => {
  it('with the same request key gives the first answer, and does nothing', async () => {
    await rig.pay();
    const first = await rig.request('refund', '1.00', 'letter-77');
    const again = await rig.request('refund', '1.00', 'letter-77');
    expect([stateOf(first), stateOf(again)]).toEqual(['DONE', 'DONE']);
    expect(rig.net).toBe(950);
    expect(await rig.request('refund', '2.00', 'letter-77')).toMatchObject({
      reason: 'the request key was used for something else',
    });
  });

  it('while one is open is refused', async () => {
    await rig.pay();
    rig.gateway.faults.push('answer lost');
    expect(stateOf(await rig.request('refund', '1.00'))).toBe('UNKNOWN');
    expect(await rig.request('refund', '1.00')).toMatchObject({
      reason: 'a refund of it is UNKNOWN: what became of that must be known first',
    });
    expect(rig.net).toBe(950);
  });
});

describe.each([
  ['a gateway that knows resends', true],
  ['a gateway that does not', false],
])('an answer that got lost, with %s', (_name, hasKeys) => {
  beforeEach(async () => {
    await rig.close();
    rig = new Rig(mkdtempSync(join(directory, 'one-')), hasKeys);
    await rig.pay();
  });

  it('is found out after a minute, and nothing is refunded twice', async () => {
    rig.gateway.faults.push('answer lost');
    await rig.request('refund', '1.00');
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual(['DONE']);
    expect(rig.net).toBe(950);
  });

  it('is done after all, or certainly not, when the request got lost', async () => {
    rig.gateway.faults.push('request lost');
    await rig.request('refund', '1.00');
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual([hasKeys ? 'DONE' : 'NOT_DONE']);
    expect(rig.net).toBe(hasKeys ? 950 : 1050);
  });

  it('is a person’s after a day without one; then a person says what it was', async () => {
    rig.gateway.isDown = true;
    await rig.request('refund', '1.00');
    await rig.clock.advance(kDayMs + 60_000);
    expect(rig.states).toEqual(['MANUAL']);
    const [{ key } = { key: '' }] = rig.store.followUps.book(kRef).followUps;
    expect(rig.store.followUps.settleByHand(key, 'NOT_DONE', { actor: 'cli:ann', note: 'seen' })).toBe(true);
    expect(rig.store.followUps.settleByHand(key, 'DONE', { actor: 'cli:ann', note: 'again' })).toBe(false);
    rig.gateway.isDown = false;
    expect(stateOf(await rig.request('refund', '10.50'))).toBe('DONE');
    expect(rig.net).toBe(0);
  });

  it('is found out by the next process', async () => {
    rig.gateway.faults.push('answer lost');
    const deaf: FollowUpJournal = {
      begin: (ref, plan) => rig.store.followUps.begin(ref, plan),
      book: (ref) => rig.store.followUps.book(ref),
      unresolved: () => rig.store.followUps.unresolved(),
      settleByHand: () => false,
      settle: () => {
        throw new Error('the disk is full');
      },
    };
    const dying = rig.makeFollowUps(deaf);
    const by = { actor: 'api:ann', note: 'n' };
    await dying.request({ paymentRef: kRef, kind: 'refund', amount: '1.00', requestKey: 'a-letter', ...by });
    await dying.stop();
    expect(rig.states).toEqual(['SUBMITTING']);
    rig.followUps.start();
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual(['DONE']);
    expect(rig.net).toBe(950);
  });

  it('is not looked up while it is being sent, though the date was set ahead', async () => {
    const held = Promise.withResolvers<void>();
    rig.gateway.held = held.promise;
    rig.followUps.start();
    await rig.clock.advance(45_000);
    const asked = rig.request('refund', '1.00');
    const trueDate = rig.clock.date.bind(rig.clock);
    rig.clock.date = () => new Date(trueDate().getTime() + 3_600_000);
    await rig.clock.advance(20_000); // what is open is read again every minute
    expect(rig.states).toEqual(['SUBMITTING']);
    held.resolve();
    expect(stateOf(await asked)).toBe('DONE');
    expect(rig.net).toBe(950);
  });

  it('is taken over from a dead process though the date was set back', async () => {
    rig.gateway.faults.push('answer lost');
    await rig.request('refund', '1.00');
    await rig.followUps.stop();
    const trueDate = rig.clock.date.bind(rig.clock);
    rig.clock.date = () => new Date(trueDate().getTime() - kDayMs);
    rig.followUps = rig.makeFollowUps();
    rig.followUps.start();
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual(['DONE']);
  });

  it('is looked up at once when somebody asks, once it is older than a minute', async () => {
    rig.gateway.isDown = true;
    await rig.request('refund', '1.00');
    await rig.clock.advance(2 * 60_000);
    rig.gateway.isDown = false;
    await rig.followUps.resolveNow();
    expect(rig.states).toEqual([hasKeys ? 'DONE' : 'NOT_DONE']);
  });
});

it('changes nothing, and says so, when it was not sent or the adapter broke before the disk knew', async () => {
  await rig.pay();
  rig.gateway.faults.push('not sent');
  expect(stateOf(await rig.request('refund', '1.00'))).toBe('NOT_SENT');
  rig.gateway.faults.push('adapter breaks');
  expect(stateOf(await rig.request('refund', '1.00'))).toBe('UNKNOWN');
  await rig.clock.advance(61_000);
  expect(rig.states).toEqual(['NOT_SENT', 'DONE']);
  expect(rig.net).toBe(950);
});

it('writes who, what and why into the audit, in the transaction of the change', async () => {
  await rig.pay();
  await rig.request('refund', '1.00');
  const acts = [...rig.store.audit.entries()].filter(({ action }) => action.startsWith('payment.refund'));
  expect(acts).toMatchObject([
    {
      actor: 'api:ann',
      action: 'payment.refund.submitted',
      detail: { amountMinor: 100, currency: 'EUR', note: 'asked by letter' },
    },
    { actor: 'hushpay', action: 'payment.refund.settled', detail: { state: 'DONE' } },
  ]);
  expect(rig.store.audit.verify().ok).toBe(true);
});

it('refunds what it says it refunded, whatever is cut, lost or killed', async () => {
  const faults = fc.constantFrom<Fault>(
    'none',
    'none',
    'request lost',
    'answer lost',
    'not sent',
    'adapter breaks',
  );
  const steps = fc.array(
    fc.record({
      fault: faults,
      minor: fc.integer({ min: 1, max: 700 }),
      waitMs: fc.integer({ max: 4_000_000, min: 0 }),
      dies: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (todo, hasKeys) => {
      const run = new Rig(mkdtempSync(join(directory, 'run-')), hasKeys);
      try {
        await run.pay();
        run.followUps.start();
        for (const { fault, minor, waitMs, dies } of todo) {
          run.gateway.faults.length = 0;
          run.gateway.faults.push(fault);
          await run.request('refund', (minor / 100).toFixed(2));
          if (dies) {
            await run.followUps.stop();
            run.followUps = run.makeFollowUps();
            run.followUps.start();
          }
          await run.clock.advance(waitMs);
        }
        run.gateway.faults.length = 0;
        await run.clock.advance(kDayMs + 60_000);
        const { followUps } = run.store.followUps.book(kRef);
        const refunded = followUps
          .filter(({ state }) => state === 'DONE')
          .reduce((sum, { amount }) => sum + amount.minor, 0);
        expect(run.states.filter((state) => !['DONE', 'NOT_SENT', 'NOT_DONE'].includes(state))).toEqual([]);
        expect(run.net).toBe(1050 - refunded);
        expect(run.net).toBeGreaterThanOrEqual(0);
      } finally {
        await run.close();
      }
    }),
    { numRuns: 25 },
  );
});
