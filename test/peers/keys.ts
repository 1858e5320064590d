import { encodeG711, type G711 } from '../../src/phone/g711.ts';
import { encodeRtp, eventPayload } from '../../src/phone/rtp-packet.ts';
import { dtmfTone } from '../../src/phone/tones.ts';
import type { Key } from '../../src/ports/media.ts';
import { capture, type Datagram } from './pcap.ts';

const kSymbols = '0123456789*#ABCD';
const kKeyMs = 100;
const kGapMs = 80;
const kFrameMs = 20;
const kTsPerMs = 8;
const kEndReports = 3; // RFC 4733 section 2.5.1.4
/** As our captures carry it. */
export const kEventPayloadType = 101;
const kFullVolumeDbm0 = -10;

/** How long pressing them takes. */
export function durationMs(keys: string): number {
  return keys.length * (kKeyMs + kGapMs);
}

/**
 * Telephone-events of the keys as a capture. A stream of its own: sequence, timestamp and SSRC begin anew with each.
 * @param stream - tells one capture of a call from the next.
 */
export function eventCapture(keys: string, stream: number): Buffer {
  let sequence = 1;
  const datagrams = [...keys].flatMap((symbol, index) => {
    const startMs = index * (kKeyMs + kGapMs);
    const reports = kKeyMs / kFrameMs + kEndReports - 1;
    return Array.from({ length: reports }, (_, report): Datagram => {
      const heldMs = Math.min((report + 1) * kFrameMs, kKeyMs);
      const payload = eventPayload(keyOf(symbol), heldMs === kKeyMs, heldMs * kTsPerMs);
      const packet = {
        payloadType: kEventPayloadType,
        marker: report === 0,
        sequence: sequence++,
        timestamp: startMs * kTsPerMs,
        ssrc: 0x5150_0000 + stream,
        payload,
      };
      return { atMs: startMs + (report + 1) * kFrameMs, payload: encodeRtp(packet) };
    });
  });
  return capture(datagrams);
}

/** The keys as tones, silence after each, linear at 8000 Hz. */
export function tones(keys: string): Int16Array {
  const samples = new Int16Array(durationMs(keys) * kTsPerMs);
  [...keys].forEach((symbol, index) => {
    const tone = dtmfTone(keyOf(symbol), { durationMs: kKeyMs, levelDbm0: kFullVolumeDbm0 });
    samples.set(tone, index * (kKeyMs + kGapMs) * kTsPerMs);
  });
  return samples;
}

/** The keys as tones, as SIPp's `rtp_stream` reads them: bare samples. */
export function encodedTones(keys: string, codec: G711): Uint8Array {
  return encodeG711(codec, tones(keys));
}

function keyOf(symbol: string): Key {
  const code = kSymbols.indexOf(symbol);
  if (code < 0) throw new Error('no such key');
  return code as Key;
}
