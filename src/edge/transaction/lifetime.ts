import type { Cancel } from '../../ports/clock.ts';
import type { Timers } from './timers.ts';

export type Ended = 'terminated';

/** What every transaction has: a timer that repeats what was sent, one that ends a state, and one end of it all. */
export class Lifetime {
  readonly #timers: Timers;
  readonly #ended: () => void;
  #isOver = false;
  #cancelRepeat: Cancel = () => {};
  #cancelNext: Cancel = () => {};

  constructor(timers: Timers, ended: () => void) {
    this.#timers = timers;
    this.#ended = ended;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** As {@link Timers.repeat}, until the next stop(). */
  repeat(nextMs: (beforeMs: number) => number, task: () => void): void {
    this.#cancelRepeat = this.#timers.repeat(nextMs, task);
  }

  /** What comes next when nothing else does. */
  next(delayMs: number, task: () => void): void {
    this.#cancelNext = this.#timers.after(delayMs, task);
  }

  /** The end, after a time in which copies are still known; at once where there are none. */
  endAfter(delayMs: number): void {
    if (delayMs === 0) this.end();
    else this.next(delayMs, () => this.end());
  }

  /** Both timers. */
  stop(): void {
    this.#cancelRepeat();
    this.#cancelNext();
  }

  /** A second time does nothing. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.stop();
    this.#ended();
  }
}
