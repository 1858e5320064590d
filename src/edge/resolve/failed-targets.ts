import type { Clock } from '../../ports/clock.ts';
import type { Flow } from '../transport/flow.ts';

const kMaxTargets = 1_000;

/** Targets that failed a moment ago: they are tried last for a while, not first again for each call (RFC 3263 section 4.3). */
export class FailedTargets {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(flow: Flow, forMs: number): void {
    if (this.#untilMs.size >= kMaxTargets) this.#forgetOldest();
    this.#untilMs.set(keyOf(flow), this.#clock.now() + forMs);
  }

  has(flow: Flow): boolean {
    const until = this.#untilMs.get(keyOf(flow));
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#untilMs.delete(keyOf(flow));
    return false;
  }

  /** The same in the same order, but those that failed lately last. */
  sort<T extends { readonly flow: Flow }>(ways: readonly T[]): T[] {
    if (ways.length < 2) return [...ways];
    return [...ways.filter(({ flow }) => !this.has(flow)), ...ways.filter(({ flow }) => this.has(flow))];
  }

  #forgetOldest(): void {
    const [oldest] = this.#untilMs.keys();
    if (oldest !== undefined) this.#untilMs.delete(oldest);
  }
}

function keyOf({ transport, remote }: Flow): string {
  return `${transport}|${remote.host}|${remote.port}`;
}
