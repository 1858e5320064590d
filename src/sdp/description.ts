import type { DtlsFingerprint } from '../ports/media.ts';
import { type CryptoLine, parseCrypto } from './crypto-line.ts';

/** Direction of a stream as its author sees it (RFC 8866 section 6.7). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface RtpMap {
  readonly encoding: string;
  readonly clockRateHz: number;
  readonly channels: number;
}

/** One `m=` section, session-level defaults already applied. */
export interface MediaDescription {
  readonly type: string;
  readonly port: number;
  readonly protocol: string;
  /** Formats as written; payload types for RTP. */
  readonly formats: readonly string[];
  readonly address: string | undefined;
  readonly rtcpPort: number | undefined;
  readonly direction: Direction;
  readonly ptimeMs: number | undefined;
  readonly maxPtimeMs: number | undefined;
  readonly rtpMaps: ReadonlyMap<number, RtpMap>;
  /** `a=fmtp` values by payload type. */
  readonly parameters: ReadonlyMap<number, string>;
  /** Those we could use, in their order. */
  readonly cryptos: readonly CryptoLine[];
  /** Those we could check, in their order. */
  readonly fingerprints: readonly DtlsFingerprint[];
  readonly setup: Setup | undefined;
  readonly ice: IceCredentials | undefined;
  /** The peer is a lite agent itself. */
  readonly iceLite: boolean;
  readonly rtcpMux: boolean;
  /** Its name in groups (RFC 5888). */
  readonly mid: string | undefined;
}

/** Who begins DTLS (RFC 4145). */
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn';

export interface IceCredentials {
  readonly user: string;
  readonly password: string;
}

export type ParsedSdp =
  | {
      readonly kind: 'sdp';
      readonly media: readonly MediaDescription[];
      /** Names of the sections that would share one transport (RFC 8843). */
      readonly bundle: readonly string[];
    }
  | { readonly kind: 'malformed'; readonly line: number; readonly problem: string };

