/** A map that forgets its oldest entry when it is full: what strangers can fill. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #max: number;
  readonly #forgotten: (key: K, value: V) => void;

  /** @param forgotten - told of what had to make room. */
  constructor(max: number, forgotten: (key: K, value: V) => void = () => {}) {
    this.#max = max;
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** The entry becomes the youngest. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    for (const [oldest, held] of this.#entries) {
      this.#entries.delete(oldest);
      this.#forgotten(oldest, held);
      return;
    }
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  /** Takes away the oldest entries for as long as they are `over`. */
  trim(over: (value: V) => boolean): void {
    for (const [key, value] of this.#entries) {
      if (!over(value)) return;
      this.#entries.delete(key);
    }
  }
}
