/** Static payload type of PCMU (RFC 3551). */
export const kPcmuType = 0;

const kFormatMulaw = 7;
const kHeaderBytes = 44;

/** PCMU at 8000 Hz, one channel, as a WAV file. */
export function wavOfPcmu(pcmu: Uint8Array): Buffer {
  const header = Buffer.alloc(kHeaderBytes);
  header.write('RIFF', 0);
  header.writeUInt32LE(kHeaderBytes - 8 + pcmu.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(kFormatMulaw, 20);
  header.writeUInt16LE(1, 22); // channels
  header.writeUInt32LE(8000, 24); // samples a second
  header.writeUInt32LE(8000, 28); // bytes a second
  header.writeUInt16LE(1, 32); // bytes a sample
  header.writeUInt16LE(8, 34); // bits a sample
  header.write('data', 36);
  header.writeUInt32LE(pcmu.length, 40);
  return Buffer.concat([header, pcmu]);
}
