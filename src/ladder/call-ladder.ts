import type { LadderRow } from './row.ts';

/** The SIP of one call, as the edge saw it. Rows go from the far end (left) to us (right). */
export interface CallLadder {
  readonly callId: string;
  /** Transport and address of the far end, such as `udp 192.0.2.1:5060`. */
  readonly peer: string;
  /** ISO 8601, UTC: when the first message came or left. */
  readonly startedAt: string;
  readonly rows: readonly LadderRow[];
  /** Messages that found no room any more. */
  readonly leftOut: number;
}
