import { isIP } from 'node:net';
import type { CodecName, MediaRemote } from '../ports/media.ts';
import { type Direction, type MediaDescription, parseSdp } from './description.ts';

/** Our side of one leg's audio. */
export interface LocalMedia {
  readonly address: string;
  readonly port: number;
  /** `o=` session id and version (RFC 8866 section 5.2): the version goes up with every new description. */
  readonly sessionId: string;
  readonly version: number;
}

export type Negotiated =
  | { readonly kind: 'agreed'; readonly sdp: string; readonly remote: MediaRemote; readonly held: boolean }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'no_common_codec' };

const kCodecs: readonly { readonly name: CodecName; readonly payloadType: number }[] = [
  { name: 'PCMU', payloadType: 0 },
  { name: 'PCMA', payloadType: 8 },
];
const kAllCodecs: readonly CodecName[] = kCodecs.map(({ name }) => name);
const kClockRateHz = 8000; // of every codec we speak
const kOurEventPayloadType = 101; // in our own offers
const kPtimesMs = [10, 20, 30, 40, 60];
const kUsualPtimeMs = 20;
const kReversed: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/**
 * Answers an offer (RFC 3264 section 6): the first audio section with a codec we speak is taken, with the offerer's first choice;
 * every other section is refused with port 0.
 * @param allowed - codecs this peer may use.
 */
export function answerOffer(
  offer: string,
  local: LocalMedia,
  allowed: readonly CodecName[] = kAllCodecs,
): Negotiated {
  const parsed = parseSdp(offer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const taken = parsed.media.findIndex((section) => agreedCodec(section, allowed) !== undefined);
  const section = parsed.media[taken];
  if (!section) return { kind: 'no_common_codec' };
  const agreed = agree(section, allowed);
  if (!agreed) return { kind: 'malformed', problem: 'the audio section has no usable c= address' };
  const sections = parsed.media.map((each, index) =>
    index === taken
      ? audioSection(local, [agreed.remote], kReversed[section.direction], agreed.copied)
      : `m=${each.type} 0 ${each.protocol} ${each.formats.join(' ')}\r\n`,
  );
  const { remote, held } = agreed;
  return { kind: 'agreed', sdp: header(local) + sections.join(''), remote, held };
}

/** What we offer when the INVITE brought no offer (RFC 3261 section 13.2.1). */
export function makeOffer(local: LocalMedia, allowed: readonly CodecName[] = kAllCodecs): string {
  const codecs = kCodecs
    .filter(({ name }) => allowed.includes(name))
    .map((codec) => ({
      codec: codec.name,
      payloadType: codec.payloadType,
      eventPayloadType: kOurEventPayloadType,
      ptimeMs: kUsualPtimeMs,
    }));
  return header(local) + audioSection(local, codecs, 'sendrecv');
}

/** Reads the answer to {@link makeOffer}. */
export function readAnswer(answer: string, allowed: readonly CodecName[] = kAllCodecs): Negotiated {
  const parsed = parseSdp(answer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const section = parsed.media[0];
  if (!section || agreedCodec(section, allowed) === undefined) return { kind: 'no_common_codec' };
  const agreed = agree(section, allowed);
  if (!agreed) return { kind: 'malformed', problem: 'the audio section has no usable c= address' };
  return { kind: 'agreed', sdp: '', remote: agreed.remote, held: agreed.held };
}

function malformed(line: number, problem: string): Negotiated {
  return { kind: 'malformed', problem: `SDP line ${line}: ${problem}` };
}

interface AgreedCodec {
  readonly codec: CodecName;
  readonly payloadType: number;
}

/** The offerer's first format that we speak and allow. Port 0 means the section is refused or withdrawn. */
function agreedCodec(section: MediaDescription, allowed: readonly CodecName[]): AgreedCodec | undefined {
  if (section.type !== 'audio' || section.port === 0 || !/^RTP\/AVPF?$/.test(section.protocol))
    return undefined;
  for (const format of section.formats) {
    const payloadType = Number(format);
    const map = section.rtpMaps.get(payloadType);
    const codec = kCodecs.find(({ name }) => name === map?.encoding.toUpperCase());
    if (codec && allowed.includes(codec.name) && map?.clockRateHz === kClockRateHz)
      return { codec: codec.name, payloadType };
  }
  return undefined;
}

interface Agreed {
  readonly remote: MediaRemote;
  readonly held: boolean;
  /** Payload types that may come again in redundant packets, if those are agreed on. */
  readonly copied: readonly number[];
}

function agree(section: MediaDescription, allowed: readonly CodecName[]): Agreed | undefined {
  const codec = agreedCodec(section, allowed);
  if (!codec || !section.address || isIP(section.address) === 0) return undefined;
  // RFC 4733 section 2.1, and RFC 3389 and 2198 after it: events, noise and copies run on the clock of the audio.
  const eventPayloadType = formatOf(section, 'telephone-event', kClockRateHz);
  const noisePayloadType = formatOf(section, 'CN', kClockRateHz);
  const redundantPayloadType = formatOf(section, 'red', kClockRateHz);
  const known = [codec.payloadType, eventPayloadType, noisePayloadType];
  const copied = copiedBy(section, redundantPayloadType);
  const isReadable = copied?.every((payloadType) => known.includes(payloadType)) ?? false;
  // c=0.0.0.0 is how RFC 2543 put a call on hold.
  const onHold = section.address === '0.0.0.0' || section.address === '::';
  const peerListens = section.direction === 'sendrecv' || section.direction === 'recvonly';
  const peerSends = section.direction === 'sendrecv' || section.direction === 'sendonly';
  const remote: MediaRemote = {
    address: section.address,
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
  };
  return { remote, held: !(remote.sending && remote.receiving), copied: copied ?? [] };
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

function header(local: LocalMedia): string {
  const family = isIP(local.address) === 6 ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=hushpay ${local.sessionId} ${local.version} IN ${family} ${local.address}`,
    's=-',
    `c=IN ${family} ${local.address}`,
    't=0 0',
    '',
  ].join('\r\n');
}

type Offered = Pick<MediaRemote, 'codec' | 'payloadType' | 'eventPayloadType' | 'ptimeMs'> &
  Partial<MediaRemote>;

/** @param copied - what redundant packets hold, if the first codec has them. */
function audioSection(
  local: LocalMedia,
  codecs: readonly Offered[],
  direction: Direction,
  copied: readonly number[] = [],
): string {
  const first = codecs[0];
  const event = first?.eventPayloadType ?? null;
  const noise = first?.noisePayloadType ?? null;
  const redundant = first?.redundantPayloadType ?? null;
  const beside = [event, noise, redundant].filter((payloadType) => payloadType !== null);
  return [
    `m=audio ${local.port} RTP/AVP ${[...codecs.map(({ payloadType }) => payloadType), ...beside].join(' ')}`,
    ...codecs.map((codec) => `a=rtpmap:${codec.payloadType} ${codec.codec}/${kClockRateHz}`),
    ...(event === null ? [] : [`a=rtpmap:${event} telephone-event/${kClockRateHz}`, `a=fmtp:${event} 0-15`]),
    ...(noise === null ? [] : [`a=rtpmap:${noise} CN/${kClockRateHz}`]),
    ...(redundant === null
      ? []
      : [`a=rtpmap:${redundant} red/${kClockRateHz}`, `a=fmtp:${redundant} ${copied.join('/')}`]),
    `a=ptime:${first?.ptimeMs ?? kUsualPtimeMs}`,
    `a=${direction}`,
    '',
  ].join('\r\n');
}
