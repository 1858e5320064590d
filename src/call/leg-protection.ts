import type { DtlsFingerprint, MediaRemote, SrtpSuite } from '../ports/media.ts';
import { kSrtpKeySizes } from '../ports/media.ts';
import {
  type IncomingCall,
  kUsualMediaRules,
  type MediaRules,
  type TrunkRights,
} from '../ports/signaling.ts';
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
  readonly #keys = new Map<SrtpSuite, Uint8Array>();
  #current: LocalProtection['current'];

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
      keyFor: (suite) => this.#keyFor(suite),
      fingerprint: this.#fingerprint,
      ice: this.#ice,
      current: this.#current,
    };
  }

  /** How the packets travel that a description agreed on. */
  linked(remote: MediaRemote): MediaRemote {
    if (!remote.link) return remote;
    const limitsUnheard = this.#limitsUnheard(remote.address);
    return { ...remote, link: { ...remote.link, learnFrom: this.#learnFrom(), limitsUnheard } };
  }

  adopt(current: NonNullable<LocalProtection['current']>): void {
    this.#current = current;
  }

  /** For the log: never a key. */
  get summary(): string {
    const protection = this.#current?.protection;
    return protection?.kind === 'sdes' ? protection.suite : (protection?.kind ?? 'none');
  }

  wipe(): void {
    for (const key of this.#keys.values()) key.fill(0);
    this.#keys.clear();
    if (this.#current?.protection.kind === 'sdes') this.#current.protection.receiveKey.fill(0);
    this.#current = undefined;
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
        return address !== plainOf(this.#source?.address) && this.#trunk.knows?.(address) !== true;
      case 'all':
        return true;
    }
  }

  /** A direction keeps its key as long as the suite stays: its roll-over counter is never in doubt (RFC 4568 section 7.1.4). */
  #keyFor(suite: SrtpSuite): Uint8Array {
    const known = this.#keys.get(suite);
    if (known) return known;
    const key = crypto.getRandomValues(new Uint8Array(kSrtpKeySizes[suite]));
    this.#keys.set(suite, key);
    return key;
  }
}

/** An IPv4 address inside IPv6 is itself. */
function plainOf(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=[\d.]+$)/i, '');
}

/** The characters of base64 are those ICE allows (RFC 8839 section 5.4). */
function randomText(size: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(size)))
    .toString('base64')
    .replaceAll('=', '');
}
