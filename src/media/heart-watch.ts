import type { Clock } from '../ports/clock.ts';
import type { ThreadActivity } from '../process/thread-activity.ts';

/**
 * Tells a media thread that hangs from one that is not let run. Both do not tick. One that hangs waits for something, is stopped, or goes
 * round in circles and takes the processor for it; one that is starved wants to run and gets no time, and ending it would help nobody.
 */
export class HeartWatch {
  readonly #clock: Clock;
  readonly #hangMs: number;
  readonly #activityOf: (pid: number, threadId: number) => ThreadActivity | undefined;
  #beats = -1n;
  #sinceMs = 0;
  #cpuMs = 0;

  /** @param hangMs - without a tick for so long, a thread is suspected. */
  constructor(
    clock: Clock,
    hangMs: number,
    activityOf: (pid: number, threadId: number) => ThreadActivity | undefined,
  ) {
    this.#clock = clock;
    this.#hangMs = hangMs;
    this.#activityOf = activityOf;
  }

  /** To be asked several times in {@link hangMs}. @param beats - ticks so far. */
  hangs(pid: number, threadId: number, beats: bigint): boolean {
    const nowMs = this.#clock.now();
    const activity = this.#activityOf(pid, threadId);
    if (beats !== this.#beats) {
      this.#restart(beats, nowMs, activity);
      return false;
    }
    const missedMs = nowMs - this.#sinceMs;
    if (missedMs < this.#hangMs) return false;
    const ranMs = (activity?.cpuMs ?? 0) - this.#cpuMs;
    const isStarved = activity?.runnable && ranMs < missedMs / 2;
    this.#restart(beats, nowMs, activity);
    return !isStarved;
  }

  #restart(beats: bigint, nowMs: number, activity: ThreadActivity | undefined): void {
    this.#beats = beats;
    this.#sinceMs = nowMs;
    this.#cpuMs = activity?.cpuMs ?? 0;
  }
}
