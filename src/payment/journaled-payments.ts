import type { CardSecret } from '../card/card-secret.ts';
import { lastFour } from '../card/pan.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { CardCheck, PaymentGateway, PaymentRef, PaymentRequest } from '../ports/payment-gateway.ts';
import type { AttemptJournal } from '../ports/store.ts';
import { GatewayLane } from './gateway-lane.ts';
import { JournalWriter } from './journal-writer.ts';
import type { Payments, SubmissionProgress, Verdict } from './payments.ts';
import { type OpenAttempt, Reconciler, type Resolution } from './reconciler.ts';
import { Submission, type SubmissionEnd } from './submission.ts';
import { kNoLimits, type Payer, VelocityGuard, type VelocityLimits } from './velocity.ts';

// The verdict waits this long for the reversal of an unknown outcome; the reversal itself may go on.
const kReverseWaitMs = 5000;

export interface PaymentsPolicy {
  /** One request, from its start. */
  readonly timeoutMs: number;
  /** Looking an unknown outcome up while the caller waits. */
  readonly resolveMs: number;
  /** What becomes of an approval that is found after the caller was told not to count on it. */
  readonly lateApproval: 'reverse' | 'keep';
  /** What becomes of an approval for less than was asked; absent: taken back. */
  readonly partialApproval?: 'reverse' | 'accept';
}

export interface PaymentsParts {
  readonly gateway: PaymentGateway;
  readonly journal: AttemptJournal;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: PaymentsPolicy;
  /** Left out: no limits. */
  readonly velocity?: VelocityLimits;
  /** Instead of `velocity`: what counts over several gateways. */
  readonly guard?: VelocityGuard;
  /** Whether the customer may be charged so much now; left out: always. */
  readonly mayCharge?: (request: PaymentRequest) => boolean;
  /** An unknown outcome came to an end after its call. */
  readonly onResolved?: (resolution: Resolution) => void;
}

/**
 * Payments whose intent is on the disk before the first byte leaves, and whose unknown outcomes are followed up until they end. Made and
 * started by main; stopped when no call is left and before the store is closed.
 */
export class JournaledPayments implements Payments {
  readonly #parts: PaymentsParts;
  readonly #writer: JournalWriter;
  readonly #guard: VelocityGuard;
  readonly #reconciler: Reconciler;
  /** References of payments with a submission under way, or one that was ever unknown: a late charge of it may still turn up. */
  readonly #barred = new Set<string>();
  readonly #reversals = new Set<Promise<unknown>>();

