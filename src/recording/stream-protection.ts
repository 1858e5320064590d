import type { Encryption } from '../ports/signaling.ts';
import { OwnKeys } from '../sdp/own-keys.ts';
import type { Choice, LocalProtection } from '../sdp/protection.ts';

/** What one stream to a recording server does to keep its audio to itself, within one call there. wipe() at its end. */
export class StreamProtection {
  readonly #encryption: Encryption;
  readonly #keysInSdp: boolean;
  readonly #keys = new OwnKeys();

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
      keyFor: (suite) => this.#keys.keyFor(suite),
      ice: { user: '', password: '' },
      current: this.#keys.current,
    };
  }

  adopt(profile: string, { protection, tag }: Choice): void {
    this.#keys.adopt({ profile, protection, tag });
  }

  wipe(): void {
    this.#keys.wipe();
  }
}
