import type { CardSecret } from '../card/card-secret.ts';
import { idempotencyKeyOf } from '../payment/payment-ref.ts';
import type { Payments, Verdict } from '../payment/payments.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentRef, PaymentRequest, PaymentType } from '../ports/payment-gateway.ts';
import type { Command } from './commands.ts';
import type { DialogEvent } from './events.ts';
import type { PaymentOrder } from './policy.ts';

export interface SubmitterParts {
  readonly order: PaymentOrder;
  /** Absent: a sale. */
  readonly operation?: PaymentType;
  readonly payments: Payments;
  readonly card: CardSecret;
  readonly log: Log;
  readonly onEvent: (event: DialogEvent) => void;
  readonly onVerdict: (outcome: string, declineClass: string | null) => void;
  readonly onFault: (error: unknown) => void;
}

/** Sends what the machine wants sent, and brings the answers back as events. */
export class Submitter {
  readonly #parts: SubmitterParts;
  #isPending = false;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
  }

  /** Something was sent and will still be answered. */
  get isPending(): boolean {
    return this.#isPending;
  }

  submit(command: Extract<Command, { do: 'submit' }>): void {
    const { order } = this.#parts;
    void this.#submit({
      ...this.#refOf(command),
      merchantId: order.merchantId,
      customerId: order.customerId,
      reference: order.reference,
      brand: command.brand,
      call: { id: order.callId, from: order.from, to: order.to, mode: order.topology },
    });
  }

  reverse(command: Extract<Command, { do: 'reverse' }>): void {
    void this.#reverse(this.#refOf(command));
  }

  /** A rejection is a bug of the payment side: once bytes may have left it means that nobody knows, never that it failed. */
  async #submit(request: PaymentRequest): Promise<void> {
    const { order, payments, card, log, onEvent, onFault } = this.#parts;
    const { attempt } = request;
    let isFlushed = false;
    const progress = {
      onFlushed: () => {
        isFlushed = true;
        onEvent({ type: 'flushed', attempt });
      },
      onUnknown: () => onEvent({ type: 'unanswered', attempt }),
    };
    let verdict: Verdict = { kind: 'unresolved' };
    this.#isPending = true;
    try {
      verdict = await payments.submit(order.sessionId, request, card, progress);
    } catch (error) {
      this.#isPending = false;
      if (!isFlushed) return onFault(error);
      log.error({ err: error, attempt }, 'a submission broke after it may have been sent');
    }
    this.#isPending = false;
    this.#conclude(attempt, verdict);
  }

  #conclude(attempt: number, verdict: Verdict): void {
    const declineClass = verdict.kind === 'declined' ? verdict.class : null;
    this.#parts.log.info({ attempt, verdict: verdict.kind, declineClass }, 'verdict');
    this.#parts.onVerdict(verdict.kind, declineClass);
    this.#parts.onEvent({ type: 'verdict', attempt, verdict });
  }

  async #reverse(ref: PaymentRef): Promise<void> {
    const { order, payments, log, onEvent } = this.#parts;
    this.#isPending = true;
    let result: 'reversed' | 'unresolved' = 'unresolved';
    try {
      result = await payments.reverseApproved(order.sessionId, ref);
    } catch (error) {
      log.error({ err: error, attempt: ref.attempt }, 'a reversal broke');
    }
    this.#isPending = false;
    onEvent({ type: 'reversal', result });
  }

  #refOf({ attempt, amount }: Pick<PaymentRef, 'attempt' | 'amount'>): PaymentRef {
    const { paymentRef } = this.#parts.order;
    const { operation } = this.#parts;
    const type = operation === undefined || operation === 'sale' ? {} : { operation };
    return { paymentRef, attempt, idempotencyKey: idempotencyKeyOf(paymentRef, attempt), amount, ...type };
  }
}
