import { isIP } from 'node:net';
import type { CodecName, MediaRemote } from '../ports/media.ts';
import { type MediaDescription, parseSdp } from './description.ts';
import {
  type Choice,
  chooseProtection,
  type LocalProtection,
  offerLines,
  offerProtection,
  readProtection,
} from './protection.ts';

/** Our side of a recording session (RFC 7866): one sendonly section a stream, each with its label (RFC 4574). */
export interface RecordedStreams {
  readonly address: string;
  readonly sessionId: string;
  readonly version: number;
  readonly streams: readonly RecordedStream[];
}

export interface RecordedStream {
  readonly label: string;
  readonly port: number;
  readonly protection: LocalProtection;
}

/** Where a stream goes, and how it travels. */
export interface ServedStream {
  readonly remote: MediaRemote;
  readonly profile: string;
  readonly choice: Choice;
}

const kCodecs: readonly { readonly name: CodecName; readonly payloadType: number }[] = [
  { name: 'PCMA', payloadType: 8 },
  { name: 'PCMU', payloadType: 0 },
];
const kPtimeMs = 20;

/** @returns undefined where the encryption that is required needs keys, and the way to the server is not encrypted. */
export function recordingOffer({
  address,
  sessionId,
  version,
  streams,
}: RecordedStreams): string | undefined {
  const sections: string[] = [];
  for (const { label, port, protection } of streams) {
    const offering = offerProtection(protection);
    if (!offering) return undefined;
    sections.push(...sectionOf(label, port, offering.profile, offerLines(offering, protection)));
  }
  return described(address, sessionId, version, sections);
}

/** Our answer where the server has offered anew, and what it was taken with. */
export function recordingAnswer(
  { address, sessionId, version, streams }: RecordedStreams,
  served: readonly (ServedStream | undefined)[],
): string {
  const sections = streams.flatMap(({ label, port }, index) => {
    const { profile = 'RTP/AVP', choice } = served[index] ?? {};
    return sectionOf(label, choice ? port : 0, profile, choice?.lines ?? []);
  });
  return described(address, sessionId, version, sections);
}

function sectionOf(label: string, port: number, profile: string, lines: readonly string[]): string[] {
  return [
    `m=audio ${port} ${profile} ${kCodecs.map(({ payloadType }) => payloadType).join(' ')}`,
    ...kCodecs.map(({ name, payloadType }) => `a=rtpmap:${payloadType} ${name}/8000`),
    `a=ptime:${kPtimeMs}`,
    ...lines,
    'a=sendonly',
    `a=label:${label}`,
  ];
}

function described(address: string, sessionId: string, version: number, sections: readonly string[]): string {
  const family = isIP(address) === 6 ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=hushpay ${sessionId} ${version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    ...sections,
    '',
  ].join('\r\n');
}

/**
 * What the recording server wants of each stream, in the order of our offer; undefined: not this one.
 * @param isOffer - it offers anew; else it answers what we have offered.
 * @returns undefined if that cannot be read, or there is none it wants.
 */
export function readRecordingServer(
  sdp: string,
  locals: readonly LocalProtection[],
  isOffer: boolean,
): readonly (ServedStream | undefined)[] | undefined {
  const parsed = parseSdp(sdp);
  if (parsed.kind === 'malformed') return undefined;
  const served = locals.map((local, index) => servedBy(parsed.media[index], local, isOffer));
  return served.some((stream) => stream !== undefined) ? served : undefined;
}

function servedBy(
  section: MediaDescription | undefined,
  local: LocalProtection,
  isOffer: boolean,
): ServedStream | undefined {
  if (section?.type !== 'audio' || section.port === 0) return undefined;
  const codec = kCodecs.find(({ payloadType }) => section.formats.includes(String(payloadType)));
  const { address, port } = section;
  if (!codec || address === undefined || isIP(address) === 0) return undefined;
  const offering = isOffer ? undefined : offerProtection(local);
  const choice = offering ? readProtection(section, offering, local) : chooseProtection(section, local);
  if (!choice) return undefined;
  const { name, payloadType } = codec;
  const remote: MediaRemote = {
    address,
    port,
    rtcpPort: section.rtcpPort ?? port + 1,
    codec: name,
    payloadType,
    eventPayloadType: null,
    ignoresTones: true,
    ptimeMs: kPtimeMs,
    sending: section.direction === 'recvonly' || section.direction === 'sendrecv',
    receiving: false,
    link: { protection: choice.protection, rtcpMux: false, ice: null, learnFrom: null },
  };
  return { remote, profile: section.protocol, choice };
}
