import type { BrandId } from '../card/brand.ts';
import type { Money } from '../money/money.ts';
import type { DeclineClass } from './payment-gateway.ts';
import type { Topology } from './payment-sessions.ts';

export type OutcomeGroup = 'success' | 'declined' | 'abandoned' | 'failed' | 'unknown';

/** One row per payment session. Masked by type: there is no field a card number would fit. */
export interface SessionRecord {
  readonly sessionId: string;
  readonly callId: string;
  readonly profile: string;
  readonly topology: Topology;
  readonly locale: string;
  readonly customerId: string | null;
  readonly merchantId: string | null;
  readonly reference: string | null;
  readonly from: string;
  readonly to: string;
  readonly trunk: string;
  readonly currency: string;
  readonly amountRequested: number | null;
  /** Minor units, null unless approved. */
  readonly amountCharged: number | null;
  readonly exponent: number;
  readonly paymentRef: string;
  /** A result code of payments.md 3.7 (or the configured one), null while the session runs. */
  readonly result: string | null;
  readonly outcome: OutcomeGroup | null;
  readonly gateway: string;
  readonly transactionId: string | null;
  readonly authCode: string | null;
  readonly brand: BrandId | null;
  readonly last4: string | null;
  readonly attempts: number;
  readonly declines: number;
  readonly lastDeclineClass: DeclineClass | null;
  readonly lastDeclineCode: string | null;
  /** State of the conversation where it ended, such as `PAN_ENTRY`. */
  readonly stageReached: string;
  readonly callerPresent: boolean;
  /** The agent the call would go back to hung up while it was paid, and none came in that place. */
  readonly agentLost: boolean;
  readonly announced: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
  readonly media: Readonly<Record<string, number>> | null;
}

export interface SessionRecords {
  /** Makes the row when the call is accepted. */
  open(record: SessionRecord): void;
  /** Replaces the row. */
  update(record: SessionRecord): void;
  find(sessionId: string): SessionRecord | undefined;
  attempts(sessionId: string): readonly AttemptRecord[];
}

export type AttemptState =
  | 'SUBMITTING'
  | 'APPROVED'
  | 'DECLINED'
  | 'NOT_SENT'
  | 'REJECTED_CONFIG'
  | 'UNKNOWN'
  | 'REVERSED'
  | 'NOT_CHARGED'
  | 'MANUAL';

/** Attempts that may have charged and are not settled: followed up, or left to a person. */
export const kOpenStates: readonly AttemptState[] = ['SUBMITTING', 'UNKNOWN', 'MANUAL'];

export interface AttemptRecord {
  readonly sessionId: string;
  readonly attempt: number;
  readonly paymentRef: string;
  readonly idempotencyKey: string;
  readonly state: AttemptState;
  readonly amount: Money;
  readonly brand: BrandId;
  readonly last4: string;
  readonly gateway: string;
  readonly transactionId: string | null;
  readonly declineClass: DeclineClass | null;
  readonly declineCode: string | null;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  readonly doneAt: string | null;
}

/**
 * The write-ahead journal of submissions. Both writes are durable when they return (SQLite synchronous=FULL);
 * a write that fails throws AppError STORE_FAILED and nothing may be sent.
 */
export interface AttemptJournal {
  /** Before the first byte is sent. */
  begin(attempt: AttemptRecord): void;
  settle(
    key: { readonly sessionId: string; readonly attempt: number },
    verdict: Pick<AttemptRecord, 'state' | 'transactionId' | 'declineClass' | 'declineCode' | 'doneAt'>,
  ): void;
  /** Attempts whose outcome nobody knows: SUBMITTING rows of a process that died, and UNKNOWN ones. */
  unresolved(): readonly AttemptRecord[];
}

/** An attempt as people look it up: with what they know of it from elsewhere. */
export interface LedgerEntry extends AttemptRecord {
  readonly customerId: string | null;
  readonly reference: string | null;
}

/** What a person found out at the gateway about an attempt that hushpay could not settle. */
export type HandVerdict = Extract<AttemptState, 'APPROVED' | 'REVERSED' | 'NOT_CHARGED'>;

/** Payments as people look at them, and settle by hand what nobody else could. */
export interface Ledger {
  /** Newest first. @param states - all if not given. */
  list(limit: number, states?: readonly AttemptState[]): readonly LedgerEntry[];
  /** All attempts of a payment, in order. */
  payment(paymentRef: string): readonly LedgerEntry[];
  /**
   * Settles an attempt in state MANUAL, and says so in the audit.
   * @param note - why, in the person's words.
   * @returns false if it is not in that state: nothing was changed.
   */
  settleByHand(
    key: { readonly sessionId: string; readonly attempt: number },
    verdict: HandVerdict,
    by: { readonly actor: string; readonly note: string },
  ): boolean;
}
