import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import { kGatewayKinds } from '../ports/gateway-kinds.ts';
import type { Log } from '../ports/log.ts';
import type {
  FollowUp,
  FollowUpResult,
  GatewayOperation,
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitContext,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import { type BankVerdict, type Receipt, SimulatorBank } from './simulator-bank.ts';

/** The default gateway: the simulated bank, asked without a network. What each card does: docs/test-cards.md. */
export class SimulatorGateway implements PaymentGateway {
  readonly name = 'simulator';
  readonly idempotency = 'key';
  readonly operations: ReadonlySet<GatewayOperation> = new Set(kGatewayKinds.simulator.operations);
  readonly bank: SimulatorBank;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #waits = new Set<() => void>();

  constructor(clock: Clock, log: Log, bank = new SimulatorBank(clock)) {
    this.bank = bank;
    this.#clock = clock;
    this.#log = log.child({ gateway: this.name });
  }

  async submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult> {
    context.onFlushed();
    const result = await this.#answer(this.bank.submit(request, card, true), context.deadlineMs);
    const { paymentRef, attempt } = request;
    this.#log.info({ operation: 'submit', paymentRef, attempt, outcome: result.kind }, 'asked the gateway');
    return result;
  }

  async query(ref: PaymentRef): Promise<SubmitResult | { readonly kind: 'not_found' }> {
    const verdict = this.bank.query(ref.paymentRef, ref.attempt);
    return verdict ? resultOf(verdict) : { kind: 'not_found' };
  }

  async followUp({ kind, transactionId, amount, key }: FollowUp): Promise<FollowUpResult> {
    const change = this.bank.change(transactionId, kind, amount.minor, key);
    return change.outcome === 'done'
      ? { kind: 'done', transactionId: change.transactionId }
      : { kind: 'refused', reason: change.code };
  }

  /** The same key gets its first answer again. */
  findFollowUp(order: FollowUp): Promise<FollowUpResult | { readonly kind: 'not_found' }> {
    return this.followUp(order);
  }

  async reverse(ref: PaymentRef): Promise<'reversed' | 'nothing_to_reverse'> {
    return this.bank.reverse(ref.paymentRef, ref.attempt);
  }

  async check(): Promise<{ readonly ok: true }> {
    return { ok: true };
  }

  /** Submissions still waiting end as unknown. */
  async close(): Promise<void> {
    for (const end of this.#waits) end();
  }

  async #answer(receipt: Receipt, deadlineMs: number): Promise<SubmitResult> {
    switch (receipt.delivery) {
      case 'reset':
        return { kind: 'unknown', reason: 'ECONNRESET' };
      case 'garbage':
        return { kind: 'unknown', reason: 'status 500' };
      case 'silence':
        await this.#wait(deadlineMs);
        return noAnswer(deadlineMs);
      case 'answer': {
        const inTime = receipt.delayMs < deadlineMs;
        const elapsed = await this.#wait(inTime ? receipt.delayMs : deadlineMs);
        if (!elapsed) return { kind: 'unknown', reason: 'gateway closed' };
        return inTime ? resultOf(receipt.verdict()) : noAnswer(deadlineMs);
      }
    }
  }

  /** @returns false if the gateway was closed meanwhile. */
  #wait(delayMs: number): Promise<boolean> {
    if (delayMs === 0) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const end = (elapsed: boolean) => {
      cancel();
      this.#waits.delete(close);
      resolve(elapsed);
    };
    const close = () => end(false);
    const cancel = this.#clock.schedule(delayMs, () => end(true));
    this.#waits.add(close);
    return promise;
  }
}

function noAnswer(deadlineMs: number): SubmitResult {
  return { kind: 'unknown', reason: `no answer within ${Math.round(deadlineMs)} ms` };
}

function resultOf(verdict: BankVerdict): SubmitResult {
  switch (verdict.outcome) {
    case 'approved': {
      const { transactionId, authCode, spokenReference, part, token } = verdict;
      const approval = { transactionId, authCode, spokenReference, ...(token === null ? {} : { token }) };
      return part
        ? { ...approval, kind: 'partial', approvedAmount: part }
        : { ...approval, kind: 'approved' };
    }
    case 'declined':
      return {
        kind: 'declined',
        class: verdict.class,
        code: verdict.code,
        transactionId: verdict.transactionId,
        ...(verdict.code === 'reversed' ? { takenBack: true } : {}),
      };
    case 'transient':
      return { kind: 'transient', reason: verdict.code };
    case 'pending':
      return { kind: 'unknown', reason: 'pending' };
    case 'conflict':
      return { kind: 'rejected_config', reason: 'the idempotency key belongs to another payment' };
  }
}
