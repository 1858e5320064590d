import type { LiveEvent } from '../ports/live-events.ts';

/** A leg a session had, as its events tell. */
export interface SessionLeg {
  readonly role: string;
  readonly callId: string;
  /** ISO 8601, UTC. */
  readonly joinedAt: string;
  /** Null while it is there. */
  readonly leftAt: string | null;
  readonly codec: string | null;
  /** What it was like, by name; null while it is there. */
  readonly media: Readonly<Record<string, number>> | null;
}

const kNoFigures = new Set(['role', 'callId', 'codec']);

/** The legs of a session in the order they came. */
export function legsOf(events: readonly LiveEvent[]): readonly SessionLeg[] {
  const legs = new Map<string, SessionLeg>();
  for (const { at, type, detail } of events) {
    const callId = detail['callId'];
    if (typeof callId !== 'string') continue;
    const leg = legs.get(callId);
    if (type === 'joined' && !leg) {
      const role = String(detail['role']);
      legs.set(callId, { role, callId, joinedAt: at, leftAt: null, codec: null, media: null });
    }
    if (!leg) continue;
    if (type === 'left') legs.set(callId, { ...leg, leftAt: at });
    if (type === 'measured') legs.set(callId, { ...leg, leftAt: leg.leftAt ?? at, ...figuresIn(detail) });
  }
  return [...legs.values()];
}

function figuresIn(detail: LiveEvent['detail']): Pick<SessionLeg, 'codec' | 'media'> {
  const { codec } = detail;
  const figures = Object.entries(detail).filter(
    (entry): entry is [string, number] => !kNoFigures.has(entry[0]) && typeof entry[1] === 'number',
  );
  return { codec: typeof codec === 'string' ? codec : null, media: Object.fromEntries(figures) };
}
