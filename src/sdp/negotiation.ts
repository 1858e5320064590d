import { isIP } from 'node:net';
import type { CodecName, MediaRemote } from '../ports/media.ts';
import { type Direction, type MediaDescription, parseSdp } from './description.ts';
import {
  type Choice,
  chooseProtection,
  type LocalProtection,
  type Offering,
  offerLines,
  offerProtection,
  readProtection,
} from './protection.ts';

/** Our side of one leg's audio. */
export interface LocalMedia {
  readonly address: string;
  readonly port: number;
  /** `o=` session id and version (RFC 8866 section 5.2): the version goes up with every new description. */
  readonly sessionId: string;
  readonly version: number;
  /** Absent: plain RTP only. */
  readonly protection?: LocalProtection;
}

export type Negotiated =
  | {
      readonly kind: 'agreed';
      readonly sdp: string;
      readonly remote: MediaRemote;
      readonly held: boolean;
      /** What later descriptions of ours have to go on with. */
      readonly current: NonNullable<LocalProtection['current']>;
    }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'no_common_codec' }
  /** Audio we could carry, but not as it is offered and as the policy of the peer wants it. */
  | { readonly kind: 'no_common_protection' };

/** An audio section of the peer's, and how we would take it. */
interface Taken {
  readonly section: MediaDescription;
  readonly codec: AgreedCodec;
  readonly choice: Choice;
}

const kCodecs: readonly { readonly name: CodecName; readonly payloadType: number }[] = [
  { name: 'PCMU', payloadType: 0 },
  { name: 'PCMA', payloadType: 8 },
];
const kAllCodecs: readonly CodecName[] = kCodecs.map(({ name }) => name);
const kOurEventPayloadType = 101; // in our own offers
const kPtimesMs = [10, 20, 30, 40, 60];
const kUsualPtimeMs = 20;
const kProfile = /^(UDP\/TLS\/)?RTP\/S?AVPF?$/;
const kHostPriority = 2_130_706_431; // RFC 8445 section 5.1.2.1: host candidate, component 1
const kReversed: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/**
 * Answers an offer (RFC 3264 section 6): the first audio section with a codec we speak is taken, a protected one before a plain
 * one, with the offerer's first choice; every other section is refused with port 0.
 * @param allowed - codecs this peer may use.
 */
