import { parseSdp } from '../sdp/description.ts';
import type { G711 } from './g711.ts';

export interface OfferedAudio {
  readonly address: string;
  readonly port: number;
  readonly codec: G711;
  /** Payload type of telephone-event; null offers none. */
  readonly eventPayloadType: number | null;
  readonly ptimeMs: number;
  readonly direction: 'sendrecv' | 'sendonly' | 'inactive';
  /** `o=` version: one more with every offer of a call. */
  readonly version: number;
}

/** What a telephone offers: one codec, and telephone-event if it has it. */
export function writeOffer(audio: OfferedAudio): string {
  const { address, port, codec, eventPayloadType, ptimeMs, direction, version } = audio;
  const family = address.includes(':') ? 'IP6' : 'IP4';
  const payloadType = codec === 'PCMU' ? 0 : 8;
  const event = eventPayloadType === null ? [] : [eventPayloadType];
  return [
    'v=0',
    `o=phone 1 ${version} IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${[payloadType, ...event].join(' ')}`,
    `a=rtpmap:${payloadType} ${codec}/8000`,
    ...event.flatMap((type) => [`a=rtpmap:${type} telephone-event/8000`, `a=fmtp:${type} 0-15`]),
    `a=ptime:${ptimeMs}`,
    `a=${direction}`,
    '',
  ].join('\r\n');
}

/** Where the answer wants the audio; undefined if it takes none. */
export function remoteOf(answer: string): { address: string; port: number; rtcpPort: number } | undefined {
  const parsed = parseSdp(answer);
  const audio = parsed.kind === 'sdp' ? parsed.media.find(({ type }) => type === 'audio') : undefined;
  if (!audio?.address || audio.port === 0) return undefined;
  return { address: audio.address, port: audio.port, rtcpPort: audio.rtcpPort ?? audio.port + 1 };
}
