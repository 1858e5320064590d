import type { Clock } from '../../ports/clock.ts';
import { BoundedMap } from './bounded-map.ts';

interface Window {
  readonly startedMs: number;
  count: number;
}

/** Counts what each source does within a window that starts with the first of it. */
export class SourceRate {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #perMs: number;
  readonly #windows: BoundedMap<string, Window>;

  /** @param sources - that are remembered. */
  constructor(clock: Clock, max: number, perMs: number, sources: number) {
    this.#clock = clock;
    this.#max = max;
    this.#perMs = perMs;
    this.#windows = new BoundedMap(sources);
  }

  get size(): number {
    return this.#windows.size;
  }

  /** @returns whether this was one too many. */
  exceeds(source: string): boolean {
    const nowMs = this.#clock.now();
    const window = this.#windows.get(source);
    if (!window || nowMs - window.startedMs >= this.#perMs) {
      this.#windows.set(source, { startedMs: nowMs, count: 1 });
      return this.#max < 1;
    }
    window.count++;
    return window.count > this.#max;
  }

  forget(source: string): void {
    this.#windows.delete(source);
  }
}
