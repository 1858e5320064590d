import type { CardSecret } from '../../src/card/card-secret.ts';
import type { Payments, SubmissionProgress, Verdict } from '../../src/payment/payments.ts';
import type { PaymentRef, PaymentRequest } from '../../src/ports/payment-gateway.ts';

export interface FakeSubmission {
  readonly sessionId: string;
  readonly request: PaymentRequest;
  readonly card: CardSecret;
  readonly progress: SubmissionProgress;
  /** Ends the submission. */
  answer(verdict: Verdict): void;
}

export interface FakeReversal {
  readonly sessionId: string;
  readonly ref: PaymentRef;
  answer(result: 'reversed' | 'unresolved'): void;
}

/** Submissions that wait for the test to answer them. */
export class FakePayments implements Payments {
  readonly submissions: FakeSubmission[] = [];
  readonly reversals: FakeReversal[] = [];

  /** Turn off for a payer who is locked out. */
  admitting = true;

  admits(): boolean {
    return this.admitting;
  }

  submit(
    sessionId: string,
    request: PaymentRequest,
    card: CardSecret,
    progress: SubmissionProgress,
  ): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.submissions.push({ sessionId, request, card, progress, answer: resolve });
    return promise;
  }

  reverseApproved(sessionId: string, ref: PaymentRef): Promise<'reversed' | 'unresolved'> {
    const { promise, resolve } = Promise.withResolvers<'reversed' | 'unresolved'>();
    this.reversals.push({ sessionId, ref, answer: resolve });
    return promise;
  }
}
