import type { CardSecret } from '../card/card-secret.ts';
import type { Money } from '../money/money.ts';
import type { CardCheck, DeclineClass, PaymentRef, PaymentRequest } from '../ports/payment-gateway.ts';
import type { Payer } from './velocity.ts';

/** What a submission came to, for the conversation. `unresolved`: nobody knows, and nothing more is charged. */
export type Verdict =
  | {
      readonly kind: 'approved';
      readonly transactionId: string;
      readonly authCode: string | null;
      readonly spokenReference: string | null;
      /** Less than was asked, where policy accepts that. */
      readonly approvedAmount?: Money;
      /** What stands for the card from now on, where one was asked for. */
      readonly token?: string;
    }
  | { readonly kind: 'declined'; readonly class: DeclineClass; readonly code: string }
  /** Too many declines of this card, customer or caller: nothing was sent. */
  | { readonly kind: 'locked_out' }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'misconfigured' }
  | { readonly kind: 'unresolved' };

export interface SubmissionProgress {
  /** The first byte may have left. */
  onFlushed(): void;
  /** No answer came; looking the payment up, or sending the same bytes again with the same key. */
  onUnknown(): void;
}

/** Drives one submission from the durable intent to a verdict. Never rejects. */
export interface Payments {
  /** Whether this payer may be asked for a card at all. */
  admits(payer: Payer): boolean;
  submit(
    sessionId: string,
    request: PaymentRequest,
    card: CardSecret,
    progress: SubmissionProgress,
  ): Promise<Verdict>;
  /** Whether the gateway takes cards that begin like this one; undefined where nobody is asked. Never rejects. */
  checkCard?(card: CardSecret): Promise<CardCheck> | undefined;
  /** Takes an approved payment back, as when the caller has hung up and policy says so. Never rejects. */
  reverseApproved(sessionId: string, ref: PaymentRef): Promise<'reversed' | 'unresolved'>;
}
