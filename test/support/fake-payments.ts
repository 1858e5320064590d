import type { CardSecret } from '../../src/card/card-secret.ts';
import type { Payments, SubmissionProgress, Verdict } from '../../src/payment/payments.ts';
import type { PaymentRequest } from '../../src/ports/payment-gateway.ts';

export interface FakeSubmission {
  readonly sessionId: string;
  readonly request: PaymentRequest;
  readonly card: CardSecret;
  readonly progress: SubmissionProgress;
  /** Ends the submission. */
  answer(verdict: Verdict): void;
}

/** Submissions that wait for the test to answer them. */
export class FakePayments implements Payments {
  readonly submissions: FakeSubmission[] = [];

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
}
