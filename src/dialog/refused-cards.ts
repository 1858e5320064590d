import { cardFingerprint } from '../card/card-fingerprint.ts';
import type { CardSecret } from '../card/card-secret.ts';

const kMostDeclines = 2;

/** Cards this session has done with, by keyed fingerprints that die with the process. */
export class RefusedCards {
  readonly #declines = new Map<string, number>();

  /** Counts a decline of the card in the arena. @param from - refuse it at once, or after its second decline. */
  add(card: CardSecret, from: 'now' | 'second_decline'): void {
    const fingerprint = cardFingerprint(card);
    const declines = from === 'now' ? kMostDeclines : (this.#declines.get(fingerprint) ?? 0) + 1;
    this.#declines.set(fingerprint, declines);
  }

  has(card: CardSecret): boolean {
    return (this.#declines.get(cardFingerprint(card)) ?? 0) >= kMostDeclines;
  }
}
