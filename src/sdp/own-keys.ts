import { kSrtpKeySizes, type SrtpSuite } from '../ports/media.ts';
import type { LocalProtection } from './protection.ts';

/** Our SRTP keys of one stream, and what was agreed on so far. wipe() at its end. */
export class OwnKeys {
  #current: LocalProtection['current'];
  readonly #keys = new Map<SrtpSuite, Uint8Array>();

  get current(): LocalProtection['current'] {
    return this.#current;
  }

  /** A direction keeps its key as long as the suite stays: its roll-over counter is never in doubt (RFC 4568 section 7.1.4). */
  keyFor(suite: SrtpSuite): Uint8Array {
    const known = this.#keys.get(suite);
    if (known) return known;
    const key = crypto.getRandomValues(new Uint8Array(kSrtpKeySizes[suite]));
    this.#keys.set(suite, key);
    return key;
  }

  /**
   * What a description has agreed on. Our keys under other suites are overwritten: a stream that comes back to one counts from
   * nothing, and counts used twice under one key would give the plain text away (RFC 3711 section 9.1).
   */
  adopt(current: NonNullable<LocalProtection['current']>): void {
    this.#forget(current.protection.kind === 'sdes' ? current.protection.suite : undefined);
    this.#current = current;
  }

  wipe(): void {
    this.#forget();
    if (this.#current?.protection.kind === 'sdes') this.#current.protection.receiveKey.fill(0);
    this.#current = undefined;
  }

  #forget(except?: SrtpSuite): void {
    for (const [suite, key] of this.#keys) {
      if (suite === except) continue;
      key.fill(0);
      this.#keys.delete(suite);
    }
  }
}
