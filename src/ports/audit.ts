/** Something that was done. No field of it may hold more of a card than its last four digits. */
export interface AuditAct {
  /** Who: `hushpay`, `cli:<user>` or `api:<name of the key>`. */
  readonly actor: string;
  /** What, such as `payment.submitted` or `payment.settled`. */
  readonly action: string;
  /** To what, such as a payment's reference. */
  readonly object: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

export interface AuditEntry extends AuditAct {
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export type AuditVerdict =
  /** `head` is `<seq>:<mac>` of the newest entry: an anchor for a later verification. */
  | { readonly ok: true; readonly entries: number; readonly head: string }
  /** `seq`: the first entry that is not as it was written. */
  | { readonly ok: false; readonly seq: number; readonly reason: string };

/** An earlier head of the chain, kept where nobody who may write the database can. */
export interface AuditAnchor {
  readonly seq: number;
  readonly mac: string;
}

/** The append-only list of who did what. */
export interface AuditTrail {
  /** Durable when it returns. @throws AppError STORE_FAILED: then what was to be done must not be done. */
  record(act: AuditAct): void;
}
