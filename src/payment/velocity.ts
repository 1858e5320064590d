import { createHmac, randomBytes } from 'node:crypto';
import { cardFingerprint } from '../card/card-fingerprint.ts';
import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';

/** So many declines within so long, and no more is tried until the oldest is older. 0 declines: no limit. */
export interface VelocityLimit {
  readonly declines: number;
  readonly windowMs: number;
}

export type VelocityLimits = Readonly<Record<'card' | 'customer' | 'caller', VelocityLimit>>;

const kNoLimit: VelocityLimit = { declines: 0, windowMs: 0 };
export const kNoLimits: VelocityLimits = { card: kNoLimit, customer: kNoLimit, caller: kNoLimit };

/** Who pays, as the call says it. */
export interface Payer {
  readonly customerId: string | null;
  /** The calling number. */
  readonly from: string;
}

interface Name {
  readonly hash: string;
  readonly limit: VelocityLimit;
}

/** Callers that many people are: they share no limit. */
const kNobody = /^(|anonymous|unknown|unavailable|restricted|private|0+)$/i;

/** Oldest are forgotten first: a flood of names may not fill the memory. */
const kMostNames = 100_000;

/**
 * Limits against trying out stolen cards: counts declines per card, customer and calling number, by keyed hashes in memory only, so nothing
 * is left to search for card numbers in. A restart forgets them.
 */
export class VelocityGuard {
  readonly #limits: VelocityLimits;
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  /** When the last declines of a name were, oldest first. */
  readonly #declines = new Map<string, readonly number[]>();

  constructor(limits: VelocityLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Whether this payer may be asked for a card. */
  admits(payer: Payer): boolean {
    return !this.#namesOf(payer).some((name) => this.#isLocked(name));
  }

  /**
   * Whether this card may be sent for this payer.
   * @returns what to call if it is declined, as the card may be gone by then; undefined if it may not be sent.
   */
  admit(payer: Payer, card: CardSecret): (() => void) | undefined {
    const names = this.#namesOf(payer);
    if (!card.wiped) names.push({ hash: cardFingerprint(card), limit: this.#limits.card });
    if (names.some((name) => this.#isLocked(name))) return undefined;
    return () => {
      for (const name of names) this.#count(name);
    };
  }

  #namesOf({ customerId, from }: Payer): Name[] {
    const { customer, caller } = this.#limits;
    const names: Name[] = [];
    if (customerId !== null) names.push({ hash: this.#hashed('customer', customerId), limit: customer });
    if (!kNobody.test(from)) names.push({ hash: this.#hashed('caller', from), limit: caller });
    return names;
  }

  #hashed(kind: string, text: string): string {
    return createHmac('sha256', this.#key).update(`${kind}:${text}`).digest('base64url');
  }

  #isLocked(name: Name): boolean {
    const { declines } = name.limit;
    return declines > 0 && this.#recent(name).length >= declines;
  }

  #recent({ hash, limit }: Name): readonly number[] {
    const sinceMs = this.#clock.now() - limit.windowMs;
    return (this.#declines.get(hash) ?? []).filter((atMs) => atMs > sinceMs);
  }

  #count(name: Name): void {
    const { hash, limit } = name;
    if (limit.declines === 0) return;
    const recent = [...this.#recent(name), this.#clock.now()].slice(-limit.declines);
    this.#declines.delete(hash); // to the end of the order
    this.#declines.set(hash, recent);
    const [oldest] = this.#declines.keys();
    if (this.#declines.size > kMostNames && oldest !== undefined) this.#declines.delete(oldest);
  }
}
