import type { Clock } from '../../ports/clock.ts';
import { BoundedMap } from './bounded-map.ts';

/** Sources that are not listened to for a while. */
export class BanList {
  readonly #clock: Clock;
  readonly #banMs: number;
  readonly #untilMs: BoundedMap<string, number>;

  constructor(clock: Clock, banMs: number, sources: number) {
    this.#clock = clock;
    this.#banMs = banMs;
    this.#untilMs = new BoundedMap(sources);
  }

  /** Sources banned now. */
  get size(): number {
    this.#untilMs.trim((untilMs) => untilMs <= this.#clock.now());
    return this.#untilMs.size;
  }

  has(source: string): boolean {
    if (this.#untilMs.size === 0) return false;
    const untilMs = this.#untilMs.get(source);
    if (untilMs === undefined) return false;
    if (untilMs > this.#clock.now()) return true;
    this.#untilMs.delete(source);
    return false;
  }

  /** From now on, whatever it was before. */
  add(source: string): void {
    this.#untilMs.set(source, this.#clock.now() + this.#banMs);
  }
}
