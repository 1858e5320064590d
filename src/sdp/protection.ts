import type { DtlsFingerprint, IceUsers, MediaProtection, SrtpSuite } from '../ports/media.ts';
import type { Encryption } from '../ports/signaling.ts';
import { type CryptoLine, writeCrypto } from './crypto-line.ts';
import type { MediaDescription } from './description.ts';

/** What this leg can do and may do to keep its audio to itself. */
export interface LocalProtection {
  readonly encryption: Encryption;
  /** Keys may stand in SDP: who carries it is encrypted, or the configuration does not mind. */
  readonly keysInSdp: boolean;
  /** Our key under a suite: the same as long as the suite is. */
  readonly keyFor: (suite: SrtpSuite) => Uint8Array;
  /** Of the certificate our side of DTLS shows; absent: no DTLS. */
  readonly fingerprint?: DtlsFingerprint | undefined;
  readonly ice: { readonly user: string; readonly password: string };
  /** What the leg has now: later descriptions go on with it. */
  readonly current?:
    | { readonly profile: string; readonly protection: MediaProtection; readonly tag: number }
    | undefined;
}

/** A section as we would take it. */
export interface Choice {
  readonly protection: MediaProtection;
  /** Null: addresses are those of the description. */
  readonly ice: IceUsers | null;
  /** Lines of our own description that say so. */
  readonly lines: readonly string[];
  /** Of `a=crypto`; 0 without. */
  readonly tag: number;
}

/** What we offer, and what the answer to it is read with. */
export interface Offering {
  readonly profile: string;
  readonly cryptos: readonly CryptoLine[];
  readonly withDtls: boolean;
}

const kPlain: Choice = { protection: { kind: 'none' }, ice: null, lines: [], tag: 0 };
const kPlainProfile = /^RTP\/AVPF?$/;
const kSecureProfile = /^RTP\/SAVPF?$/;
const kDtlsProfile = /^UDP\/TLS\/RTP\/SAVPF?$/;
const kOffered: readonly SrtpSuite[] = [
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
];

/** Whether nobody can read keys on the way to this SIP URI, as far as its first hop. */
export function isEncryptedWay(uri: string): boolean {
  return /^sips:|;transport=(tls|wss)\b/i.test(uri);
}

/**
 * How an offered section would be protected: by what the offer has, in its order, as far as the policy goes.
 * @returns undefined where the two do not meet.
 */
export function chooseProtection(
  section: MediaDescription,
  local: LocalProtection | undefined,
): Choice | undefined {
  const isPlain = kPlainProfile.test(section.protocol);
  if (!local || local.encryption === 'off') return isPlain ? kPlain : undefined;
  const wantsDtls = kDtlsProfile.test(section.protocol);
  const sdes = wantsDtls ? undefined : chooseSdes(section, local);
  if (sdes) return sdes;
  if (wantsDtls || kSecureProfile.test(section.protocol)) return chooseDtls(section, local);
  return isPlain && local.encryption === 'optional' ? kPlain : undefined;
}

function chooseSdes(section: MediaDescription, { keysInSdp, keyFor }: LocalProtection): Choice | undefined {
  const theirs = section.cryptos[0];
  if (!keysInSdp || !theirs) return undefined;
  const { suite, tag } = theirs;
  const sendKey = keyFor(suite);
  return {
    protection: { kind: 'sdes', suite, sendKey, receiveKey: theirs.key },
    ice: null,
    lines: [writeCrypto({ tag, suite, key: sendKey })],
    tag,
  };
}

function chooseDtls(section: MediaDescription, local: LocalProtection): Choice | undefined {
  const fingerprint = section.fingerprints[0];
  if (!fingerprint || !local.fingerprint || section.setup === 'holdconn') return undefined;
  const active = weBegin(section, local);
  return {
    protection: { kind: 'dtls', fingerprint, active },
    ice: iceOf(section, local),
    lines: [
      ...dtlsLines(local.fingerprint, active ? 'active' : 'passive'),
      ...iceLines(section.ice !== undefined, local),
    ],
    tag: 0,
  };
}

/** The answerer begins unless the offerer wants to (RFC 5763 section 5); an association keeps its roles. */
function weBegin(section: MediaDescription, { current }: LocalProtection): boolean {
  if (section.setup === 'active') return false;
  if (section.setup === 'passive') return true;
  return current?.protection.kind === 'dtls' ? current.protection.active : true;
}

function iceOf({ ice, iceLite }: MediaDescription, local: LocalProtection): IceUsers | null {
  // Two lite agents check nothing: they use the addresses of their descriptions (RFC 8445 section 6.1.1).
  if (!ice || iceLite) return null;
  return { localUser: local.ice.user, localPassword: local.ice.password, remoteUser: ice.user };
}

function dtlsLines(fingerprint: DtlsFingerprint, setup: string): string[] {
  const digits = Array.from(fingerprint.digest, (byte) => byte.toString(16).padStart(2, '0').toUpperCase());
  return [`a=fingerprint:${fingerprint.hash} ${digits.join(':')}`, `a=setup:${setup}`];
}

function iceLines(isUsed: boolean, { ice }: LocalProtection): string[] {
  return isUsed ? [`a=ice-ufrag:${ice.user}`, `a=ice-pwd:${ice.password}`] : [];
}

/** What an offer of ours has: what the leg has already, else as much as the policy says. Undefined: it may have nothing. */
export function offerProtection(local: LocalProtection | undefined): Offering | undefined {
  const plain = { profile: 'RTP/AVP', cryptos: [], withDtls: false };
  if (!local || local.encryption === 'off') return plain;
  const { current } = local;
  if (current?.protection.kind === 'dtls') return { profile: current.profile, cryptos: [], withDtls: true };
  if (current?.protection.kind === 'sdes') {
    const { suite, sendKey } = current.protection;
    return {
      profile: current.profile,
      cryptos: [{ tag: current.tag, suite, key: sendKey }],
      withDtls: false,
    };
  }
  if (!local.keysInSdp) return local.encryption === 'required' ? undefined : plain;
  const cryptos = kOffered.map((suite, index) => ({ tag: index + 1, suite, key: local.keyFor(suite) }));
  // A peer without SRTP reads RTP/AVP as plain RTP and passes over a=crypto.
  const profile = local.encryption === 'required' ? 'RTP/SAVP' : 'RTP/AVP';
  return { profile, cryptos, withDtls: false };
}

/** Lines of our offer. */
export function offerLines({ cryptos, withDtls }: Offering, local: LocalProtection | undefined): string[] {
  const dtls =
    withDtls && local?.fingerprint
      ? [...dtlsLines(local.fingerprint, 'actpass'), ...iceLines(true, local)]
      : [];
  return [...cryptos.map(writeCrypto), ...dtls];
}

/** What the answer to our offer has agreed on; undefined when it does not fit the offer. */
export function readProtection(
  section: MediaDescription,
  offering: Offering,
  local: LocalProtection | undefined,
): Choice | undefined {
  if (offering.withDtls) return local && chooseDtls({ ...section, setup: section.setup ?? 'active' }, local);
  const theirs = section.cryptos[0];
  const ours = offering.cryptos.find(({ tag, suite }) => tag === theirs?.tag && suite === theirs.suite);
  if (theirs && ours) {
    const { suite, key: receiveKey } = theirs;
    return { ...kPlain, protection: { kind: 'sdes', suite, sendKey: ours.key, receiveKey }, tag: ours.tag };
  }
  const isPlain = kPlainProfile.test(section.protocol) && section.cryptos.length === 0;
  return isPlain && local?.encryption !== 'required' ? kPlain : undefined;
}
