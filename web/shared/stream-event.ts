/** `live`: what is shown is what goes on; else it may be old. */
export type StreamState = 'connecting' | 'live' | 'waiting';

/** Something that happened in a payment session. */
export interface StreamEvent {
  readonly type: string;
  readonly sessionId: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly [detail: string]: string | number | boolean | null;
}