const kMaxBytes = 16 * 1024;
const kMaxMedia = 16;
const kMaxFormats = 64;
// Payload types RFC 3551 section 6 gives without an rtpmap, as far as we speak them.
const kStaticRtpMaps: readonly (readonly [number, RtpMap])[] = [
  [0, { encoding: 'PCMU', clockRateHz: 8000, channels: 1 }],
  [8, { encoding: 'PCMA', clockRateHz: 8000, channels: 1 }],
  [9, { encoding: 'G722', clockRateHz: 8000, channels: 1 }],
  [13, { encoding: 'CN', clockRateHz: 8000, channels: 1 }],
];
const kMaxPtimeMs = 200;
const kDirections: readonly string[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

const kSetups: readonly string[] = ['active', 'passive', 'actpass', 'holdconn'];
/** Bytes of a digest; SHA-1 is not believed any more (RFC 8122 section 5). */
const kDigestSizes: Readonly<Record<DtlsFingerprint['hash'], number>> = {
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
};
const kToken = /^[\w!#$%&'*+.^`{|}~-]{1,64}$/;
const kMaxCryptos = 16;
const kMaxFingerprints = 8;

interface Draft {
  address: string | undefined;
  direction: Direction;
  ptimeMs: number | undefined;
  maxPtimeMs: number | undefined;
  fingerprints: DtlsFingerprint[];
  setup: Setup | undefined;
  iceUser: string | undefined;
  icePassword: string | undefined;
  iceLite: boolean;
  bundle: string[];
}

interface MediaDraft extends Draft {
  type: string;
  port: number;
  protocol: string;
  formats: string[];
  rtcpPort: number | undefined;
  rtpMaps: Map<number, RtpMap>;
  cryptos: CryptoLine[];
  rtcpMux: boolean;
  mid: string | undefined;
  parameters: Map<number, string>;
}

class Malformed extends Error {}

/** Reads a session description (RFC 8866). Unknown lines are passed over; sizes are bounded. */
export function parseSdp(text: string): ParsedSdp {
  if (text.length > kMaxBytes) return { kind: 'malformed', line: 0, problem: 'longer than 16 KiB' };
  const session = newSession();
  const media: MediaDraft[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  if (lines[0] !== 'v=0') return { kind: 'malformed', line: 1, problem: 'does not begin with v=0' };
  for (const [index, line] of lines.entries()) {
    try {
      readLine(line, session, media);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return { kind: 'malformed', line: index + 1, problem: error.message };
    }
  }
  return { kind: 'sdp', media: media.map((draft) => finished(draft, session)), bundle: session.bundle };
}

function newSession(): Draft {
  return {
    address: undefined,
    direction: 'sendrecv',
    ptimeMs: undefined,
    maxPtimeMs: undefined,
    fingerprints: [],
    setup: undefined,
    iceUser: undefined,
    icePassword: undefined,
    iceLite: false,
    bundle: [],
  };
}

/** A section's own fingerprints take the place of the session's. */
function finished(
  { iceUser, icePassword, bundle: _, ...draft }: MediaDraft,
  session: Draft,
): MediaDescription {
  const ice =
    iceUser !== undefined && icePassword !== undefined ? { user: iceUser, password: icePassword } : undefined;
  const fingerprints = draft.fingerprints.length > 0 ? draft.fingerprints : session.fingerprints;
  return { ...draft, fingerprints, iceLite: session.iceLite, ice };
}

function readLine(line: string, session: Draft, media: MediaDraft[]): void {
  if (line === '') return;
  if (line[1] !== '=') throw new Malformed('is not of the form type=value');
  const value = line.slice(2);
  const current = media.at(-1);
  switch (line[0]) {
    case 'm':
      media.push(readMedia(value, session, media.length));
      return;
    case 'c':
      (current ?? session).address = readConnection(value);
      return;
    case 'a':
      readAttribute(value, current, session);
      return;
    default:
      return;
  }
}

function readMedia(value: string, session: Draft, count: number): MediaDraft {
  if (count >= kMaxMedia) throw new Malformed(`more than ${kMaxMedia} media sections`);
  const [type, portText, protocol, ...formats] = value.trim().split(/ +/);
  const port = /^\d{1,5}(\/\d+)?$/.test(portText ?? '') ? Number.parseInt(portText ?? '', 10) : Number.NaN;
  if (!type || !protocol || !(port <= 65_535))
    throw new Malformed('m= needs type, port, protocol and formats');
  if (formats.length === 0 || formats.length > kMaxFormats) {
    throw new Malformed(`m= needs 1 to ${kMaxFormats} formats`);
  }
  return {
    ...session,
    fingerprints: [],
    type,
    port,
    protocol,
    formats,
    rtcpPort: undefined,
    rtpMaps: new Map(kStaticRtpMaps),
    cryptos: [],
    rtcpMux: false,
    mid: undefined,
    parameters: new Map(),
  };
}

function readConnection(value: string): string {
  const match = /^IN IP[46] ([0-9A-Za-z.:-]{1,255})(\/\d+){0,2}$/.exec(value.trim());
  if (!match?.[1]) throw new Malformed('c= is not IN IP4 address or IN IP6 address');
  return match[1];
}

function readAttribute(value: string, current: MediaDraft | undefined, session: Draft): void {
  const [name = '', argument = ''] = splitOnce(value, ':');
  if (kDirections.includes(name)) (current ?? session).direction = name as Direction;
  if (name === 'ptime' || name === 'maxptime') {
    const durationMs = Number.parseInt(argument, 10);
    const key = name === 'ptime' ? 'ptimeMs' : 'maxPtimeMs';
    if (durationMs > 0 && durationMs <= kMaxPtimeMs) (current ?? session)[key] = durationMs;
  }
  if (current && name === 'rtcp') {
    const port = Number.parseInt(argument, 10); // RFC 3605
    if (port > 0 && port <= 65_535) current.rtcpPort = port;
  }
  if (current && name === 'rtpmap') readRtpMap(argument, current);
  if (current) readOfMedia(name, argument, current);
  else readOfSession(name, argument, session);
  readTransport(name, argument, current ?? session);
}

function readOfMedia(name: string, argument: string, media: MediaDraft): void {
  const crypto = name === 'crypto' ? parseCrypto(argument) : undefined;
  if (crypto && media.cryptos.length < kMaxCryptos) media.cryptos.push(crypto);
  if (name === 'fmtp') readParameters(argument, media);
  if (name === 'rtcp-mux') media.rtcpMux = true;
  if (name === 'mid' && kToken.test(argument)) media.mid = argument;
}

function readOfSession(name: string, argument: string, session: Draft): void {
  const [semantics, ...mids] = argument.split(' ');
  if (name === 'group' && semantics === 'BUNDLE') session.bundle = mids.slice(0, kMaxMedia);
  if (name === 'ice-lite') session.iceLite = true;
}

/** Attributes of DTLS and ICE, of a section or of all of them. */
function readTransport(name: string, argument: string, draft: Draft): void {
  const value = argument.trim();
  if (name === 'setup' && kSetups.includes(value)) draft.setup = value as Setup;
  if (name === 'ice-ufrag' && /^[A-Za-z0-9+/]{4,256}$/.test(value)) draft.iceUser = value;
  if (name === 'ice-pwd' && /^[A-Za-z0-9+/]{22,256}$/.test(value)) draft.icePassword = value;
  const fingerprint = name === 'fingerprint' ? readFingerprint(value) : undefined;
  if (fingerprint && draft.fingerprints.length < kMaxFingerprints) draft.fingerprints.push(fingerprint);
}

function readFingerprint(value: string): DtlsFingerprint | undefined {
  const [name = '', digits = ''] = value.split(/ +/);
  const hash = name.toLowerCase();
  if (!isHash(hash) || !/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*$/.test(digits)) return undefined;
  const digest = Uint8Array.from(digits.split(':'), (pair) => Number.parseInt(pair, 16));
  return digest.length === kDigestSizes[hash] ? { hash, digest } : undefined;
}

function isHash(name: string): name is DtlsFingerprint['hash'] {
  return Object.hasOwn(kDigestSizes, name);
}

/** What cannot be read says nothing to us: parameters are the codec's business. */
function readParameters(argument: string, current: MediaDraft): void {
  const match = /^(\d{1,3}) +(\S.*)$/.exec(argument.trim());
  if (match && current.parameters.size < kMaxFormats)
    current.parameters.set(Number(match[1]), match[2] ?? '');
}

function readRtpMap(argument: string, current: MediaDraft): void {
  const match = /^(\d{1,3}) +([A-Za-z0-9._-]{1,64})\/(\d{1,6})(?:\/(\d{1,2}))?$/.exec(argument.trim());
  if (!match) throw new Malformed('a=rtpmap is not payload-type encoding/clock-rate');
  const payloadType = Number(match[1]);
  if (payloadType > 127) throw new Malformed('a=rtpmap has a payload type above 127');
  if (current.rtpMaps.size >= kMaxFormats) throw new Malformed(`more than ${kMaxFormats} a=rtpmap lines`);
  const [, , encoding = '', clockRate, channels = '1'] = match;
  current.rtpMaps.set(payloadType, { encoding, clockRateHz: Number(clockRate), channels: Number(channels) });
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
