import { type FileHandle, open } from 'node:fs/promises';

const kHeaderSize = 44;
const kRiffRest = kHeaderSize - 8;
const kMostBytes = 0xff_ff_ff_ff - kRiffRest;

/**
 * Makes the header of a recording say how long the file is: who wrote it may have been cut off within the last second.
 * @returns milliseconds; undefined if it is no recording of ours.
 */
export async function settleLength(path: string): Promise<number | undefined> {
  const file = await open(path, 'r+');
  try {
    const header = new DataView(new ArrayBuffer(kHeaderSize));
    await file.read(header, 0, kHeaderSize, 0);
    if (header.getUint32(0) !== 0x52494646 || header.getUint32(36) !== 0x64617461) return undefined; // RIFF, data
    const bytesPerSecond = header.getUint32(28, true);
    const length = await wholeSamples(file, header.getUint16(32, true));
    if (header.getUint32(40, true) !== length) {
      header.setUint32(4, length + kRiffRest, true);
      header.setUint32(40, length, true);
      await file.write(header, 0, kHeaderSize, 0);
    }
    return bytesPerSecond > 0 ? Math.round((length * 1000) / bytesPerSecond) : undefined;
  } finally {
    await file.close();
  }
}

async function wholeSamples(file: FileHandle, sampleBytes: number): Promise<number> {
  const { size } = await file.stat();
  const length = Math.min(Math.max(size - kHeaderSize, 0), kMostBytes);
  return length - (length % Math.max(sampleBytes, 1));
}
