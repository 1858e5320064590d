import { isIP } from 'node:net';
import type { CodecName, CodecOrder, MediaRemote } from '../ports/media.ts';
import { type CodecFacts, chooseFormat, type Format, formatsToOffer, opusWishes, ptimeOf } from './codecs.ts';
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

/** What a peer may speak, in our order of preference, and whether that order decides. */
export interface CodecRules {
  readonly codecs: readonly CodecName[];
  readonly order: CodecOrder;
}

const kUsualRules: CodecRules = { codecs: ['PCMU', 'PCMA'], order: 'peer' };
const kUsualEventClockHz = 8000;
const kUsualPtimeMs = 20;
const kReversed: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/**
 * Answers an offer (RFC 3264 section 6): the first audio section with a codec we speak is taken, every other section is refused with
 * port 0.
 */
export function answerOffer(offer: string, local: LocalMedia, rules: CodecRules = kUsualRules): Negotiated {
  const parsed = parseSdp(offer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const taken = parsed.media.findIndex((section) => formatOfAudio(section, rules) !== undefined);
  const section = parsed.media[taken];
  const format = section && formatOfAudio(section, rules);
  if (!format) return { kind: 'no_common_codec' };
  const agreed = agree(section, format);
  if (!agreed) return { kind: 'malformed', problem: 'the audio section has no usable c= address' };
  const { remote, held, copied } = agreed;
  const sections = parsed.media.map((each, index) =>
    index === taken
      ? audioSection(local, {
          formats: [format],
          beside: besideLines(format, remote, copied),
          ptimeMs: remote.ptimeMs,
          direction: kReversed[section.direction],
        })
      : `m=${each.type} 0 ${each.protocol} ${each.formats.join(' ')}\r\n`,
  );
  return { kind: 'agreed', sdp: header(local) + sections.join(''), remote, held };
}

/**
 * What we offer when an INVITE brought no offer (RFC 3261 section 13.2.1).
 * @param agreed - what holds already, within a call.
 */
export function makeOffer(
  local: LocalMedia,
  rules: CodecRules = kUsualRules,
  agreed?: MediaRemote | undefined,
): string {
  const { formats, events } = formatsToOffer(rules.codecs, agreed);
  const beside = [...events].map(([clockRateHz, payloadType]) => eventLines(payloadType, clockRateHz));
  const parts = { formats, beside, ptimeMs: kUsualPtimeMs, direction: 'sendrecv' } as const;
  return header(local) + audioSection(local, parts);
}

/** Reads the answer to {@link makeOffer}. @param agreed - what held when the offer was made. */
export function readAnswer(
  answer: string,
  rules: CodecRules = kUsualRules,
  agreedBefore?: MediaRemote | undefined,
): Negotiated {
  const parsed = parseSdp(answer);
  if (parsed.kind === 'malformed') return malformed(parsed.line, parsed.problem);
  const section = parsed.media[0];
  const format = section && formatOfAudio(section, { ...rules, order: 'peer' });
  if (!format) return { kind: 'no_common_codec' };
  const agreed = agree(section, format);
  if (!agreed) return { kind: 'malformed', problem: 'the audio section has no usable c= address' };
  const { formats } = formatsToOffer(rules.codecs, agreedBefore);
  const offered = formats.find(({ codec }) => codec === format.codec) ?? format;
  const remote = { ...agreed.remote, receivedPayloadType: offered.payloadType };
  return { kind: 'agreed', sdp: '', remote, held: agreed.held };
}

function malformed(line: number, problem: string): Negotiated {
  return { kind: 'malformed', problem: `SDP line ${line}: ${problem}` };
}

/** Port 0 means the section is refused or withdrawn. */
function formatOfAudio(section: MediaDescription, rules: CodecRules): Format | undefined {
  if (section.type !== 'audio' || section.port === 0 || !/^RTP\/AVPF?$/.test(section.protocol))
    return undefined;
  return chooseFormat(section, rules.codecs, rules.order);
}

interface Agreed {
  readonly remote: MediaRemote;
  readonly held: boolean;
  /** Payload types that may come again in redundant packets, if those are agreed on. */
  readonly copied: readonly number[];
}

function agree(section: MediaDescription, format: Format): Agreed | undefined {
  if (!section.address || isIP(section.address) === 0) return undefined;
  const { clockRateHz } = format.codec;
  // RFC 4733 section 2.1, and RFC 3389 and 2198 after it: events, noise and copies run on the clock of the audio.
  const event = eventOf(section, clockRateHz);
  const noisePayloadType = formatOf(section, 'CN', clockRateHz);
  const redundantPayloadType = formatOf(section, 'red', clockRateHz);
  const known = [format.payloadType, event?.payloadType, noisePayloadType];
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
  };
  return { remote, held: !(remote.sending && remote.receiving), copied: copied ?? [] };
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

/** A payload type beside the codec's, and the lines that say what it is. */
interface Beside {
  readonly payloadType: number;
  readonly lines: readonly string[];
}

function eventLines(payloadType: number, clockRateHz: number): Beside {
  const lines = [`a=rtpmap:${payloadType} telephone-event/${clockRateHz}`, `a=fmtp:${payloadType} 0-15`];
  return { payloadType, lines };
}

/** @param copied - what redundant packets hold, if they are agreed on. */
function besideLines({ codec }: Format, remote: MediaRemote, copied: readonly number[]): Beside[] {
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
  readonly formats: readonly Format[];
  readonly beside: readonly Beside[];
  readonly ptimeMs: number;
  readonly direction: Direction;
}

function audioSection(local: LocalMedia, { formats, beside, ptimeMs, direction }: AudioSection): string {
  const types = [...formats, ...beside].map(({ payloadType }) => payloadType);
  return [
    `m=audio ${local.port} RTP/AVP ${types.join(' ')}`,
    ...formats.flatMap(codecLines),
    ...beside.flatMap(({ lines }) => lines),
    `a=ptime:${ptimeMs}`,
    `a=${direction}`,
    '',
  ].join('\r\n');
}

function codecLines({ codec, payloadType }: Format): string[] {
  const map = `a=rtpmap:${payloadType} ${codec.encoding}/${codec.clockRateHz}${channelsOf(codec)}`;
  return codec.parameters === undefined ? [map] : [map, `a=fmtp:${payloadType} ${codec.parameters}`];
}

function channelsOf({ channels }: CodecFacts): string {
  return channels === 1 ? '' : `/${channels}`;
}
