import type { EdgeMemory } from './memory.ts';

/** What the edge has done since it started, and what is alive in it now. */
export interface EdgeStats {
  /** Messages, keyed by direction, transport, and method or status: `in udp INVITE`, `out tcp 200`. Copies count too. */
  readonly messages: Readonly<Record<string, number>>;
  /** What was not acted upon, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly retransmissions: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly timers: number;
  /** Phones registered with us. */
  readonly bindings: number;
  /** Sources not listened to for a while. */
  readonly bans: number;
  /** Running calls that count against the limits of their trunk. */
  readonly callsByTrunk: Readonly<Record<string, number>>;
  readonly applications: number;
  readonly memory: EdgeMemory;
}

const kMaxKeys = 500; // an attacker invents statuses; the table does not grow with them

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
