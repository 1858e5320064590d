import { BoundedMap } from './bounded-map.ts';

const kWindow = 64;
const kMaxNonces = 16_384;

interface Uses {
  readonly issuedMs: number;
  highest: number;
  /** Bit n: the count `highest - n` has come. */
  seen: bigint;
}

/**
 * Remembers which counts of a nonce have come (RFC 7616 section 3.4, `nc`): each is good once, also out of order within the last
 * 64. Only right answers get here, so strangers cannot fill it. What is forgotten is not forgiven: a nonce older than
 * the youngest that had to make room is refused, and its client asks for a new one.
 */
export class NonceUses {
  readonly #uses: BoundedMap<string, Uses>;
  #forgottenMs = -1;

  constructor(max = kMaxNonces) {
    this.#uses = new BoundedMap(max, (_, { issuedMs }) => {
      this.#forgottenMs = Math.max(this.#forgottenMs, issuedMs);
    });
  }

  get size(): number {
    return this.#uses.size;
  }

  /** @param nc - at least 1. @returns whether this count is new. */
  accept(nonce: string, issuedMs: number, nc: number): boolean {
    const uses = this.#uses.get(nonce);
    if (!uses) {
      if (issuedMs <= this.#forgottenMs) return false;
      this.#uses.set(nonce, { issuedMs, highest: nc, seen: 1n });
      return true;
    }
    if (nc > uses.highest) {
      const ahead = nc - uses.highest;
      uses.seen = ahead >= kWindow ? 1n : BigInt.asUintN(kWindow, (uses.seen << BigInt(ahead)) | 1n);
      uses.highest = nc;
      return true;
    }
    const behind = uses.highest - nc;
    const bit = 1n << BigInt(behind);
    if (behind >= kWindow || (uses.seen & bit) !== 0n) return false;
    uses.seen |= bit;
    return true;
  }

  /** Nonces issued up to then have died by age. */
  expire(upToMs: number): void {
    this.#uses.trim(({ issuedMs }) => issuedMs <= upToMs);
  }
}
