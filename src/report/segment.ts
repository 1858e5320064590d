import type { Topology } from '../ports/payment-sessions.ts';
import type { SessionRecord } from '../ports/store.ts';

/** The part of a conversation a payment session is, for systems that keep conversations in segments. */
export interface Segment {
  readonly type: 'payment-ivr';
  readonly sessionId: string;
  readonly callId: string;
  readonly mode: Topology;
  /** ISO 8601, UTC. */
  readonly start: string;
  readonly end: string | null;
  readonly result: string | null;
  readonly outcome: SessionRecord['outcome'];
}

export function segmentOf(record: SessionRecord): Segment {
  const { sessionId, callId, topology: mode, startedAt: start, endedAt: end, result, outcome } = record;
  return { type: 'payment-ivr', sessionId, callId, mode, start, end, result, outcome };
}
