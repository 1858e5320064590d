import { kSrtpKeySizes, type SrtpSuite } from '../ports/media.ts';
import type { LocalProtection } from './protection.ts';

/** Our SRTP keys of one stream, and what was agreed on so far. wipe() at its end. */
export class OwnKeys {
  current: LocalProtection['current'];
  readonly #keys = new Map<SrtpSuite, Uint8Array>();

  /** A direction keeps its key as long as the suite stays: its roll-over counter is never in doubt (RFC 4568 section 7.1.4). */
  keyFor(suite: SrtpSuite): Uint8Array {
    const known = this.#keys.get(suite);
    if (known) return known;
    const key = crypto.getRandomValues(new Uint8Array(kSrtpKeySizes[suite]));
    this.#keys.set(suite, key);
    return key;
  }

  wipe(): void {
    for (const key of this.#keys.values()) key.fill(0);
    this.#keys.clear();
    if (this.current?.protection.kind === 'sdes') this.current.protection.receiveKey.fill(0);
    this.current = undefined;
  }
}
