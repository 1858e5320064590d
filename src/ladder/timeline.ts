import type { AuditEntry } from '../ports/audit.ts';
import type { LiveEvent } from '../ports/live-events.ts';
import type { AttemptRecord, FollowUpRecord } from '../ports/store.ts';
import type { CallLadder } from './call-ladder.ts';
import { gathered } from './row.ts';
import type { SessionLeg } from './session-legs.ts';

/** Where something happened. */
export const kLanes = ['sip', 'media', 'dialog', 'gateway', 'audit'] as const;
export type Lane = (typeof kLanes)[number];

/** One thing of a session, on the axis all of its parts share. */
export interface TimelineEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly lane: Lane;
  /** Of SIP: `sent` by the far end, `received` by it. */
  readonly kind: 'sent' | 'received' | 'note';
  /** Holds no call data and no digit of a card beyond the last four. */
  readonly text: string;
  /** Which of the legs it is about; null: none in particular. */
  readonly leg: number | null;
}

/** What is known of a session. */
export interface TimelineSources {
  readonly legs: readonly SessionLeg[];
  /** Of the legs, in their order; undefined for one that is not kept any more. */
  readonly ladders: readonly (CallLadder | undefined)[];
  readonly events: readonly LiveEvent[];
  readonly attempts: readonly AttemptRecord[];
  /** What was asked of the gateway about them later. */
  readonly followUps: readonly FollowUpRecord[];
  readonly audit: readonly AuditEntry[];
}

/** SIP, media, conversation, gateway and audit of a session in one order. */
export function timelineOf(sources: TimelineSources): readonly TimelineEntry[] {
  const { legs, ladders, events, attempts, followUps, audit } = sources;
  const all = [
    ...ladders.flatMap((ladder, leg) => (ladder ? sipEntries(ladder, leg) : [])),
    ...events.map((event) => eventEntry(event, legs)),
    ...attempts.flatMap(attemptEntries),
    ...followUps.flatMap(followUpEntries),
    ...audit.map(auditEntry),
  ];
  return all.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function sipEntries({ startedAt, rows, leftOut }: CallLadder, leg: number): TimelineEntry[] {
  const startedMs = Date.parse(startedAt);
  const entries = gathered(rows).map(({ atMs, kind, text }) => ({
    at: new Date(startedMs + atMs).toISOString(),
    lane: 'sip' as const,
    kind,
    text,
    leg,
  }));
  const last = entries.at(-1);
  if (leftOut > 0 && last) entries.push({ ...last, kind: 'note', text: `${leftOut} more left out` });
  return entries;
}

function eventEntry({ at, type, detail }: LiveEvent, legs: readonly SessionLeg[]): TimelineEntry {
  const text = (name: string) => String(detail[name] ?? '');
  const found = legs.findIndex(({ callId }) => callId === detail['callId']);
  const leg = found < 0 ? null : found;
  const note = (lane: Lane, words: string): TimelineEntry => ({ at, lane, kind: 'note', text: words, leg });
  switch (type) {
    case 'joined':
      return note('media', `${text('role')} joined`);
    case 'left':
      return note('media', `${text('role')} left`);
    case 'measured':
      return note('media', `${text('role')} media closed${codecIn(detail)}`);
    case 'dialling':
      return note('media', `calling the ${text('role')}`);
    case 'not_reached':
      return note('media', `${text('role')} not reached: ${text('status')}`);
    case 'secure_mode':
      return note('media', detail['on'] === true ? 'secure mode on' : 'secure mode off');
    case 'clamp':
      return note('media', `clamp ${text('state')}`);
    case 'recording':
      return note('media', `recording (${text('sink')}) ${text('state')}`);
    case 'stage':
      return note('dialog', text('stage'));
    case 'field_error':
      return note('dialog', `${text('field')}: ${text('error')}`);
    case 'action':
      return note('dialog', `agent: ${text('action')}`);
    case 'ended':
      return note('dialog', `ended: ${text('result')}`);
    case 'attempt': {
      const declined = detail['declineClass'] === null ? '' : `, ${text('declineClass')}`;
      return note('gateway', `verdict: ${text('outcome')}${declined}`);
    }
    case 'resolved':
      return note('gateway', `resolved: ${text('resolution')}`);
    case 'changed':
      return note('gateway', `${text('change')} of ${text('amount')} ${text('currency')}: ${text('state')}`);
    default:
      return note('dialog', type);
  }
}

function codecIn({ codec }: LiveEvent['detail']): string {
  return codec === undefined ? '' : `, ${codec}`;
}

function attemptEntries({ attempt, sentAt, doneAt, gateway, state, last4 }: AttemptRecord): TimelineEntry[] {
  const sent = exchanged(sentAt, `attempt ${attempt} to ${gateway}, card ending ${last4}`);
  return doneAt === null ? [sent] : [sent, exchanged(doneAt, `attempt ${attempt}: ${state}`)];
}

function followUpEntries({ kind, sentAt, doneAt, gateway, state }: FollowUpRecord): TimelineEntry[] {
  const sent = exchanged(sentAt, `${kind} to ${gateway}`);
  return doneAt === null ? [sent] : [sent, exchanged(doneAt, `${kind}: ${state}`)];
}

function exchanged(at: string, text: string): TimelineEntry {
  return { at, lane: 'gateway', kind: 'note', text, leg: null };
}

function auditEntry({ at, seq, actor, action }: AuditEntry): TimelineEntry {
  return { at, lane: 'audit', kind: 'note', text: `${seq} ${action} by ${actor}`, leg: null };
}
