import { inspect } from 'node:util';
import { digitMemory } from '../ports/digit-memory.ts';

/** What a caller keys during a card entry. Sizes are the most digits each can hold. */
export const kFieldCapacity = { pan: 19, expiry: 4, cvv: 4, postal: 9, start: 4, issue: 2 } as const;
export type SecretField = keyof typeof kFieldCapacity;

export const kSecretFields = Object.keys(kFieldCapacity) as SecretField[];
const kSlotBytes = 32; // one field's place in the arena
const kAsciiZero = 0x30;

/**
 * The card arena of one payment session: the only home card digits have in this process. Digits go in one at a time and are lent
 * out as ASCII bytes; there is no way to get them as a string. Made by the conversation, wiped by it at every end; a second wipe
 * does nothing. Every other use after the wipe throws: a bug, not an ending. All state is `#private`, so inspection, JSON,
 * enumeration and structured clone see nothing of it.
 */
export class CardSecret {
  readonly #arena = digitMemory(kSlotBytes * kSecretFields.length);
  readonly #lengths = new Map<SecretField, number>();
  #wiped = false;

  get wiped(): boolean {
    return this.#wiped;
  }

  /**
   * @param digit - 0..9
   * @returns false if the field is full; the digit is dropped then.
   */
  append(field: SecretField, digit: number): boolean {
    this.#assertAlive();
    assertDigit(digit);
    const length = this.length(field);
    if (length >= kFieldCapacity[field]) return false;
    this.#arena[slotOf(field) + length] = kAsciiZero + digit;
    this.#lengths.set(field, length + 1);
    return true;
  }

  /** Puts a digit before the others, as 325 keyed for March becomes 0325; parameters and result as {@link append}. */
  prepend(field: SecretField, digit: number): boolean {
    this.#assertAlive();
    assertDigit(digit);
    const length = this.length(field);
    if (length >= kFieldCapacity[field]) return false;
    const slot = slotOf(field);
    this.#arena.copyWithin(slot + 1, slot, slot + length);
    this.#arena[slot] = kAsciiZero + digit;
    this.#lengths.set(field, length + 1);
    return true;
  }

  length(field: SecretField): number {
    this.#assertAlive();
    return this.#lengths.get(field) ?? 0;
  }

  clear(field: SecretField): void {
    this.#assertAlive();
    this.#arena.fill(0, slotOf(field), slotOf(field) + kSlotBytes);
    this.#lengths.delete(field);
  }

  /**
   * Lends a view of the digits (ASCII `0`..`9`) for the time of the call; the callback must not write to it, keep it, or copy it
   * anywhere but into a request body that its owner wipes. An `async` callback would hold it past the call and is refused.
   */
  lend<T>(field: SecretField, use: (digits: Uint8Array) => T): T {
    const slot = slotOf(field);
    const result = use(this.#arena.subarray(slot, slot + this.length(field)));
    if (result instanceof Promise)
      throw new Error('card digits are lent for the time of a call, not to a promise');
    return result;
  }

  wipe(): void {
    this.#arena.fill(0);
    this.#lengths.clear();
    this.#wiped = true;
  }

  toString(): string {
    return '[digits]';
  }

  toJSON(): string {
    return '[digits]';
  }

  [inspect.custom](): string {
    return '[digits]';
  }

  #assertAlive(): void {
    if (this.#wiped) throw new Error('the card of this session has been wiped');
  }
}

function assertDigit(digit: number): void {
  if (!Number.isInteger(digit) || digit < 0 || digit > 9) throw new RangeError('a card digit is 0..9');
}

function slotOf(field: SecretField): number {
  return kSecretFields.indexOf(field) * kSlotBytes;
}
