import type { Clock } from '../../ports/clock.ts';
import { tagOf } from '../sip/address.ts';
import type { Essentials } from '../sip/essentials.ts';

const kForgottenMs = 12 * 3_600_000;

/** Dialogs we only pass on, remembered so that nobody else's requests are. One without a BYE is forgotten after half a day. */
export class ProxiedDialogs {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #seenMs = new Map<string, number>();

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    this.#sweep();
    return this.#seenMs.size;
  }

  note(essentials: Pick<Essentials, 'callId' | 'from' | 'to'>): void {
    const key = keyOf(essentials);
    this.#seenMs.delete(key); // the map stays in order of the last request
    this.#seenMs.set(key, this.#clock.now());
    this.#sweep();
  }

  knows(essentials: Pick<Essentials, 'callId' | 'from' | 'to'>): boolean {
    return this.#seenMs.has(keyOf(essentials));
  }

  forget(essentials: Pick<Essentials, 'callId' | 'from' | 'to'>): void {
    this.#seenMs.delete(keyOf(essentials));
  }

  #sweep(): void {
    for (const [oldest, seenMs] of this.#seenMs) {
      if (this.#seenMs.size <= this.#max && this.#clock.now() - seenMs < kForgottenMs) return;
      this.#seenMs.delete(oldest);
    }
  }
}

/** The same in both directions. */
function keyOf({ callId, from, to }: Pick<Essentials, 'callId' | 'from' | 'to'>): string {
  return [callId, ...[tagOf(from), tagOf(to)].sort()].join('|');
}
