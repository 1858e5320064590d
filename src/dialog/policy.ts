import type { BrandId } from '../card/brand.ts';
import type { Money } from '../money/money.ts';
import type { ClampMode } from '../ports/media.ts';
import type { PaymentType } from '../ports/payment-gateway.ts';
import type { Topology } from '../ports/payment-sessions.ts';
import type { Locale } from '../ports/prompts.ts';

export type ProfileName = 'pureconnect-ivr' | 'cloud-ivr';

/**
 * Where a call goes when its payment has ended: to X-Pay-Return-Uri, to a SIP URI, nowhere (BYE), or `back` to the agent who is on
 * the line or parked.
 */
export type Route = 'return' | 'agent' | 'queue' | 'hangup' | 'back' | `sip:${string}`;

/** The agent's part in the conversation: there is none, one hears the prompts, one is cut off until it has ended. */
export type Company = 'alone' | 'listening' | 'parked';

/** Everything configuration decides about one conversation. Amounts in minor units, times in milliseconds. */
export interface PaymentPolicy {
  readonly profile: ProfileName;
  /** What is done with the card unless the order says otherwise; absent: a sale. */
  readonly operation?: PaymentType;
  /** What the gateway can do with one; absent: sales. */
  readonly operations?: readonly PaymentType[];
  readonly amount: {
    readonly policy: 'fixed' | 'full_or_other' | 'enter';
    /** ISO 4217: what is charged, and what the limits are in. */
    readonly currency: string;
    readonly min: number | null;
    readonly max: number | null;
    /** The most one customer may pay within so long; absent or null: no limit. */
    readonly perCustomer?: number | null;
    readonly perCustomerMs?: number;
    /** `star`: `25*50` is 25.50; `implied`: keys are minor units. */
    readonly entry: 'star' | 'implied';
    /** May the caller enter more than the balance. */
    readonly allowOverpay: boolean;
  };
  readonly cards: {
    readonly allowed: readonly BrandId[];
    readonly cvv: 'required' | 'off';
    readonly postalCode: 'required' | 'off';
    /** Start date and issue number of retired UK schemes. */
    readonly legacyFields: boolean;
  };
  readonly confirm: {
    readonly policy: 'summary' | 'per_field' | 'both';
    readonly card: 'last4' | 'full';
    readonly cvv: 'off' | 'count' | 'digits';
  };
  readonly declines: {
    readonly max: number;
    /** Skip the "use another card" question. */
    readonly autoRetry: boolean;
    readonly wording: 'generic' | 'actionable';
    readonly onReached: { readonly result: string; readonly route: Route };
  };
  readonly input: {
    /** Tries per field, invalid and missing entries together. */
    readonly attempts: number;
    readonly sessionErrors: number;
    readonly corrections: number;
    readonly firstDigitMs: number;
    readonly cardFirstDigitMs: number;
    readonly interDigitMs: number;
    readonly cardInterDigitMs: number;
    /** A second star within this opens the escape menu. */
    readonly doubleStarMs: number;
    /** `relaxed` doubles every time above. */
    readonly pace: 'normal' | 'relaxed';
  };
  readonly hangup: { readonly inFlight: 'keep' | 'reverse' };
  readonly idv: {
    readonly required: boolean;
    readonly target: string | null;
    /** How the caller gets there: called by us and bridged, or sent there, to come back by a call. */
    readonly method: 'bridge' | 'refer';
    readonly timeoutMs: number;
  };
  /** What key 3 of the escape menu means. */
  readonly escape: 'cancel' | 'agent';
  readonly session: { readonly maxMs: number; readonly holdMs: number };
  /** Spoken before the card is asked for; null = nothing. */
  readonly consent: boolean;
  readonly failRoute: Route;
  readonly company: Company;
  readonly agent: {
    /** What becomes of a payment whose agent hangs up. */
    readonly onLost: 'continue' | 'abort';
    /** Where a customer goes who has paid while the agent was parked. */
    readonly onPaid: Route;
    /** What is heard in place of a key. */
    readonly clamp: ClampMode;
    /** What a parked agent hears. */
    readonly parked: 'hold' | 'status' | 'silence';
  };
}

/** What the call asks to be paid, after call data and configuration have been joined. */
export interface PaymentOrder {
  readonly sessionId: string;
  readonly callId: string;
  readonly paymentRef: string;
  readonly customerId: string | null;
  readonly merchantId: string | null;
  readonly reference: string | null;
  readonly currency: string;
  /** Amount or balance; null where the caller enters it. */
  readonly amount: Money | null;
  /** Absent: what policy says. */
  readonly operation?: PaymentType;
  readonly identified: 'true' | 'false' | 'unknown';
  readonly locale: Locale;
  /** SIP URIs the routes lead to; null = nowhere, and nobody is told otherwise. */
  readonly destinations: Readonly<Record<'return' | 'agent' | 'queue', string | null>>;
  readonly from: string;
  readonly to: string;
  readonly topology: Topology;
}

/** What is done with the card in this conversation. */
export function operationOf({
  order,
  policy,
}: {
  readonly order: PaymentOrder;
  readonly policy: PaymentPolicy;
}): PaymentType {
  return order.operation ?? policy.operation ?? 'sale';
}

/** No amount is asked or told where none moves. */
export function movesMoney(context: {
  readonly order: PaymentOrder;
  readonly policy: PaymentPolicy;
}): boolean {
  const operation = operationOf(context);
  return operation === 'sale' || operation === 'authorize';
}
