import type { Clock } from '../../ports/clock.ts';
import type { TrunkPolicy } from './policy.ts';

/** Why a trunk may not place one more call now. */
export type CapReason = 'calls-per-second' | 'concurrent-calls';

interface Use {
  readonly callIds: Set<string>;
  /** Calls that may be placed at once; grows by callsPerSecond, up to a second's worth. */
  tokens: number;
  filledMs: number;
}

/** Counts the calls of each trunk against its limits. */
export class CallCaps {
  readonly #clock: Clock;
  readonly #uses = new Map<string, Use>();
  readonly #trunkOf = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Running calls by trunk. */
  get calls(): Record<string, number> {
    return Object.fromEntries([...this.#uses].map(([name, { callIds }]) => [name, callIds.size]));
  }

  /** Whether this call is being counted. */
  has(id: string): boolean {
    return this.#trunkOf.has(id);
  }

  /** Counts a call, or says why it is one too many. @param id - of its dialog; {@link ended} takes it back. */
  begin(trunk: TrunkPolicy, id: string): CapReason | undefined {
    const use = this.#useOf(trunk);
    if (trunk.concurrentCalls !== null && use.callIds.size >= trunk.concurrentCalls)
      return 'concurrent-calls';
    if (trunk.callsPerSecond !== null) {
      this.#fill(use, trunk.callsPerSecond);
      if (use.tokens < 1) return 'calls-per-second';
      use.tokens--;
    }
    use.callIds.add(id);
    this.#trunkOf.set(id, trunk.name);
    return undefined;
  }

  /** The call is over, or was never taken. A second time does nothing. */
  ended(id: string): void {
    const name = this.#trunkOf.get(id);
    if (name === undefined) return;
    this.#trunkOf.delete(id);
    this.#uses.get(name)?.callIds.delete(id);
  }

  #useOf({ name, callsPerSecond }: TrunkPolicy): Use {
    const known = this.#uses.get(name);
    if (known) return known;
    const tokens = Math.max(1, callsPerSecond ?? 0);
    const use = { callIds: new Set<string>(), tokens, filledMs: this.#clock.now() };
    this.#uses.set(name, use);
    return use;
  }

  #fill(use: Use, perSecond: number): void {
    const nowMs = this.#clock.now();
    const gained = ((nowMs - use.filledMs) * perSecond) / 1_000;
    use.tokens = Math.min(Math.max(1, perSecond), use.tokens + gained);
    use.filledMs = nowMs;
  }
}
