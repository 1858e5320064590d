import { isIPv4, isIPv6 } from 'node:net';
import type { Flow } from '../transport/flow.ts';
import { maskMessage } from './masking.ts';
import { callIdOf, type Passing } from './trace.ts';

// HEP version 3, the encapsulation protocol of Homer and other capture servers. All numbers are big-endian.
//
//   "HEP3" | total length u16 | chunk…
//   chunk: vendor u16 (0 = generic) | type u16 | length u16, these six bytes included | value

const kId = 'HEP3';
const kHeadBytes = 6;
const kMaxPayloadBytes = 60_000; // so that the whole fits a datagram

const kChunk = {
  ipFamily: 1,
  ipProtocol: 2,
  sourceIpv4: 3,
  destinationIpv4: 4,
  sourceIpv6: 5,
  destinationIpv6: 6,
  sourcePort: 7,
  destinationPort: 8,
  seconds: 9,
  microseconds: 10,
  protocol: 11,
  agentId: 12,
  password: 14,
  payload: 15,
  correlationId: 17,
} as const;

const kFamilyIpv4 = 2;
const kFamilyIpv6 = 10;
const kProtocolUdp = 17;
const kProtocolTcp = 6;
const kPayloadSip = 1;

export interface HepIdentity {
  /** 32 bits: which agent captured. */
  readonly agentId: number;
  /** What the capture server may ask for, or null. */
  readonly password: string | null;
}

/** One message as a HEP3 datagram. What it carries has been masked. */
export function encodeHep(
  { direction, flow, text, date }: Passing,
  { agentId, password }: HepIdentity,
): Buffer {
  const [source, destination] = direction === 'in' ? [flow.remote, flow.local] : [flow.local, flow.remote];
  const atMs = date.getTime();
  const callId = callIdOf(text);
  const chunks = [
    ...addressChunks(flow, source.host, destination.host),
    uint8(kChunk.ipProtocol, flow.transport === 'udp' ? kProtocolUdp : kProtocolTcp),
    uint16(kChunk.sourcePort, source.port),
    uint16(kChunk.destinationPort, destination.port),
    uint32(kChunk.seconds, Math.floor(atMs / 1000)),
    uint32(kChunk.microseconds, Math.floor((atMs % 1000) * 1000)),
    uint8(kChunk.protocol, kPayloadSip),
    uint32(kChunk.agentId, agentId),
    ...(password === null ? [] : [chunk(kChunk.password, Buffer.from(password, 'utf8'))]),
    ...(callId === undefined
      ? []
      : [chunk(kChunk.correlationId, Buffer.from(maskMessage(callId), 'latin1'))]),
    chunk(kChunk.payload, Buffer.from(maskMessage(text).slice(0, kMaxPayloadBytes), 'latin1')),
  ];
  const body = Buffer.concat(chunks);
  const head = Buffer.alloc(kHeadBytes);
  head.write(kId, 'latin1');
  head.writeUInt16BE(kHeadBytes + body.length, 4);
  return Buffer.concat([head, body]);
}

/** A wildcard listening address has the family of the far end. */
function addressChunks({ remote }: Flow, source: string, destination: string): Buffer[] {
  if (isIPv6(remote.host)) {
    return [
      uint8(kChunk.ipFamily, kFamilyIpv6),
      chunk(kChunk.sourceIpv6, ipv6Bytes(source)),
      chunk(kChunk.destinationIpv6, ipv6Bytes(destination)),
    ];
  }
  return [
    uint8(kChunk.ipFamily, kFamilyIpv4),
    chunk(kChunk.sourceIpv4, ipv4Bytes(source)),
    chunk(kChunk.destinationIpv4, ipv4Bytes(destination)),
  ];
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(isIPv4(address) ? address.split('.').map(Number) : [0, 0, 0, 0]);
}

/** RFC 4291 section 2.2, with `::` once and an IPv4 tail. */
function ipv6Bytes(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  if (!isIPv6(address)) return bytes;
  const [plain = ''] = address.split('%'); // without its zone
  const [front = '', back = ''] = plain.split('::');
  const head = words(front);
  const tail = words(back);
  head.forEach((word, index) => {
    bytes.writeUInt16BE(word, 2 * index);
  });
  tail.forEach((word, index) => {
    bytes.writeUInt16BE(word, 16 - 2 * (tail.length - index));
  });
  return bytes;
}

function words(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const octets = ipv4Bytes(group);
    return [octets.readUInt16BE(0), octets.readUInt16BE(2)];
  });
}

function chunk(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(kHeadBytes); // vendor 0
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(kHeadBytes + value.length, 4);
  return Buffer.concat([head, value]);
}

function uint8(type: number, value: number): Buffer {
  return chunk(type, Buffer.from([value]));
}

function uint16(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return chunk(type, bytes);
}

function uint32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return chunk(type, bytes);
}
