import type { Key } from '../ports/media.ts';

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
  /** performance.now() at arrival; 0 on a packet that is to be sent. */
  readonly atMs: number;
}

/** One report of RFC 4733 section 2.3, volume -10 dBm0. */
export function eventPayload(key: Key, end: boolean, durationTs: number): Uint8Array {
  const payload = new Uint8Array([key, (end ? 0x80 : 0) | 10, 0, 0]);
  new DataView(payload.buffer).setUint16(2, durationTs & 0xffff);
  return payload;
}

export function encodeRtp(packet: Omit<RtpPacket, 'atMs'>): Uint8Array {
  const datagram = new Uint8Array(12 + packet.payload.length);
  const view = new DataView(datagram.buffer);
  view.setUint8(0, 0x80);
  view.setUint8(1, (packet.marker ? 0x80 : 0) | packet.payloadType);
  view.setUint16(2, packet.sequence);
  view.setUint32(4, packet.timestamp);
  view.setUint32(8, packet.ssrc);
  datagram.set(packet.payload, 12);
  return datagram;
}

export function decodeRtp(data: Uint8Array, atMs: number): RtpPacket | undefined {
  if (data.length < 12 || ((data[0] ?? 0) & 0xf0) !== 0x80) return undefined; // ours has neither extension nor padding
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return {
    payloadType: view.getUint8(1) & 0x7f,
    marker: (view.getUint8(1) & 0x80) !== 0,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: Uint8Array.from(data.subarray(12)),
    atMs,
  };
}
