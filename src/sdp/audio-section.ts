import { isIP } from 'node:net';
import type { MediaRemote } from '../ports/media.ts';
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
}

/** Of every codec we speak. */
export const kClockRateHz = 8000;
const kUsualPtimeMs = 20;
const kHostPriority = 2_130_706_431; // RFC 8445 section 5.1.2.1: host candidate, component 1
const kReversed: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

type Offered = Pick<MediaRemote, 'codec' | 'payloadType' | 'eventPayloadType' | 'ptimeMs'> &
  Partial<MediaRemote>;

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

/**
 * The section that takes one of the offer's.
 * @param copied - what redundant packets hold, if they are agreed on.
 */
export function answerSection(
  local: LocalMedia,
  { mid, protocol, rtcpMux, direction }: MediaDescription,
  choice: Choice,
  remote: MediaRemote,
  copied: readonly number[],
): string {
  const extra = [
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
    ...choice.lines,
    ...(rtcpMux ? ['a=rtcp-mux'] : []),
    ...(choice.ice ? [candidateOf(local)] : []),
  ];
  return audioSection(local, protocol, [remote], kReversed[direction], extra, copied);
}

/** @param extra - attributes that protect it. */
export function offerSection(
  local: LocalMedia,
  profile: string,
  codecs: readonly Offered[],
  extra: readonly string[],
): string {
  return audioSection(local, profile, codecs, 'sendrecv', extra, []);
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

function audioSection(
  local: LocalMedia,
  profile: string,
  codecs: readonly Offered[],
  direction: Direction,
  extra: readonly string[],
  copied: readonly number[],
): string {
  const first = codecs[0];
  const event = first?.eventPayloadType ?? null;
  const noise = first?.noisePayloadType ?? null;
  const redundant = first?.redundantPayloadType ?? null;
  const beside = [event, noise, redundant].filter((payloadType) => payloadType !== null);
  return lines([
    `m=audio ${local.port} ${profile} ${[...codecs.map(({ payloadType }) => payloadType), ...beside].join(' ')}`,
    ...codecs.map((codec) => `a=rtpmap:${codec.payloadType} ${codec.codec}/${kClockRateHz}`),
    ...(event === null ? [] : [`a=rtpmap:${event} telephone-event/${kClockRateHz}`, `a=fmtp:${event} 0-15`]),
    ...(noise === null ? [] : [`a=rtpmap:${noise} CN/${kClockRateHz}`]),
    ...(redundant === null
      ? []
      : [`a=rtpmap:${redundant} red/${kClockRateHz}`, `a=fmtp:${redundant} ${copied.join('/')}`]),
    `a=ptime:${first?.ptimeMs ?? kUsualPtimeMs}`,
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
