import type { Cancel, Clock } from '../../ports/clock.ts';

/** RFC 3261 section 17.1.1.1: round-trip estimate, longest interval between retransmissions, life of a message in the network. */
export const kT1Ms = 500;
export const kT2Ms = 4_000;
export const kT4Ms = 5_000;
/** How long a transaction is tried or remembered: 64*T1. */
export const kTimeoutMs = 64 * kT1Ms;

/** Starts timers and knows how many run. */
export class Timers {
  readonly #clock: Clock;
  #live = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get live(): number {
    return this.#live;
  }

  after(delayMs: number, task: () => void): Cancel {
    this.#live++;
    let open = true;
    const close = (): boolean => {
      if (!open) return false;
      open = false;
      this.#live--;
      return true;
    };
    const cancel = this.#clock.schedule(delayMs, () => close() && task());
    return () => {
      if (close()) cancel();
    };
  }

  /** Runs the task after T1 and then at doubling intervals, never longer than `longestMs`, until cancelled. */
  repeat(longestMs: number, task: () => void): Cancel {
    let intervalMs = kT1Ms;
    let cancel: Cancel = () => {};
    const arm = (): void => {
      cancel = this.after(intervalMs, () => {
        intervalMs = Math.min(intervalMs * 2, longestMs);
        arm();
        task();
      });
    };
    arm();
    return () => cancel();
  }
}
