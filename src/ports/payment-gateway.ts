import type { BrandId } from '../card/brand.ts';
import type { CardSecret } from '../card/card-secret.ts';
import type { Money } from '../money/money.ts';

/** One enum for all adapters; what each means for the conversation: docs/design.md, "Declines". */
export type DeclineClass = 'reenter' | 'soft' | 'hard' | 'auth_required';

/** What is done with a card while its caller is on the line. `verify` and `tokenize` move no money. */
export const kPaymentTypes = ['sale', 'authorize', 'verify', 'tokenize'] as const;
export type PaymentType = (typeof kPaymentTypes)[number];

/** What is done about an approved payment later, without its card. */
export const kFollowUpKinds = ['capture', 'void', 'refund'] as const;
export type FollowUpKind = (typeof kFollowUpKinds)[number];

export type GatewayOperation = PaymentType | FollowUpKind;

/** What the gateway must be told to find a submission again. Holds no card. */
export interface PaymentRef {
  /** 16 Crockford base32 characters, new for every payment session. */
  readonly paymentRef: string;
  /** 1, 2, 3 …: a new one only after the caller entered or confirmed again. */
  readonly attempt: number;
  /** Same for every resend of the same bytes. */
  readonly idempotencyKey: string;
  /** Zero where the type moves no money. */
  readonly amount: Money;
  /** Absent: a sale. */
  readonly operation?: PaymentType;
  /** ISO 8601, UTC; absent while its call is on. Gateways forget, so some look-ups hold for a while only. */
  readonly sentAt?: string;
}

export interface PaymentRequest extends PaymentRef {
  readonly merchantId: string | null;
  readonly customerId: string | null;
  readonly reference: string | null;
  readonly brand: BrandId;
  readonly call: { readonly id: string; readonly from: string; readonly to: string; readonly mode: string };
}

interface Approval {
  readonly transactionId: string;
  readonly authCode: string | null;
  readonly spokenReference: string | null;
  /** What stands for the card from now on, where one was asked for. */
  readonly token?: string;
}

/**
 * `partial`: approved for less than was asked. `not_sent`: certain that nothing reached the gateway, safe to send again. `unknown`: it may have. `rejected_config`: the gateway
 * refused us, not the card. `transient`: the gateway says it did not process it and may be asked again with the same key.
 */
export type SubmitResult =
  | (Approval & { readonly kind: 'approved' })
  | (Approval & { readonly kind: 'partial'; readonly approvedAmount: Money })
  | {
      readonly kind: 'declined';
      readonly class: DeclineClass;
      readonly code: string;
      readonly transactionId: string | null;
      /** It was charged, and nothing of that is left: voided, cancelled or refunded. Only a look-up says so. */
      readonly takenBack?: true;
    }
  | { readonly kind: 'transient'; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'rejected_config'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface SubmitContext {
  /** From now; after it the answer is unknown. */
  readonly deadlineMs: number;
  /** Called just before the first byte may leave: from here on a failure is `unknown`. */
  onFlushed(): void;
}

/**
 * What can be learnt from a gateway afterwards. What cannot leaves a payment whose answer got lost to a person.
 *
 * `lookUp`: every submission, charges and declines only (an absent one may be yet to appear), or none. `reversal`: its answer says
 * that it worked, a later look-up does, nobody does, or there is none.
 */
export interface GatewayCapabilities {
  readonly lookUp: 'every' | 'booked' | 'none';
  readonly reversal: 'told' | 'later' | 'unheard' | 'none';
}

/** A change to an approved payment. */
export interface FollowUp {
  readonly kind: FollowUpKind;
  readonly payment: PaymentRef;
  /** As the gateway named the payment, and its capture if there was one. */
  readonly transactionId: string;
  readonly captureId: string | null;
  readonly last4: string;
  /** Same for every resend of this change; 20 characters at most. */
  readonly key: string;
  /** ISO 8601, UTC: when it was asked for. */
  readonly sentAt?: string;
  /** All of the payment for a void. */
  readonly amount: Money;
  /** What earlier changes of this kind came to, minor units. */
  readonly beforeMinor: number;
}

/**
 * `accepted`: the gateway took the order and tells what came of it elsewhere. `refused` and `not_sent`: certain that nothing
 * changed.
 */
export type FollowUpResult =
  | { readonly kind: 'done'; readonly transactionId: string | null }
  | { readonly kind: 'accepted'; readonly transactionId: string | null }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export type CardCheck = 'taken' | 'refused' | 'unknown';

/** One payment gateway. Never throws for what the gateway did: every outcome is a value. Reasons never hold a card digit. */
export interface PaymentGateway {
  readonly name: string;
  /** How a resend is recognised: `key` = the same idempotency key returns the first result. */
  readonly idempotency: 'key' | 'none';
  readonly capabilities?: GatewayCapabilities;
  /** Absent: sales alone. What is not in it is refused, nothing sent. */
  readonly operations?: ReadonlySet<GatewayOperation>;
  submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult>;
  /** Looks a submission up; never needs the card. */
  query(ref: PaymentRef): Promise<SubmitResult | { readonly kind: 'not_found' }>;
  /** Takes a submission back. */
  reverse(ref: PaymentRef): Promise<'reversed' | 'nothing_to_reverse' | 'failed' | 'pending'>;
  followUp?(order: FollowUp): Promise<FollowUpResult>;
  /**
   * What became of a follow-up whose answer got lost. Sends it again where the gateway gives a known key its first result; changes
   * nothing otherwise.
   */
  findFollowUp?(order: FollowUp): Promise<FollowUpResult | { readonly kind: 'not_found' }>;
  /** How long the key of a change is known, where `findFollowUp` sends it again: later that would be a second change. Absent: it asks only. */
  readonly changeKeysKnownForMs?: number | undefined;
  /**
   * Whether cards that begin like this one are taken; tells the gateway eight digits at most. Undefined: there is nobody to ask.
   * `unknown` also when no answer comes in time: our own rules decide then.
   */
  checkCard?(card: CardSecret): Promise<CardCheck> | undefined;
  /** Cheap reachability check for start-up and /readyz. */
  check(): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>;
  close(): Promise<void>;
}
