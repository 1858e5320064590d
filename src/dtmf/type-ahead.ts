import type { Key } from '../ports/media.ts';
import type { KeyPress } from './merge.ts';

// Keys may be a card number; see KeyMerge for why the buffer is this large.
const kBufferBytes = 128;
const kEmpty = 0xff;

/** Keys pressed before anybody asked, oldest first. Bounded: what comes on top is dropped. Lives in memory that is wiped. */
export class TypeAhead {
  static readonly kCapacity = 64;
  readonly #keys = Buffer.allocUnsafeSlow(kBufferBytes).fill(kEmpty);
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
