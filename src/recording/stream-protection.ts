import { kSrtpKeySizes, type SrtpSuite } from '../ports/media.ts';
import type { Encryption } from '../ports/signaling.ts';
import type { Choice, LocalProtection } from '../sdp/protection.ts';

/** What one stream to a recording server does to keep its audio to itself, within one call there. wipe() at its end. */
export class StreamProtection {
  readonly #encryption: Encryption;
  readonly #keysInSdp: boolean;
  readonly #keys = new Map<SrtpSuite, Uint8Array>();
  #current: LocalProtection['current'];

  /** @param keysInSdp - the way to the server is encrypted, or the configuration does not mind. */
  constructor(encryption: Encryption, keysInSdp: boolean) {
    this.#encryption = encryption;
    this.#keysInSdp = keysInSdp;
  }

  /** Without DTLS: few recording servers have it. */
  get local(): LocalProtection {
    return {
      encryption: this.#encryption,
      keysInSdp: this.#keysInSdp,
      keyFor: (suite) => this.#keyFor(suite),
      ice: { user: '', password: '' },
      current: this.#current,
    };
  }

  adopt(profile: string, { protection, tag }: Choice): void {
    this.#current = { profile, protection, tag };
  }

  wipe(): void {
    for (const key of this.#keys.values()) key.fill(0);
    this.#keys.clear();
    if (this.#current?.protection.kind === 'sdes') this.#current.protection.receiveKey.fill(0);
    this.#current = undefined;
  }

  #keyFor(suite: SrtpSuite): Uint8Array {
    const known = this.#keys.get(suite);
    if (known) return known;
    const key = crypto.getRandomValues(new Uint8Array(kSrtpKeySizes[suite]));
    this.#keys.set(suite, key);
    return key;
  }
}
