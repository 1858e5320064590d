import { isIP } from 'node:net';
import type { CodecName, CodecOrder, MediaRemote } from '../ports/media.ts';
import {
  type AgreedFormat,
  answerSection,
  candidateOf,
  header,
  type LocalMedia,
  offerSection,
  refusedSection,
} from './audio-section.ts';
import { chooseFormat, type Format, formatsToOffer, opusWishes, ptimeOf } from './codecs.ts';
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

/** What a peer may speak, in our order of preference, and whether that order decides. */
export interface CodecRules {
  readonly codecs: readonly CodecName[];
  readonly order: CodecOrder;
}

/** An audio section of the peer's, and how we would take it. */
interface Taken {
  readonly section: MediaDescription;
  readonly format: Format;
  readonly choice: Choice;
}

interface Agreed extends AgreedFormat {
  readonly held: boolean;
  readonly current: NonNullable<LocalProtection['current']>;
}

const kUsualRules: CodecRules = { codecs: ['PCMU', 'PCMA'], order: 'peer' };
const kUsualEventClockHz = 8000;
const kProfile = /^(UDP\/TLS\/)?RTP\/S?AVPF?$/;
const kNoAddress: Negotiated = { kind: 'malformed', problem: 'the audio section has no usable c= address' };

/**
 * Answers an offer (RFC 3264 section 6): the first audio section with a codec we speak is taken, a protected one before a plain
 * one; every other section is refused with port 0.
 */
export function answerOffer(offer: string, local: LocalMedia, rules: CodecRules = kUsualRules): Negotiated {
  const parsed = parseSdp(offer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const audible = parsed.media.flatMap((section) => {
    const format = formatOfAudio(section, rules);
    return format ? [{ section, format }] : [];
  });
  if (audible.length === 0) return { kind: 'no_common_codec' };
  const candidates = audible.flatMap((each) => {
    const choice = chooseProtection(each.section, local.protection);
    return choice ? [{ ...each, choice }] : [];
  });
  const taken = candidates.find(({ choice }) => choice.protection.kind !== 'none') ?? candidates[0];
  if (!taken) return { kind: 'no_common_protection' };
  const agreed = agree(taken);
  if (!agreed) return kNoAddress;
  const sections = parsed.media.map((each) =>
    each === taken.section ? answerSection(local, each, taken.choice, agreed) : refusedSection(each),
  );
  const isBundled = taken.section.mid !== undefined && parsed.bundle.includes(taken.section.mid);
  const session = [
    ...(isBundled ? [`a=group:BUNDLE ${taken.section.mid}`] : []),
    ...(taken.choice.ice ? ['a=ice-lite'] : []),
  ];
  const { remote, held, current } = agreed;
  return { kind: 'agreed', sdp: header(local, session) + sections.join(''), remote, held, current };
}

/**
 * What we offer when an INVITE brought no offer (RFC 3261 section 13.2.1).
 * @param agreed - what holds already, within a call.
 * @returns undefined where the policy wants keys and nothing may carry them.
 */
export function makeOffer(
  local: LocalMedia,
  rules: CodecRules = kUsualRules,
  agreed?: MediaRemote | undefined,
): string | undefined {
  const offering = offerProtection(local.protection);
  if (!offering) return undefined;
  const extra = [
    ...offerLines(offering, local.protection),
    ...(offering.withDtls ? ['a=rtcp-mux', candidateOf(local)] : []),
  ];
  const session = offering.withDtls ? ['a=ice-lite'] : [];
  const formats = formatsToOffer(rules.codecs, agreed);
  return header(local, session) + offerSection(local, offering.profile, formats, extra);
}

/**
 * Reads the answer to {@link makeOffer}.
 * @param protection - that of the offer's `local`.
 * @param agreedBefore - what held when the offer was made.
 */
export function readAnswer(
  answer: string,
  rules: CodecRules = kUsualRules,
  protection?: LocalProtection | undefined,
  agreedBefore?: MediaRemote | undefined,
): Negotiated {
  const parsed = parseSdp(answer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const section = parsed.media[0];
  const format = section && formatOfAudio(section, { ...rules, order: 'peer' });
  if (!section || !format) return { kind: 'no_common_codec' };
  const offering: Offering | undefined = offerProtection(protection);
  const choice = offering && readProtection(section, offering, protection);
  if (!choice) return { kind: 'no_common_protection' };
  const agreed = agree({ section, format, choice });
  if (!agreed) return kNoAddress;
  const { formats, events } = formatsToOffer(rules.codecs, agreedBefore);
  const offered = formats.find(({ codec }) => codec === format.codec) ?? format;
  const { held, current } = agreed;
  const { eventPayloadType, eventClockHz } = agreed.remote;
  const offeredEvent = events.get(eventClockHz ?? kUsualEventClockHz);
  // RFC 3264 section 6.1: the peer sends by the numbers of our offer; many send by those of their answer.
  const remote = {
    ...agreed.remote,
    receivedPayloadType: offered.payloadType,
    ...(eventPayloadType !== null &&
      offeredEvent !== undefined &&
      offeredEvent !== eventPayloadType && { receivedEventPayloadType: offeredEvent }),
  };
  return { kind: 'agreed', sdp: '', remote, held, current };
}

function malformed(line: number, problem: string): Negotiated {
  return { kind: 'malformed', problem: `SDP line ${line}: ${problem}` };
}

/** Port 0 means the section is refused or withdrawn. */
function formatOfAudio(section: MediaDescription, rules: CodecRules): Format | undefined {
  if (section.type !== 'audio' || section.port === 0 || !kProfile.test(section.protocol)) return undefined;
  return chooseFormat(section, rules.codecs, rules.order);
}

function agree({ section, format, choice }: Taken): Agreed | undefined {
  const { protection, ice, tag } = choice;
  if (!ice && (!section.address || isIP(section.address) === 0)) return undefined;
  const { clockRateHz } = format.codec;
  // RFC 4733 section 2.1, and RFC 3389 and 2198 after it: events, noise and copies run on the clock of the audio.
  const event = eventOf(section, clockRateHz);
  const noisePayloadType = formatOf(section, 'CN', clockRateHz);
  const redundantPayloadType = formatOf(section, 'red', clockRateHz);
  const known = [format.payloadType, event?.payloadType, noisePayloadType];
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
    codec: format.codec.name,
    payloadType: format.payloadType,
    ...opusWishes(section, format),
    eventPayloadType: event?.payloadType ?? null,
    eventClockHz: event?.clockRateHz ?? clockRateHz,
    noisePayloadType,
    redundantPayloadType: isReadable ? redundantPayloadType : null,
    ptimeMs: ptimeOf(section, format),
    sending: peerListens && !onHold,
    receiving: peerSends && !onHold,
    link: { protection, rtcpMux: section.rtcpMux, ice, learnFrom: null },
  };
  return {
    format,
    remote,
    held: !(remote.sending && remote.receiving),
    current: { profile: section.protocol, protection, tag },
    copied: copied ?? [],
  };
}

/** Telephones that know Opus but events at 8000 Hz alone are many: better those than none. */
function eventOf(
  section: MediaDescription,
  codecClockHz: number,
): { readonly payloadType: number; readonly clockRateHz: number } | undefined {
  for (const clockRateHz of [codecClockHz, kUsualEventClockHz]) {
    const payloadType = formatOf(section, 'telephone-event', clockRateHz);
    if (payloadType !== null) return { payloadType, clockRateHz };
  }
  return undefined;
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
