import type { DigitSink } from '../dtmf/collector.ts';
import { digitMemory } from '../ports/digit-memory.ts';

const kMostDigits = 15; // below 2^53

/**
 * The keys of an amount: digits and at most one decimal point. A caller who has lost the thread may key a card number here, so they are kept and
 * wiped like one.
 */
export class AmountKeys implements DigitSink {
  readonly #digits = digitMemory(kMostDigits);
  #length = 0;
  /** Digits before the point. */
  #pointAt: number | undefined;

  get length(): number {
    return this.#length;
  }

  append(digit: number): boolean {
    if (this.#length >= kMostDigits) return false;
    this.#digits[this.#length++] = digit;
    return true;
  }

  decimal(): boolean {
    if (this.#pointAt !== undefined) return false;
    this.#pointAt = this.#length;
    return true;
  }

  clear(): void {
    this.#digits.fill(0);
    this.#length = 0;
    this.#pointAt = undefined;
  }

  /**
   * The amount in minor units, or null if the keys make none: `25` and `25*` are 25.00, `25*50` is 25.50, `25*5` is nothing.
   * @param exponent - decimals of the currency.
   * @param entry - `implied`: the keys are minor units already.
   */
  minor(exponent: number, entry: 'star' | 'implied'): number | null {
    if (this.#length === 0) return null;
    let value = 0;
    for (let index = 0; index < this.#length; index++) value = value * 10 + (this.#digits[index] ?? 0);
    if (entry === 'implied') return value;
    const decimals = this.#length - (this.#pointAt ?? this.#length);
    if (decimals !== 0 && decimals !== exponent) return null;
    return decimals === 0 ? value * 10 ** exponent : value;
  }
}
