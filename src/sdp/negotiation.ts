import { isIP } from 'node:net';
import type { CodecName, MediaRemote } from '../ports/media.ts';
import {
  answerSection,
  candidateOf,
  header,
  kClockRateHz,
  type LocalMedia,
  offerSection,
  refusedSection,
} from './audio-section.ts';
import { type MediaDescription, parseSdp } from './description.ts';
import {
  type Choice,
  chooseProtection,
  type LocalProtection,
  type Offering,
  offerLines,
  offerProtection,
  readProtection,
} from './protection.ts';

export type { LocalMedia } from './audio-section.ts';

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
  const outcome = agree(taken);
  if (!outcome) return kNoAddress;
  const { copied, ...agreed } = outcome;
  const sections = parsed.media.map((each) =>
    each === taken.section
      ? answerSection(local, each, taken.choice, agreed.remote, copied)
      : refusedSection(each),
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
  return header(local, session) + offerSection(local, offering.profile, codecs, extra);
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
  const outcome = agree({ section, codec, choice });
  if (!outcome) return kNoAddress;
  const { copied: _, ...agreed } = outcome;
  return { kind: 'agreed', sdp: '', ...agreed };
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
    if (codec && allowed.includes(codec.name) && map?.clockRateHz === kClockRateHz)
      return { codec: codec.name, payloadType };
  }
  return undefined;
}

interface Agreed extends Pick<Extract<Negotiated, { kind: 'agreed' }>, 'remote' | 'held' | 'current'> {
  /** Payload types that may come again in redundant packets, if those are agreed on. */
  readonly copied: readonly number[];
}

function agree({ section, codec, choice }: Taken): Agreed | undefined {
  const { protection, ice, tag } = choice;
  if (!ice && (!section.address || isIP(section.address) === 0)) return undefined;
  // RFC 4733 section 2.1, and RFC 3389 and 2198 after it: events, noise and copies run on the clock of the audio.
  const eventPayloadType = formatOf(section, 'telephone-event', kClockRateHz);
  const noisePayloadType = formatOf(section, 'CN', kClockRateHz);
  const redundantPayloadType = formatOf(section, 'red', kClockRateHz);
  const known = [codec.payloadType, eventPayloadType, noisePayloadType];
  const copied = copiedBy(section, redundantPayloadType);
  const isReadable = copied?.every((payloadType) => known.includes(payloadType)) ?? false;
  // c=0.0.0.0 is how RFC 2543 put a call on hold; with ICE the address says nothing.
  const onHold = !ice && (section.address === '0.0.0.0' || section.address === '::');
  const peerListens = section.direction === 'sendrecv' || section.direction === 'recvonly';
  const peerSends = section.direction === 'sendrecv' || section.direction === 'sendonly';
  const remote: MediaRemote = {
    address: section.address ?? '',
    port: section.port,
    rtcpPort: section.rtcpPort ?? section.port + 1,
    ...codec,
    eventPayloadType,
    eventClockHz: kClockRateHz,
    noisePayloadType,
    redundantPayloadType: isReadable ? redundantPayloadType : null,
    ptimeMs: kPtimesMs.includes(section.ptimeMs ?? 0) ? (section.ptimeMs ?? kUsualPtimeMs) : kUsualPtimeMs,
    sending: peerListens && !onHold,
    receiving: peerSends && !onHold,
    link: { protection, rtcpMux: section.rtcpMux, ice, learnFrom: null },
  };
  return {
    remote,
    held: !(remote.sending && remote.receiving),
    current: { profile: section.protocol, protection, tag },
    copied: copied ?? [],
  };
}

/** The offerer's first format of this encoding at this clock rate. */
function formatOf(section: MediaDescription, encoding: string, clockRateHz: number): number | null {
  const format = section.formats.find((each) => {
    const map = section.rtpMaps.get(Number(each));
    return map?.encoding.toLowerCase() === encoding.toLowerCase() && map.clockRateHz === clockRateHz;
  });
  return format === undefined ? null : Number(format);
}

/** The payload types of `a=fmtp:121 0/101/101` (RFC 2198 section 5). */
function copiedBy(section: MediaDescription, redundantPayloadType: number | null): number[] | undefined {
  const list = section.parameters.get(redundantPayloadType ?? -1);
  return list !== undefined && /^\d{1,3}(\/\d{1,3}){1,7}$/.test(list)
    ? list.split('/').map(Number)
    : undefined;
}
