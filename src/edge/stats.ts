/** What the edge has done since it started, and what is alive in it now. */
export interface EdgeStats {
  /** Messages, keyed `in|out` + ` ` + method or status, such as `in INVITE`, `out 200`. */
  readonly messages: Readonly<Record<string, number>>;
  /** Messages per transport, keyed `in udp`, `out tcp`. */
  readonly transports: Readonly<Record<string, number>>;
  /** What was not acted upon, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly retransmissions: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly timers: number;
  readonly applications: number;
}

const kMaxKeys = 200; // an attacker invents methods; the table does not grow with them

/** Counters by name. */
export class Counter {
  readonly #counts = new Map<string, number>();

  add(key: string): void {
    const count = this.#counts.get(key);
    if (count !== undefined) this.#counts.set(key, count + 1);
    else if (this.#counts.size < kMaxKeys) this.#counts.set(key, 1);
    else this.#counts.set('other', (this.#counts.get('other') ?? 0) + 1);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
