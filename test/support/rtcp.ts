/** A receiver report about `about` whose last sender report was just read. */
export function receiverReport(
  from: number,
  about: number,
  lastReport: number,
  fractionLost: number,
): Uint8Array {
  const packet = Buffer.alloc(32);
  packet.set([0x81, 201, 0, 7]);
  packet.writeUInt32BE(from, 4);
  packet.writeUInt32BE(about, 8);
  packet.writeUInt8(fractionLost, 12);
  packet.writeUInt32BE(lastReport, 24);
  return packet;
}

/** A compound packet with a BYE in it. */
export function isBye(datagram: Buffer): boolean {
  for (let at = 0; at + 4 <= datagram.length; at += 4 * (datagram.readUInt16BE(at + 2) + 1)) {
    if (datagram[at + 1] === 203) return true;
  }
  return false;
}