  constructor(parts: PaymentsParts) {
    this.#parts = parts;
    this.#guard = parts.guard ?? new VelocityGuard(parts.velocity ?? kNoLimits, parts.clock);
    this.#writer = new JournalWriter(parts.journal, parts.clock, parts.log);
    this.#reconciler = new Reconciler({
      ...parts,
      writer: this.#writer,
      onResolved: (resolution) => parts.onResolved?.(resolution),
    });
  }

  /** Takes over what an earlier process left open. */
  start(): void {
    this.#reconciler.start();
  }

  /**
   * Looks at every payment of unknown outcome now: for when the gateway answers again after an outage, or a person asks for it. Resolves when
   * each was looked at once.
   */
  async resolveNow(): Promise<void> {
    this.#reconciler.hurry();
    await this.#reconciler.idle();
  }

  /** Resolves when no request of a reversal or look-up is under way. */
  async stop(): Promise<void> {
    await Promise.all([this.#reconciler.stop(), ...this.#reversals]);
    await this.#writer.stop();
  }

  admits(payer: Payer): boolean {
    return this.#guard.admits(payer);
  }

  async submit(
    sessionId: string,
    request: PaymentRequest,
    card: CardSecret,
    progress: SubmissionProgress,
  ): Promise<Verdict> {
    const { paymentRef, attempt } = request;
    const log = this.#parts.log.child({ sessionId, paymentRef, attempt });
    if (this.#barred.has(paymentRef)) {
      log.error(
        {},
        'a payment that is under way or of unknown outcome was submitted again; nothing was sent',
      );
      return { kind: 'unresolved' };
    }
    const payer = { customerId: request.customerId, from: request.call.from };
    const onDeclined = this.#guard.admit(payer, card);
    if (!onDeclined) {
      log.warn({}, 'too many declines of this card, customer or caller; nothing was sent');
      return { kind: 'locked_out' };
    }
    if (this.#parts.mayCharge?.(request) === false) {
      log.warn({}, 'more than this customer may be charged; nothing was sent');
      return { kind: 'locked_out' };
    }
    this.#barred.add(paymentRef);
    const verdict = await this.#submit(sessionId, request, card, progress, log);
    if (verdict.kind === 'declined') onDeclined();
    if (verdict.kind !== 'unresolved') this.#barred.delete(paymentRef);
    return verdict;
  }

  checkCard(card: CardSecret): Promise<CardCheck> | undefined {
    return this.#parts.gateway.checkCard?.(card)?.catch(() => 'unknown' as const);
  }

  /**
   * Takes an approved payment back, as when the caller has hung up and policy says so. Durable before it is sent; what cannot be
   * taken back now is followed up. Never rejects.
   */
  async reverseApproved(sessionId: string, ref: PaymentRef): Promise<'reversed' | 'unresolved'> {
    this.#barred.add(ref.paymentRef);
    await this.#writer.settle({ sessionId, attempt: ref.attempt }, { state: 'UNKNOWN' });
    return this.#reverse({ ...ref, sessionId }, new GatewayLane(this.#parts.clock, this.#parts.log), true);
  }

  async #submit(
    sessionId: string,
    request: PaymentRequest,
    card: CardSecret,
    progress: SubmissionProgress,
    log: Log,
  ): Promise<Verdict> {
    const sentAt = this.#parts.clock.date().toISOString();
    if (!(await this.#begin(sessionId, request, card, sentAt, log))) return { kind: 'unavailable' };
    const lane = new GatewayLane(this.#parts.clock, log);
    const end = await new Submission({ ...this.#parts, lane, log, request, card, progress }).run();
    return this.#conclude({ ...request, sessionId, sentAt }, end, lane, log);
  }

  /** The durable intent. Without it nothing is sent. */
  async #begin(
    sessionId: string,
    request: PaymentRequest,
    card: CardSecret,
    sentAt: string,
    log: Log,
  ): Promise<boolean> {
    const { paymentRef, attempt, merchantId, idempotencyKey, amount, brand, operation } = request;
    try {
      await this.#parts.journal.begin({
        sessionId,
        attempt,
        merchantId,
        paymentRef,
        idempotencyKey,
        state: 'SUBMITTING',
        amount,
        ...(operation === undefined ? {} : { operation }),
        brand,
        last4: lastFour(card),
        gateway: this.#parts.gateway.name,
        transactionId: null,
        declineClass: null,
        declineCode: null,
        sentAt,
        doneAt: null,
      });
      return true;
    } catch (error) {
      log.error({ err: error }, 'the intent to charge was not written; nothing was sent');
      return false;
    }
  }

  async #conclude(attempt: OpenAttempt, end: SubmissionEnd, lane: GatewayLane, log: Log): Promise<Verdict> {
    switch (end.kind) {
      case 'approved':
        await this.#writer.settle(attempt, { state: 'APPROVED', transactionId: end.transactionId });
        return end;
      case 'partial':
        return this.#concludePart(attempt, end, lane, log);
      case 'declined': {
        const { transactionId, class: declineClass, code: declineCode } = end;
        await this.#writer.settle(attempt, { state: 'DECLINED', transactionId, declineClass, declineCode });
        return { kind: 'declined', class: declineClass, code: declineCode };
      }
      case 'not_sent':
        log.warn({ reason: end.reason }, 'the gateway could not be reached');
        await this.#writer.settle(attempt, { state: 'NOT_SENT' });
        return { kind: 'unavailable' };
      case 'rejected_config':
        log.error({ reason: end.reason }, 'the gateway refused the request; check its configuration');
        await this.#writer.settle(attempt, { state: 'REJECTED_CONFIG' });
        return { kind: 'misconfigured' };
      case 'unknown':
        await this.#writer.settle(attempt, { state: 'UNKNOWN' });
        if (this.#parts.policy.lateApproval === 'keep')
          this.#reconciler.watch(attempt, lane, { reversalAsked: false, wasApproved: false });
        else await this.#reverse(attempt, lane, false);
        return { kind: 'unresolved' };
    }
  }

  /** The gateway approved less than was asked. Another card may be asked for only when that is certainly taken back. */
  async #concludePart(
    attempt: OpenAttempt,
    end: Extract<SubmissionEnd, { kind: 'partial' }>,
    lane: GatewayLane,
    log: Log,
  ): Promise<Verdict> {
    const { transactionId, approvedAmount } = end;
    const isKept = this.#parts.policy.partialApproval === 'accept';
    log.warn({ approved: approvedAmount.minor, isKept }, 'the gateway approved less than was asked');
    if (isKept) {
      const approvedMinor = approvedAmount.minor;
      await this.#writer.settle(attempt, { state: 'APPROVED', transactionId, approvedMinor });
      return { ...end, kind: 'approved' };
    }
    await this.#writer.settle(attempt, { state: 'UNKNOWN', transactionId });
    return (await this.#reverse(attempt, lane, true)) === 'reversed'
      ? { kind: 'declined', class: 'soft', code: 'partial_approval' }
      : { kind: 'unresolved' };
  }

  /**
   * Asks once for the money back; the reconciler goes on where that settles nothing. Nothing is sent while the intent is not written: a crash
   * would leave a row that says APPROVED of money that is back.
   */
  async #reverse(
    attempt: OpenAttempt,
    lane: GatewayLane,
    wasApproved: boolean,
  ): Promise<'reversed' | 'unresolved'> {
    if (this.#writer.owes(attempt)) {
      this.#reconciler.watch(attempt, lane, { reversalAsked: false, wasApproved });
      return 'unresolved';
    }
    const asked = lane.ask(kReverseWaitMs, () => this.#parts.gateway.reverse(attempt));
    this.#reversals.add(asked);
    const heard = await asked;
    this.#reversals.delete(asked);
    const answer = heard.kind === 'heard' ? heard.value : 'silence';
    if (answer === 'reversed') {
      await this.#writer.settle(attempt, { state: 'REVERSED' });
      return 'reversed';
    }
    // "Nothing to reverse" may have crossed a request that is still on its way: believed only later, from the reconciler.
    this.#reconciler.watch(attempt, lane, { reversalAsked: answer !== 'nothing_to_reverse', wasApproved });
    return 'unresolved';
  }
}
