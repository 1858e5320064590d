import { isIP } from 'node:net';
import type { CodecName, MediaRemote } from '../ports/media.ts';
import { type MediaDescription, parseSdp } from './description.ts';

/** Our side of a recording session (RFC 7866): one sendonly section a stream, each with its label (RFC 4574). */
export interface RecordedStreams {
  readonly address: string;
  readonly sessionId: string;
  readonly version: number;
  readonly streams: readonly { readonly label: string; readonly port: number }[];
}

const kCodecs: readonly { readonly name: CodecName; readonly payloadType: number }[] = [
  { name: 'PCMA', payloadType: 8 },
  { name: 'PCMU', payloadType: 0 },
];
const kPtimeMs = 20;

export function recordingOffer({ address, sessionId, version, streams }: RecordedStreams): string {
  const family = isIP(address) === 6 ? 'IP6' : 'IP4';
  const sections = streams.map(({ label, port }) => [
    `m=audio ${port} RTP/AVP ${kCodecs.map(({ payloadType }) => payloadType).join(' ')}`,
    ...kCodecs.map(({ name, payloadType }) => `a=rtpmap:${payloadType} ${name}/8000`),
    `a=ptime:${kPtimeMs}`,
    'a=sendonly',
    `a=label:${label}`,
  ]);
  return [
    'v=0',
    `o=hushpay ${sessionId} ${version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    ...sections.flat(),
    '',
  ].join('\r\n');
}

/**
 * What the recording server wants of each stream, in the order of the offer; undefined: not this one. It may answer, or offer anew.
 * @returns undefined if that cannot be read, or there is none it wants.
 */
export function readRecordingServer(
  sdp: string,
  count: number,
): readonly (MediaRemote | undefined)[] | undefined {
  const parsed = parseSdp(sdp);
  if (parsed.kind === 'malformed') return undefined;
  const remotes = Array.from({ length: count }, (_, index) => remoteOf(parsed.media[index]));
  return remotes.some((remote) => remote !== undefined) ? remotes : undefined;
}

function remoteOf(section: MediaDescription | undefined): MediaRemote | undefined {
  if (section?.type !== 'audio' || section.port === 0 || section.protocol !== 'RTP/AVP') return undefined;
  const codec = kCodecs.find(({ payloadType }) => section.formats.includes(String(payloadType)));
  const { address, port } = section;
  if (!codec || address === undefined || isIP(address) === 0) return undefined;
  const { name, payloadType } = codec;
  return {
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
  };
}
