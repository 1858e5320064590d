import type { AttemptRecord, LedgerEntry, OpenAttemptRecord, Page, SessionRecord } from '../ports/store.ts';
import { ageMs, uptimeAt } from './uptime.ts';

/** A row as SQLite takes and gives it: no booleans, no objects. */
export type Row = Record<string, string | number | null>;

/** Columns of `session`, in the order of {@link SessionRecord}. */
export const kSessionColumns = [
  'session_id',
  'call_id',
  'profile',
  'topology',
  'locale',
  'customer_id',
  'merchant_id',
  'reference',
  'from_party',
  'to_party',
  'trunk',
  'currency',
  'amount_requested',
  'amount_charged',
  'exponent',
  'payment_ref',
  'result',
  'outcome',
  'gateway',
  'transaction_id',
  'auth_code',
  'brand',
  'last4',
  'attempts',
  'declines',
  'last_decline_class',
  'last_decline_code',
  'stage_reached',
  'caller_present',
  'agent_lost',
  'announced',
  'started_at',
  'ended_at',
  'duration_ms',
  'media',
  'operation',
  'token',
  'recording',
  'agents',
  'active_ms',
] as const;

/** Columns of `attempt`. */
export const kAttemptColumns = [
  'session_id',
  'attempt',
  'payment_ref',
  'idempotency_key',
  'state',
  'amount_minor',
  'currency',
  'exponent',
  'brand',
  'last4',
  'gateway',
  'transaction_id',
  'decline_class',
  'decline_code',
  'sent_at',
  'done_at',
  'merchant_id',
  'sent_uptime',
  'operation',
  'approved_minor',
] as const;

type SessionRow = Record<(typeof kSessionColumns)[number], string | number | null>;
type AttemptRow = Record<(typeof kAttemptColumns)[number], string | number | null>;

export function sessionRow(record: SessionRecord): SessionRow {
  return {
    session_id: record.sessionId,
    call_id: record.callId,
    profile: record.profile,
    topology: record.topology,
    locale: record.locale,
    customer_id: record.customerId,
    merchant_id: record.merchantId,
    reference: record.reference,
    from_party: record.from,
    to_party: record.to,
    trunk: record.trunk,
    currency: record.currency,
    amount_requested: record.amountRequested,
    amount_charged: record.amountCharged,
    exponent: record.exponent,
    payment_ref: record.paymentRef,
    result: record.result,
    outcome: record.outcome,
    gateway: record.gateway,
    transaction_id: record.transactionId,
    auth_code: record.authCode,
    brand: record.brand,
    last4: record.last4,
    attempts: record.attempts,
    declines: record.declines,
    last_decline_class: record.lastDeclineClass,
    last_decline_code: record.lastDeclineCode,
    stage_reached: record.stageReached,
    caller_present: Number(record.callerPresent),
    agent_lost: Number(record.agentLost),
    announced: Number(record.announced),
    started_at: record.startedAt,
    ended_at: record.endedAt,
    duration_ms: record.durationMs,
    media: record.media === null ? null : JSON.stringify(record.media),
    operation: record.operation ?? 'sale',
    token: record.token ?? null,
    recording: record.recording ?? null,
    agents: record.agents === undefined ? null : JSON.stringify(record.agents),
    active_ms: record.activeMs ?? null,
  };
}

/** The record a row was made of. Rows are only ever written by {@link sessionRow}, so the types hold. */
export function sessionRecord(row: Row): SessionRecord {
  const { caller_present, agent_lost, announced, media, from_party, to_party, ...rest } = row;
  const { operation, token, recording, agents, active_ms: activeMs, ...same } = rest;
  return {
    ...camelCased(same),
    ...typeOf(operation),
    ...(token === null ? {} : { token }),
    ...(recording === null ? {} : { recording }),
    ...(typeof agents === 'string' && { agents: JSON.parse(agents) }),
    ...(activeMs === null ? {} : { activeMs }),
    from: from_party,
    to: to_party,
    callerPresent: caller_present === 1,
    agentLost: agent_lost === 1,
    announced: announced === 1,
    media: typeof media === 'string' ? JSON.parse(media) : null,
  } as SessionRecord;
}

export function attemptRow(record: AttemptRecord): AttemptRow {
  return {
    session_id: record.sessionId,
    attempt: record.attempt,
    payment_ref: record.paymentRef,
    idempotency_key: record.idempotencyKey,
    state: record.state,
    amount_minor: record.amount.minor,
    currency: record.amount.currency,
    exponent: record.amount.exponent,
    brand: record.brand,
    last4: record.last4,
    gateway: record.gateway,
    transaction_id: record.transactionId,
    decline_class: record.declineClass,
    decline_code: record.declineCode,
    sent_at: record.sentAt,
    done_at: record.doneAt,
    merchant_id: record.merchantId,
    sent_uptime: uptimeAt(record.sentAt),
    operation: record.operation ?? 'sale',
    approved_minor: record.approvedMinor ?? null,
  };
}

/** As {@link sessionRecord}, of an attempt. */
export function attemptRecord(row: Row): AttemptRecord {
  const { amount_minor: minor, currency, exponent, operation, approved_minor: approvedMinor, ...rest } = row;
  const { sent_uptime: _, ...same } = rest;
  return {
    ...camelCased(same),
    ...typeOf(operation),
    ...(approvedMinor === null ? {} : { approvedMinor }),
    amount: { minor, currency, exponent },
  } as AttemptRecord;
}

/** As {@link attemptRecord}, with how long ago it was sent by a clock nobody sets. */
export function openAttempt(row: Row): OpenAttemptRecord {
  const uptime = row['sent_uptime'];
  return { ...attemptRecord(row), knownAgeMs: ageMs(typeof uptime === 'string' ? uptime : null) };
}

/** A sale is what is not said. */
function typeOf(operation: Row[string] | undefined) {
  return operation === 'sale' ? {} : { operation };
}

/** As {@link attemptRecord}, with what the session's row says of the payment. */
export function ledgerEntry({ customer_id, reference, ...row }: Row): LedgerEntry {
  return { ...attemptRecord(row), customerId: customer_id, reference } as LedgerEntry;
}

/** As SQLite takes it. */
export function pageRow({ limit, after, merchants }: Page): Row {
  return {
    limit,
    merchants: merchants === undefined ? null : JSON.stringify(merchants),
    at: after?.at ?? null,
    id: after?.id ?? null,
  };
}

function camelCased(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
  );
}
