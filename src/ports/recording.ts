import type { MediaSession, Unsubscribe } from './media.ts';
import type { Role, Topology } from './payment-sessions.ts';

/** What a recording is of. Numbers of callers are not in it. */
export interface RecordedCall {
  readonly sessionId: string;
  /** From 1: a room that empties and fills again is recorded anew. */
  readonly part: number;
  readonly topology: Topology;
  readonly merchantId: string | null;
  /** When the recording begins, on {@link Clock.now}'s clock: what comes before it is ready is silent. */
  readonly beganMs: number;
}

/** How a recording ended. `lostMs`: of its time, silent because it could not be kept; undefined: nobody can say. */
export interface RecordingEnd {
  readonly durationMs: number | undefined;
  readonly lostMs: number | undefined;
}

/** A recording that runs. Made by {@link RecordingSink.open}, closed by the call; a second close gives the same promise. */
export interface Recording {
  /** Of the file; null where somebody else keeps it. */
  readonly name: string | null;
  /** Listen in the call's room, and say nothing: to the customer, and to what the customer is told. */
  readonly ears: { readonly customer: MediaSession; readonly agent: MediaSession };
  /** Who is on the call now. */
  tellParties(roles: readonly Role[]): void;
  /** It cannot be kept any more, or can be again (undefined). The call is not harmed. */
  onProblem(listener: (problem: string | undefined) => void): Unsubscribe;
  close(): Promise<RecordingEnd>;
}

/** Where recordings go. */
export interface RecordingSink {
  readonly kind: 'file' | 'siprec';
  /**
   * Begins a recording. Rejects with RECORDING_FAILED or as the media plane does.
   * @param beside - will be recorded.
   */
  open(call: RecordedCall, beside: MediaSession): Promise<Recording>;
}
