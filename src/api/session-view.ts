import { maskCardLike } from '../card/card-like.ts';
import { formatMajor, money } from '../money/money.ts';
import { kClampedBy, type PaymentSessions } from '../ports/payment-sessions.ts';
import type { AttemptRecord, AttemptState, SessionRecord, SessionRecords } from '../ports/store.ts';
import type { Owners } from './caller.ts';

/** Where a session is looked up. */
export interface SessionSources {
  readonly records: Pick<SessionRecords, 'find' | 'attempts'>;
  readonly sessions: Pick<PaymentSessions, 'view'>;
}

/** Whose session it is; undefined if there is no such session. What is in its row holds. */
export function ownersIn({ records, sessions }: SessionSources, id: string): Owners | undefined {
  const record = records.find(id);
  if (record) return ownersOf(record);
  const live: Partial<Owners> | undefined = sessions.view(id);
  return live && { merchantId: live.merchantId ?? null, agents: live.agents ?? [] };
}

export function ownersOf({ merchantId, agents = [] }: SessionRecord): Owners {
  return { merchantId, agents };
}

/** What is known of a session: its row, and over it what goes on now. */
export function sessionView(sources: SessionSources, id: string): object | undefined {
  const record = sources.records.find(id);
  const live = sources.sessions.view(id);
  if (!record && !live) return undefined;
  const attempts = sources.records.attempts(id);
  return {
    ...joined(id, record, live),
    ...(record && { resolution: resolutionOf(record, attempts) }),
    submissions: attempts.map(submissionView),
  };
}

/** The same in short. */
export function callView({ records, sessions }: SessionSources, id: string): object | undefined {
  const live = sessions.view(id);
  if (!live) return undefined;
  const { events: _, ...rest } = live as { events?: unknown };
  return joined(id, records.find(id), rest);
}

function joined(id: string, record: SessionRecord | undefined, live: object | undefined): object {
  return {
    id,
    ...(record && rowView(record)),
    ...live,
    ...(record && { merchantId: masked(record.merchantId) }),
  };
}

/** What an unknown outcome turned out to be after the call; null while nobody knows, and where there was none. */
function resolutionOf({ outcome }: SessionRecord, attempts: readonly AttemptRecord[]): AttemptState | null {
  const last = attempts.at(-1);
  if (outcome !== 'unknown' || !last) return null;
  return last.state === 'UNKNOWN' || last.state === 'SUBMITTING' ? null : last.state;
}

/** Amounts in major units, as they are given to us. */
export function rowView({ sessionId, exponent, ...record }: SessionRecord): object {
  const major = (minor: number | null) =>
    minor === null ? null : formatMajor({ ...money(minor, record.currency), exponent });
  return {
    id: sessionId,
    ...record,
    clampedBy: kClampedBy[record.topology],
    customerId: masked(record.customerId),
    merchantId: masked(record.merchantId),
    reference: masked(record.reference),
    amountRequested: major(record.amountRequested),
    amountCharged: major(record.amountCharged),
  };
}

/** What a peer wrote into call data could be anything. */
export function masked(text: string | null): string | null {
  return text === null ? null : maskCardLike(text);
}

function submissionView({ sessionId: _, ...attempt }: AttemptRecord): object {
  return attemptView(attempt);
}

/** Amounts in major units; what a peer wrote could be anything. */
export function attemptView<T extends Omit<AttemptRecord, 'sessionId'>>({ approvedMinor, ...attempt }: T) {
  const { amount, merchantId } = attempt;
  return {
    ...attempt,
    amount: formatMajor(amount),
    currency: amount.currency,
    merchantId: masked(merchantId),
    ...(approvedMinor !== undefined && { amountApproved: formatMajor({ ...amount, minor: approvedMinor }) }),
  };
}
