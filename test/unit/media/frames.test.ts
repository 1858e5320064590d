import { describe, expect, it } from 'vitest';
import { FrameReader, frameOf } from '../../../src/media/frames.ts';

const kMessages = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(700).fill(9), Uint8Array.of(4)];
const kStream = Buffer.concat(kMessages.map(frameOf));

function readInPieces(sizes: (at: number) => number): Uint8Array[] {
  const read: Uint8Array[] = [];
  const reader = new FrameReader((message) => read.push(message.slice()));
  for (let at = 0; at < kStream.length; ) {
    const size = sizes(at);
    reader.push(Uint8Array.from(kStream.subarray(at, at + size)));
    at += size;
  }
  return read;
}

describe('FrameReader', () => {
  it('finds the messages of a stream wherever it is cut', () => {
    for (let size = 1; size <= kStream.length; size++) expect(readInPieces(() => size)).toEqual(kMessages);
    for (let cut = 1; cut < kStream.length; cut++) {
      expect(readInPieces((at) => (at === 0 ? cut : kStream.length))).toEqual(kMessages);
    }
  });

  it('overwrites every byte it has handed on', () => {
    const lent: Uint8Array[] = [];
    const reader = new FrameReader((message) => lent.push(message));
    const chunks = [Uint8Array.from(kStream.subarray(0, 6)), Uint8Array.from(kStream.subarray(6))];
    for (const chunk of chunks) reader.push(chunk);
    expect(lent.map((message) => message.length)).toEqual(kMessages.map((message) => message.length));
    for (const bytes of [...lent, ...chunks]) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('overwrites them also when the listener throws', () => {
    const reader = new FrameReader(() => {
      throw new Error('listener');
    });
    const chunk = Uint8Array.from(frameOf(Uint8Array.of(7)));
    expect(() => reader.push(chunk)).toThrow('listener');
    expect([...chunk]).toEqual([0, 0, 0, 0, 0]);
  });

  it('refuses a length that cannot be true', () => {
    const reader = new FrameReader(() => {});
    expect(() => reader.push(Uint8Array.of(1, 0, 1, 0))).toThrow(RangeError);
  });
});
