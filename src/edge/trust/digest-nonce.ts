import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const kTimeBytes = 6;
const kSaltBytes = 8;
const kSignedBytes = kTimeBytes + kSaltBytes;
const kSignatureBytes = 16;

/** What becomes of a nonce that comes back: one of ours, and when it was made, or undefined. */
export type ReadNonce = { readonly issuedMs: number } | undefined;

/**
 * Makes nonces that need no memory: time in ms (6 bytes), salt (8 bytes), HMAC-SHA-256 of both and of the source (16 bytes), in
 * base64url. A nonce is good for the source it was given to and for no other; the key lives and dies with the process.
 */
export class Nonces {
  readonly #key = randomBytes(32);

  /** @param source - the address that asked. */
  issue(nowMs: number, source: string): string {
    const signed = Buffer.alloc(kSignedBytes);
    signed.writeUIntBE(nowMs, 0, kTimeBytes);
    randomBytes(kSaltBytes).copy(signed, kTimeBytes);
    return Buffer.concat([signed, this.#signature(signed, source)]).toString('base64url');
  }

  read(nonce: string, source: string): ReadNonce {
    if (!/^[\w-]{40}$/.test(nonce)) return undefined;
    const bytes = Buffer.from(nonce, 'base64url');
    const signed = bytes.subarray(0, kSignedBytes);
    if (!timingSafeEqual(bytes.subarray(kSignedBytes), this.#signature(signed, source))) return undefined;
    return { issuedMs: signed.readUIntBE(0, kTimeBytes) };
  }

  #signature(signed: Uint8Array, source: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(signed)
      .update(source)
      .digest()
      .subarray(0, kSignatureBytes);
  }
}
