import type { Cancel, Clock } from '../ports/clock.ts';

/** Who keys a number on goes on within so long, or has stopped. */
const kRestMs = 5_000;
/** Whoever keys on and on is not keying a card. */
const kLongestMs = 30_000;

/**
 * Somebody who keys when a payment ends, as when an agent cancels it in the middle of a number, keys on for a while. Tells when that has ceased:
 * five seconds after the end, or after the last key since.
 */
export class KeyingGuard {
  readonly #clock: Clock;
  readonly #onRest: () => void;
  #sinceMs: number | undefined;
  #cancel: Cancel = () => {};

  constructor(clock: Clock, onRest: () => void) {
    this.#clock = clock;
    this.#onRest = onRest;
  }

  begin(): void {
    this.#sinceMs = this.#clock.now();
    this.#wait(kRestMs);
  }

  /** The customer pressed one. */
  key(): void {
    if (this.#sinceMs === undefined) return;
    this.#wait(Math.min(kRestMs, this.#sinceMs + kLongestMs - this.#clock.now()));
  }

  stop(): void {
    this.#sinceMs = undefined;
    this.#cancel();
  }

  #wait(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.schedule(Math.max(0, ms), () => {
      this.#sinceMs = undefined;
      this.#onRest();
    });
  }
}
