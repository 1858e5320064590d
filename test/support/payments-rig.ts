import { JournaledPayments, type PaymentsPolicy } from '../../src/payment/journaled-payments.ts';
import type { SubmissionProgress, Verdict } from '../../src/payment/payments.ts';
import type { Resolution } from '../../src/payment/reconciler.ts';
import type { AttemptRecord, AttemptState } from '../../src/ports/store.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeGateway } from './fake-gateway.ts';
import { FakeLog } from './fake-log.ts';
import { FakeStore } from './fake-store.ts';
import { cardOf, requestOf } from './payment-request.ts';

const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000 } as const;
export const kSession = 'S1';
export const kPan = '4242424242424242';

/** Journaled payments with a gateway, a store and a clock of the test's own. */
export class PaymentsRig {
  readonly clock = new FakeClock();
  readonly gateway: FakeGateway;
  readonly store = new FakeStore();
  readonly log = new FakeLog();
  readonly resolutions: Resolution[] = [];
  /** What submissions told on their way: `flushed`, `unknown`. */
  readonly heard: string[] = [];
  readonly progress: SubmissionProgress = {
    onFlushed: () => void this.heard.push('flushed'),
    onUnknown: () => void this.heard.push('unknown'),
  };
  payments: JournaledPayments;

  readonly #policy: PaymentsPolicy;

  constructor(idempotency: 'key' | 'none' = 'key', lateApproval: 'reverse' | 'keep' = 'reverse') {
    this.#policy = { ...kPolicy, lateApproval };
    this.gateway = new FakeGateway(this.clock, idempotency);
    this.payments = this.makePayments();
  }

  /** As another process on the same store would. */
  makePayments(gateway = this.gateway): JournaledPayments {
    const { store: journal, clock, log } = this;
    const onResolved = (resolution: Resolution) => void this.resolutions.push(resolution);
    return new JournaledPayments({ gateway, journal, clock, log, policy: this.#policy, onResolved });
  }

  /** Submits and lets time pass until the verdict is there. */
  async pay({ card = cardOf({ pan: kPan }), attempt = 1, forMs = 120_000 } = {}): Promise<Verdict> {
    const verdict = this.payments.submit(kSession, requestOf({ attempt }), card, this.progress);
    await this.clock.advance(forMs);
    return verdict;
  }

  rowState(attempt = 1): AttemptState | undefined {
    return this.store.attempts(kSession).find((row) => row.attempt === attempt)?.state;
  }

  charges(): number {
    return this.gateway.netCharges(requestOf().paymentRef);
  }

  timesOf(op: string): number[] {
    return this.gateway.calls.filter((call) => call.op === op).map((call) => call.atMs);
  }

  /** A row as a process leaves it that died between the intent and the verdict. */
  submittingRow(): AttemptRecord {
    const { paymentRef, attempt, idempotencyKey, amount, brand } = requestOf();
    return {
      sessionId: kSession,
      attempt,
      merchantId: null,
      paymentRef,
      idempotencyKey,
      state: 'SUBMITTING',
      amount,
      brand,
      last4: '4242',
      gateway: 'fake',
      transactionId: null,
      declineClass: null,
      declineCode: null,
      sentAt: this.clock.date().toISOString(),
      doneAt: null,
    };
  }
}
