import type { Clock } from '../ports/clock.ts';
import type { Key } from '../ports/media.ts';

const kSymbols = '0123456789*#ABCD';
const kPatienceMs = 3_000; // between two keys of a code

export type FeatureKey =
  /** No part of the code, or not any more. */
  'other' | 'begun' | 'complete';

/** Recognizes one code in the keys of an agent, such as `*729#`. Keys are single presses, whatever carried them. */
export class FeatureCode {
  readonly #keys: readonly Key[];
  readonly #clock: Clock;
  #matched = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(code: string, clock: Clock) {
    this.#keys = [...code].map((symbol) => kSymbols.indexOf(symbol.toUpperCase()) as Key);
    this.#clock = clock;
  }

  /** How long after a key the code is given up. */
  get patienceMs(): number {
    return kPatienceMs;
  }

  press(key: Key): FeatureKey {
    const now = this.#clock.now();
    if (now - this.#lastMs > kPatienceMs) this.#matched = 0;
    this.#lastMs = now;
    const goesOn = this.#keys[this.#matched] === key;
    this.#matched = goesOn ? this.#matched + 1 : this.#keys[0] === key ? 1 : 0;
    if (this.#matched === 0) return 'other';
    if (this.#matched < this.#keys.length) return 'begun';
    this.#matched = 0;
    return 'complete';
  }
}