export function answerOffer(
  offer: string,
  local: LocalMedia,
  allowed: readonly CodecName[] = kAllCodecs,
): Negotiated {
  const parsed = parseSdp(offer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const audible = parsed.media.filter((section) => agreedCodec(section, allowed) !== undefined);
  if (audible.length === 0) return { kind: 'no_common_codec' };
  const candidates = audible.flatMap((section) => {
    const codec = agreedCodec(section, allowed);
    const choice = chooseProtection(section, local.protection);
    return codec && choice ? [{ section, codec, choice }] : [];
  });
  const taken = candidates.find(({ choice }) => choice.protection.kind !== 'none') ?? candidates[0];
  if (!taken) return { kind: 'no_common_protection' };
  const agreed = agree(taken);
  if (!agreed) return kNoAddress;
  const sections = parsed.media.map((each) =>
    each === taken.section ? answerSection(local, taken, agreed.remote) : refusedSection(each),
  );
  const isBundled = taken.section.mid !== undefined && parsed.bundle.includes(taken.section.mid);
  const session = [
    ...(isBundled ? [`a=group:BUNDLE ${taken.section.mid}`] : []),
    ...(taken.choice.ice ? ['a=ice-lite'] : []),
  ];
  return { kind: 'agreed', sdp: header(local, session) + sections.join(''), ...agreed };
}

/**
 * What we offer when the INVITE brought no offer (RFC 3261 section 13.2.1).
 * @returns undefined where the policy wants keys and nothing may carry them.
 */
export function makeOffer(local: LocalMedia, allowed: readonly CodecName[] = kAllCodecs): string | undefined {
  const offering = offerProtection(local.protection);
  if (!offering) return undefined;
  const codecs = kCodecs
    .filter(({ name }) => allowed.includes(name))
    .map((codec) => ({
      codec: codec.name,
      payloadType: codec.payloadType,
      eventPayloadType: kOurEventPayloadType,
      ptimeMs: kUsualPtimeMs,
    }));
  const extra = [
    ...offerLines(offering, local.protection),
    ...(offering.withDtls ? ['a=rtcp-mux', candidateOf(local)] : []),
  ];
  const session = offering.withDtls ? ['a=ice-lite'] : [];
  return header(local, session) + audioSection(local, offering.profile, codecs, 'sendrecv', extra);
}

/** Reads the answer to {@link makeOffer}, made with the same `local`. */
export function readAnswer(
  answer: string,
  allowed: readonly CodecName[] = kAllCodecs,
  protection?: LocalProtection,
): Negotiated {
  const parsed = parseSdp(answer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const section = parsed.media[0];
  const codec = section && agreedCodec(section, allowed);
  if (!section || !codec) return { kind: 'no_common_codec' };
  const offering: Offering | undefined = offerProtection(protection);
  const choice = offering && readProtection(section, offering, protection);
  if (!choice) return { kind: 'no_common_protection' };
  const agreed = agree({ section, codec, choice });
  return agreed ? { kind: 'agreed', sdp: '', ...agreed } : kNoAddress;
}

const kNoAddress: Negotiated = { kind: 'malformed', problem: 'the audio section has no usable c= address' };

function malformed(line: number, problem: string): Negotiated {
  return { kind: 'malformed', problem: `SDP line ${line}: ${problem}` };
}

interface AgreedCodec {
  readonly codec: CodecName;
  readonly payloadType: number;
}

/** The offerer's first format that we speak and allow. Port 0 means the section is refused or withdrawn. */
function agreedCodec(section: MediaDescription, allowed: readonly CodecName[]): AgreedCodec | undefined {
  if (section.type !== 'audio' || section.port === 0 || !kProfile.test(section.protocol)) return undefined;
  for (const format of section.formats) {
    const payloadType = Number(format);
    const map = section.rtpMaps.get(payloadType);
    const codec = kCodecs.find(({ name }) => name === map?.encoding.toUpperCase());
    if (codec && allowed.includes(codec.name) && map?.clockRateHz === 8000)
      return { codec: codec.name, payloadType };
  }
  return undefined;
}

function agree({
  section,
  codec,
  choice,
}: Taken): Pick<Extract<Negotiated, { kind: 'agreed' }>, 'remote' | 'held' | 'current'> | undefined {
  const { protection, ice, tag } = choice;
  if (!ice && (!section.address || isIP(section.address) === 0)) return undefined;
  const offeredEvent = section.formats.find((format) => isTelephoneEvent(section, Number(format)));
  // c=0.0.0.0 is how RFC 2543 put a call on hold; with ICE the address says nothing.
  const onHold = !ice && (section.address === '0.0.0.0' || section.address === '::');
  const peerListens = section.direction === 'sendrecv' || section.direction === 'recvonly';
  const peerSends = section.direction === 'sendrecv' || section.direction === 'sendonly';
  const remote: MediaRemote = {
    address: section.address ?? '',
    port: section.port,
    rtcpPort: section.rtcpPort ?? section.port + 1,
    ...codec,
    eventPayloadType: offeredEvent === undefined ? null : Number(offeredEvent),
    ptimeMs: kPtimesMs.includes(section.ptimeMs ?? 0) ? (section.ptimeMs ?? kUsualPtimeMs) : kUsualPtimeMs,
    sending: peerListens && !onHold,
    receiving: peerSends && !onHold,
    link: { protection, rtcpMux: section.rtcpMux, ice, learnFrom: null },
  };
  return {
    remote,
    held: !(remote.sending && remote.receiving),
    current: { profile: section.protocol, protection, tag },
  };
}

function isTelephoneEvent(section: MediaDescription, payloadType: number): boolean {
  const map = section.rtpMaps.get(payloadType);
  return map?.encoding.toLowerCase() === 'telephone-event' && map.clockRateHz === 8000;
}

function header(local: LocalMedia, attributes: readonly string[]): string {
  return lines([
    'v=0',
    `o=hushpay ${local.sessionId} ${local.version} IN ${familyOf(local)} ${local.address}`,
    's=-',
    `c=IN ${familyOf(local)} ${local.address}`,
    't=0 0',
    ...attributes,
  ]);
}

function answerSection(local: LocalMedia, { section, choice }: Taken, remote: MediaRemote): string {
  const extra = [
    ...(section.mid === undefined ? [] : [`a=mid:${section.mid}`]),
    ...choice.lines,
    ...(section.rtcpMux ? ['a=rtcp-mux'] : []),
    ...(choice.ice ? [candidateOf(local)] : []),
  ];
  return audioSection(local, section.protocol, [remote], kReversed[section.direction], extra);
}

function refusedSection({ type, protocol, formats, mid }: MediaDescription): string {
  return lines([
    `m=${type} 0 ${protocol} ${formats.join(' ')}`,
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
  ]);
}

/** Our only candidate: where we are (RFC 8839 section 5.1). */
function candidateOf({ address, port }: LocalMedia): string {
  return `a=candidate:1 1 udp ${kHostPriority} ${address} ${port} typ host`;
}

function audioSection(
  local: LocalMedia,
  profile: string,
  codecs: readonly Pick<MediaRemote, 'codec' | 'payloadType' | 'eventPayloadType' | 'ptimeMs'>[],
  direction: Direction,
  extra: readonly string[],
): string {
  const event = codecs[0]?.eventPayloadType ?? null;
  const formats = [...codecs.map((codec) => codec.payloadType), ...(event === null ? [] : [event])];
  return lines([
    `m=audio ${local.port} ${profile} ${formats.join(' ')}`,
    ...codecs.map((codec) => `a=rtpmap:${codec.payloadType} ${codec.codec}/8000`),
    ...(event === null ? [] : [`a=rtpmap:${event} telephone-event/8000`, `a=fmtp:${event} 0-15`]),
    `a=ptime:${codecs[0]?.ptimeMs ?? kUsualPtimeMs}`,
    ...extra,
    `a=${direction}`,
  ]);
}

function familyOf({ address }: LocalMedia): string {
  return isIP(address) === 6 ? 'IP6' : 'IP4';
}

function lines(each: readonly string[]): string {
  return each.map((line) => `${line}\r\n`).join('');
}
