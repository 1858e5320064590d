import type { Clock } from '../ports/clock.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

const kMostBuckets = 10_000;

/** Token buckets: as many requests at once as a minute allows, and new ones as the minute goes by. */
export class RateLimit {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Takes one. @returns 0 if there was one, else the seconds until there is. */
  take(who: string, perMinute: number): number {
    const nowMs = this.#clock.now();
    const { tokens, atMs } = this.#buckets.get(who) ?? { tokens: perMinute, atMs: nowMs };
    const filled = Math.min(perMinute, tokens + ((nowMs - atMs) * perMinute) / 60_000);
    const isThere = filled >= 1;
    this.#keep(who, { tokens: isThere ? filled - 1 : filled, atMs: nowMs });
    return isThere ? 0 : Math.ceil(((1 - filled) * 60) / perMinute);
  }

  /** The one that was idle longest makes room. */
  #keep(who: string, bucket: Bucket): void {
    this.#buckets.delete(who);
    this.#buckets.set(who, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > kMostBuckets && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
