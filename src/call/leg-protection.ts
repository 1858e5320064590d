import type { DtlsFingerprint, MediaRemote } from '../ports/media.ts';
import {
  type IncomingCall,
  kUsualMediaRules,
  type MediaRules,
  type TrunkRights,
} from '../ports/signaling.ts';
import { OwnKeys } from '../sdp/own-keys.ts';
import type { LocalProtection } from '../sdp/protection.ts';

const kIceUserSize = 4; // bytes, before base64: more than the 24 bits RFC 8445 section 5.3 asks for
const kIcePasswordSize = 18; // 144 bits

/** What one leg does to keep its audio to itself: our keys, and what was agreed on so far. Made per leg; wipe() at its end. */
export class LegProtection {
  readonly #trunk: TrunkRights;
  readonly #rules: MediaRules;
  readonly #source: IncomingCall['source'];
  readonly #fingerprint: DtlsFingerprint | undefined;
  readonly #ice = { user: randomText(kIceUserSize), password: randomText(kIcePasswordSize) };
  readonly #keys = new OwnKeys();

  /** @param fingerprint - of our side of DTLS, if the media has one. */
  constructor(
    { trunk, source }: Pick<IncomingCall, 'trunk' | 'source'>,
    fingerprint: DtlsFingerprint | undefined,
  ) {
    this.#trunk = trunk;
    this.#rules = trunk.media ?? kUsualMediaRules;
    this.#source = source;
    this.#fingerprint = fingerprint;
  }

  get local(): LocalProtection {
    return {
      encryption: this.#rules.encryption,
      keysInSdp: this.#rules.keysInClear || this.#source?.isEncrypted === true,
      keyFor: (suite) => this.#keys.keyFor(suite),
      fingerprint: this.#fingerprint,
      ice: this.#ice,
      current: this.#keys.current,
    };
  }

  /** How the packets travel that a description agreed on. */
  linked(remote: MediaRemote): MediaRemote {
    if (!remote.link) return remote;
    const limitsUnheard = this.#limitsUnheard(remote.address);
    return { ...remote, link: { ...remote.link, learnFrom: this.#learnFrom(), limitsUnheard } };
  }

  adopt(current: NonNullable<LocalProtection['current']>): void {
    this.#keys.adopt(current);
  }

  /** For the log: never a key. */
  get summary(): string {
    const protection = this.#keys.current?.protection;
    return protection?.kind === 'sdes' ? protection.suite : (protection?.kind ?? 'none');
  }

  wipe(): void {
    this.#keys.wipe();
  }

  #learnFrom(): string | null {
    switch (this.#rules.natLearning) {
      case 'off':
        return null;
      case 'signaling':
        return this.#source?.address ?? null;
      case 'any':
        return 'any';
    }
  }

  #limitsUnheard(address: string): boolean {
    switch (this.#rules.unheardLimit) {
      case 'off':
        return false;
      case 'strangers':
        return address !== this.#source?.address && this.#trunk.knows?.(address) !== true;
      case 'all':
        return true;
    }
  }
}

/** The characters of base64 are those ICE allows (RFC 8839 section 5.4). */
function randomText(size: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(size)))
    .toString('base64')
    .replaceAll('=', '');
}
