import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const kMagicCookie = 0x2112a442;
const kFingerprintXor = 0x5354554e;

export interface StunUsers {
  readonly localUser: string;
  readonly localPassword: string;
  readonly remoteUser: string;
}

/** A connectivity check of a full ICE agent that controls and has chosen this pair (RFC 8445 section 7.2.2). */
export function stunCheck({ localUser, localPassword, remoteUser }: StunUsers): Uint8Array {
  const attributes = [
    attribute(0x0006, Buffer.from(`${localUser}:${remoteUser}`)),
    attribute(0x0024, Buffer.from([0x7e, 0, 0, 0xff])), // PRIORITY
    attribute(0x802a, randomBytes(8)), // ICE-CONTROLLING
    attribute(0x0025, Buffer.alloc(0)), // USE-CANDIDATE
  ];
  const header = Buffer.alloc(20);
  header.writeUInt16BE(0x0001, 0);
  header.writeUInt32BE(kMagicCookie, 4);
  randomBytes(12).copy(header, 8);
  const body = Buffer.concat(attributes);
  header.writeUInt16BE(body.length + 24, 2); // as if the integrity were the last attribute
  const tag = createHmac('sha1', localPassword)
    .update(Buffer.concat([header, body]))
    .digest();
  const signed = Buffer.concat([header, body, attribute(0x0008, tag)]);
  signed.writeUInt16BE(signed.length - 20 + 8, 2);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((crc32(signed) ^ kFingerprintXor) >>> 0);
  return Buffer.concat([signed, attribute(0x8028, sum)]);
}

/** Padded to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
