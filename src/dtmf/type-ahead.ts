import { digitMemory } from '../ports/digit-memory.ts';
import type { Key } from '../ports/media.ts';
import type { KeyPress } from './merge.ts';

const kEmpty = 0xff;

/** Keys pressed before anybody asked, oldest first. Bounded: what comes on top is dropped. Lives in memory that is wiped. */
export class TypeAhead {
  static readonly kCapacity = 64;
  readonly #keys = digitMemory(TypeAhead.kCapacity).fill(kEmpty); // they may be a card number
  readonly #onsets = new Float64Array(TypeAhead.kCapacity);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @returns false if the buffer is full; the key is dropped then. */
  push(press: KeyPress): boolean {
    if (this.#length === TypeAhead.kCapacity) return false;
    this.#keys[this.#length] = press.key;
    this.#onsets[this.#length] = press.onsetMs;
    this.#length++;
    return true;
  }

  shift(): KeyPress | undefined {
    if (this.#length === 0) return undefined;
    const press: KeyPress = { key: this.#keys[0] as Key, onsetMs: this.#onsets[0] ?? 0 };
    this.#keys.copyWithin(0, 1, this.#length);
    this.#onsets.copyWithin(0, 1, this.#length);
    this.#length--;
    this.#keys[this.#length] = kEmpty;
    return press;
  }

  wipe(): void {
    this.#keys.fill(kEmpty);
    this.#onsets.fill(0);
    this.#length = 0;
  }
}
