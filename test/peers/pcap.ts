/** Bytes of a capture file with UDP datagrams over IPv4 over Ethernet, as SIPp's `play_pcap_audio` reads it. */

const kMagic = 0xa1b2c3d4; // microseconds
const kEthernet = 1;
const kHeaderBytes = 14 + 20 + 8;
const kProtocolUdp = 17;
const kMaxSnapLength = 65_535;

export interface Datagram {
  /** From the beginning of the capture. */
  readonly atMs: number;
  readonly payload: Uint8Array;
}

/** Addresses and ports are left empty: whoever plays the capture fills in its own. */
export function capture(datagrams: readonly Datagram[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(kMagic, 0);
  header.writeUInt16LE(2, 4); // version 2.4
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(kMaxSnapLength, 16);
  header.writeUInt32LE(kEthernet, 20);
  return Buffer.concat([header, ...datagrams.map(record)]);
}

function record({ atMs, payload }: Datagram): Buffer {
  const bytes = Buffer.alloc(16 + kHeaderBytes);
  bytes.writeUInt32LE(Math.floor(atMs / 1000), 0);
  bytes.writeUInt32LE(Math.round((atMs % 1000) * 1000), 4);
  bytes.writeUInt32LE(kHeaderBytes + payload.length, 8);
  bytes.writeUInt32LE(kHeaderBytes + payload.length, 12);
  const ip = bytes.subarray(16 + 14);
  bytes.writeUInt16BE(0x0800, 16 + 12); // IPv4
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(20 + 8 + payload.length, 2);
  ip.writeUInt8(64, 8); // time to live
  ip.writeUInt8(kProtocolUdp, 9);
  ip.writeUInt16BE(8 + payload.length, 20 + 4);
  return Buffer.concat([bytes, payload]);
}
