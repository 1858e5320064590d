import { isIP } from 'node:net';
import type { MediaRemote } from '../ports/media.ts';
import type { CodecFacts, Format, OfferedFormats } from './codecs.ts';
import type { Direction, MediaDescription } from './description.ts';
import type { Choice, LocalProtection } from './protection.ts';

/** Our side of one leg's audio. */
export interface LocalMedia {
  readonly address: string;
  readonly port: number;
  /** `o=` session id and version (RFC 8866 section 5.2): the version goes up with every new description. */
  readonly sessionId: string;
  readonly version: number;
  /** Absent: plain RTP only. */
  readonly protection?: LocalProtection;
  /** We hold the peer: it may hear us, and is to send nothing. */
  readonly holds?: boolean;
}

/** What was agreed on for a section. */
export interface AgreedFormat {
  readonly format: Format;
  readonly remote: MediaRemote;
  /** Payload types that may come again in redundant packets, if those are agreed on. */
  readonly copied: readonly number[];
}

const kUsualEventClockHz = 8000;
const kUsualPtimeMs = 20;
const kHostPriority = 2_130_706_431; // RFC 8445 section 5.1.2.1: host candidate, component 1
const kReversed: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/** @param attributes - of the session. */
export function header(local: LocalMedia, attributes: readonly string[]): string {
  return lines([
    'v=0',
    `o=hushpay ${local.sessionId} ${local.version} IN ${familyOf(local)} ${local.address}`,
    's=-',
    `c=IN ${familyOf(local)} ${local.address}`,
    't=0 0',
    ...attributes,
  ]);
}

/** The section that takes one of the offer's. */
export function answerSection(
  local: LocalMedia,
  { mid, protocol, rtcpMux, direction }: MediaDescription,
  choice: Choice,
  agreed: AgreedFormat,
): string {
  const extra = [
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
    ...choice.lines,
    ...(rtcpMux ? ['a=rtcp-mux'] : []),
    ...(choice.ice ? [candidateOf(local)] : []),
  ];
  return audioSection(local, {
    profile: protocol,
    formats: [agreed.format],
    beside: besideLines(agreed),
    ptimeMs: agreed.remote.ptimeMs,
    extra,
    direction: ownDirection(local, kReversed[direction]),
  });
}

/** @param extra - attributes that protect it. */
export function offerSection(
  local: LocalMedia,
  profile: string,
  { formats, events }: OfferedFormats,
  extra: readonly string[],
): string {
  const beside = [...events].map(([clockRateHz, payloadType]) => eventLines(payloadType, clockRateHz));
  const ptimeMs = kUsualPtimeMs;
  const direction = ownDirection(local, 'sendrecv');
  return audioSection(local, { profile, formats, beside, ptimeMs, extra, direction });
}

/** Who holds a peer takes nothing from it (RFC 3264 section 8.4). */
function ownDirection({ holds }: LocalMedia, direction: Direction): Direction {
  if (holds !== true) return direction;
  return direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive';
}

export function refusedSection({ type, protocol, formats, mid }: MediaDescription): string {
  return lines([
    `m=${type} 0 ${protocol} ${formats.join(' ')}`,
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
  ]);
}

/** Our only candidate: where we are (RFC 8839 section 5.1). */
export function candidateOf({ address, port }: LocalMedia): string {
  return `a=candidate:1 1 udp ${kHostPriority} ${address} ${port} typ host`;
}

/** A payload type beside the codec's, and the lines that say what it is. */
interface Beside {
  readonly payloadType: number;
  readonly lines: readonly string[];
}

function eventLines(payloadType: number, clockRateHz: number): Beside {
  const lines = [`a=rtpmap:${payloadType} telephone-event/${clockRateHz}`, `a=fmtp:${payloadType} 0-15`];
  return { payloadType, lines };
}

function besideLines({ format: { codec }, remote, copied }: AgreedFormat): Beside[] {
  const { eventPayloadType: event, noisePayloadType: noise, redundantPayloadType: redundant } = remote;
  const beside: Beside[] = [];
  if (event != null) beside.push(eventLines(event, remote.eventClockHz ?? kUsualEventClockHz));
  if (noise != null)
    beside.push({ payloadType: noise, lines: [`a=rtpmap:${noise} CN/${codec.clockRateHz}`] });
  if (redundant != null) {
    const map = `a=rtpmap:${redundant} red/${codec.clockRateHz}${channelsOf(codec)}`;
    beside.push({ payloadType: redundant, lines: [map, `a=fmtp:${redundant} ${copied.join('/')}`] });
  }
  return beside;
}

interface AudioSection {
  readonly profile: string;
  readonly formats: readonly Format[];
  readonly beside: readonly Beside[];
  readonly ptimeMs: number;
  readonly extra: readonly string[];
  readonly direction: Direction;
}

function audioSection(
  local: LocalMedia,
  { profile, formats, beside, ptimeMs, extra, direction }: AudioSection,
): string {
  const types = [...formats, ...beside].map(({ payloadType }) => payloadType);
  return lines([
    `m=audio ${local.port} ${profile} ${types.join(' ')}`,
    ...formats.flatMap(codecLines),
    ...beside.flatMap((each) => each.lines),
    `a=ptime:${ptimeMs}`,
    ...extra,
    `a=${direction}`,
  ]);
}

function codecLines({ codec, payloadType }: Format): string[] {
  const map = `a=rtpmap:${payloadType} ${codec.encoding}/${codec.clockRateHz}${channelsOf(codec)}`;
  return codec.parameters === undefined ? [map] : [map, `a=fmtp:${payloadType} ${codec.parameters}`];
}

function channelsOf({ channels }: CodecFacts): string {
  return channels === 1 ? '' : `/${channels}`;
}

function familyOf({ address }: LocalMedia): string {
  return isIP(address) === 6 ? 'IP6' : 'IP4';
}

function lines(each: readonly string[]): string {
  return each.map((line) => `${line}\r\n`).join('');
}
