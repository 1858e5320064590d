import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A HEP3 datagram taken apart: chunks of vendor 0 by type. */
export type HepChunks = ReadonlyMap<number, Buffer>;

/** Decodes by the letter, and throws on anything that does not add up. */
export function decodeHep(datagram: Buffer): HepChunks {
  if (datagram.toString('latin1', 0, 4) !== 'HEP3') throw new Error('no HEP3');
  if (datagram.readUInt16BE(4) !== datagram.length) throw new Error('wrong total length');
  const chunks = new Map<number, Buffer>();
  for (let at = 6; at < datagram.length; ) {
    const length = datagram.readUInt16BE(at + 4);
    if (length < 6 || at + length > datagram.length) throw new Error('wrong chunk length');
    if (datagram.readUInt16BE(at) !== 0) throw new Error('unknown vendor');
    chunks.set(datagram.readUInt16BE(at + 2), datagram.subarray(at + 6, at + length));
    at += length;
  }
  return chunks;
}

export interface HepReceiver {
  readonly port: number;
  readonly datagrams: Buffer[];
  close(): void;
}

/** A capture server that keeps what it gets. */
export async function openHepReceiver(): Promise<HepReceiver> {
  const socket = createSocket('udp4');
  const datagrams: Buffer[] = [];
  socket.on('message', (datagram) => datagrams.push(datagram));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, datagrams, close: () => socket.close() };
}
