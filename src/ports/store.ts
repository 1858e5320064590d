import type { BrandId } from '../card/brand.ts';
import type { Money } from '../money/money.ts';
import type { DeclineClass, FollowUpKind, PaymentType } from './payment-gateway.ts';
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
  /** Absent: a sale. */
  readonly operation?: PaymentType;
  /** What stands for the card at the gateway, where that was asked for. */
  readonly token?: string;
  readonly amountRequested: number | null;
  /** Minor units, null unless approved. */
  readonly amountCharged: number | null;
  readonly exponent: number;
  readonly paymentRef: string;
  /** Whose session it is among agents: agent ids, SIP users of agents on the line, `api:<name>` of who prepared it. Absent: nobody's. */
  readonly agents?: readonly string[];
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
  /** File the call is recorded in, below the folder of recordings. */
  readonly recording?: string | null;
  readonly announced: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
  /** … without the time the caller was away to be identified. Absent: all of it. */
  readonly activeMs?: number;
  readonly media: Readonly<Record<string, number>> | null;
}

/** A place in a list that is ordered by time, newest first. */
export interface Position {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Tells apart what happened at the same time. */
  readonly id: string;
}

/** Which part of a list. */
export interface Page {
  readonly limit: number;
  /** Only what comes behind it. */
  readonly after?: Position | undefined;
  /** Of these merchants alone; left out: of all, and of none. */
  readonly merchants?: readonly string[];
}

/** Which sessions a list has. */
export interface SessionFilter {
  readonly topology?: string | undefined;
  readonly outcome?: OutcomeGroup | undefined;
  readonly customerId?: string | undefined;
  readonly reference?: string | undefined;
  readonly callId?: string | undefined;
}

/** For pages and integrations. */
export interface SessionList {
  /** Newest first. */
  sessions(page: Page, filter?: SessionFilter): readonly SessionRecord[];
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
  /** Whose money it is; null where there is one merchant only. */
  readonly merchantId: string | null;
  readonly paymentRef: string;
  readonly idempotencyKey: string;
  readonly state: AttemptState;
  readonly amount: Money;
  /** Absent: a sale. */
  readonly operation?: PaymentType;
  /** Less than the amount, where a part was approved and kept; minor units. */
  readonly approvedMinor?: number;
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

export interface OpenAttemptRecord extends AttemptRecord {
  /** How long ago it was sent by a clock that nobody sets; null where only the dates tell. */
  readonly knownAgeMs: number | null;
}

export type AttemptKey = Pick<AttemptRecord, 'sessionId' | 'attempt'>;

/** What came of asking for the right to look at an open attempt. `closed`: it is open no more, whoever settled it. */
export type Lease = 'taken' | 'busy' | 'closed';

/**
 * The write-ahead journal of submissions. A write is in the file when its method returns, so whatever is read afterwards has it, and on the disk when
 * its promise resolves. One that fails throws or rejects with AppError STORE_FAILED, and nothing may be sent.
 */
export interface AttemptJournal {
  /** Before the first byte is sent. */
  begin(attempt: AttemptRecord): Promise<void>;
  settle(
    key: AttemptKey,
    verdict: Pick<
      AttemptRecord,
      'state' | 'transactionId' | 'declineClass' | 'declineCode' | 'doneAt' | 'approvedMinor'
    >,
  ): Promise<void>;
  /** Attempts whose outcome nobody knows: SUBMITTING rows of a process that died, and UNKNOWN ones. */
  unresolved(): readonly OpenAttemptRecord[];
  /**
   * The right to ask the gateway about an open attempt, for this process alone, so that no two settle it in different ways.
   * @param now - ISO 8601, UTC; `until` likewise: from then on others may have it.
   */
  lease(key: AttemptKey, now: string, until: string): Lease;
}

/** How much of what went by a gateway is open. */
export interface OpenCount {
  readonly gateway: string;
  readonly attempts: number;
  /** Captures, voids and refunds. */
  readonly changes: number;
}

/** What customers were charged, or may have been. */
export interface Spending {
  /** @returns minor units. @param since - ISO 8601, UTC. */
  spentBy(customerId: string, merchantId: string | null, currency: string, since: string): number;
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
  /** Newest first. @param states - of the attempt, or of a change of it; all if not given. */
  list(limit: number, states?: readonly AttemptState[], page?: Omit<Page, 'limit'>): readonly LedgerEntry[];
  /** All attempts of a payment, in order. */
  payment(paymentRef: string): readonly LedgerEntry[];
  /**
   * Settles an attempt in state MANUAL, and says so in the audit.
   * @param note - why, in the person's words.
   * @returns false if it is not in that state: nothing was changed.
   */
  settleByHand(
    key: AttemptKey,
    verdict: HandVerdict,
    by: { readonly actor: string; readonly note: string },
  ): boolean;
}

/** `NOT_SENT`, `REFUSED` and `NOT_DONE` changed nothing; what an `ACCEPTED` one came to the gateway tells elsewhere. */
export type FollowUpState =
  | 'SUBMITTING'
  | 'DONE'
  | 'ACCEPTED'
  | 'REFUSED'
  | 'NOT_SENT'
  | 'NOT_DONE'
  | 'UNKNOWN'
  | 'MANUAL';

/** A capture, void or refund of an approved attempt. */
export interface FollowUpRecord {
  /** What the gateway recognises a resend by. */
  readonly key: string;
  /** What whoever asked for it recognises a resend by. */
  readonly requestKey: string;
  readonly sessionId: string;
  readonly attempt: number;
  readonly paymentRef: string;
  readonly kind: FollowUpKind;
  readonly state: FollowUpState;
  readonly amount: Money;
  readonly gateway: string;
  readonly transactionId: string | null;
  /** Why it was refused or not sent. */
  readonly reason: string | null;
  readonly actor: string;
  readonly note: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  readonly doneAt: string | null;
}

export interface OpenFollowUpRecord extends FollowUpRecord {
  /** As of {@link OpenAttemptRecord}. */
  readonly knownAgeMs: number | null;
}

/** All there is of one payment. */
export interface PaymentBook {
  readonly attempts: readonly AttemptRecord[];
  readonly followUps: readonly FollowUpRecord[];
}

/** The write-ahead journal of captures, voids and refunds, as {@link AttemptJournal}; at most one of a payment is open. */
export interface FollowUpJournal {
  /**
   * Writes what `plan` makes of the book, before the first byte is sent. Nobody else writes between the two. Durable as {@link AttemptJournal} is.
   * @returns what `plan` returned.
   */
  begin<T extends { readonly record?: FollowUpRecord }>(
    paymentRef: string,
    plan: (book: PaymentBook) => T,
  ): Promise<T>;
  settle(
    key: string,
    verdict: Pick<FollowUpRecord, 'state' | 'transactionId' | 'reason' | 'doneAt'>,
  ): Promise<void>;
  /** Settles one in state MANUAL, and says so in the audit; false if it is not in that state. */
  settleByHand(
    key: string,
    state: 'DONE' | 'NOT_DONE',
    by: { readonly actor: string; readonly note: string },
  ): boolean;
  book(paymentRef: string): PaymentBook;
  /** As {@link AttemptJournal.unresolved}. */
  unresolved(): readonly OpenFollowUpRecord[];
}
