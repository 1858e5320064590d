/** G.711 written from the tables of the recommendation, so that tests do not compare the worker's codec with itself. */
const kMuLawBias = 33; // in the 14-bit scale of G.711 table 2

/** @param sample - 16-bit linear. */
export function encodeMuLaw(sample: number): number {
  const magnitude = Math.min((sample < 0 ? ~sample : sample) >> 2, 8158) + kMuLawBias; // 14 bits
  const segment = Math.max(0, 26 - Math.clz32(magnitude));
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f);
  return ~(sample < 0 ? code | 0x80 : code) & 0xff;
}

export function decodeMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const segment = (bits >> 4) & 7;
  const magnitude = ((((bits & 0x0f) << 1) + kMuLawBias) << segment) - kMuLawBias;
  return (bits & 0x80 ? -magnitude : magnitude) * 4;
}

export function encodeALaw(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4; // the sign aside, 11 bits
  const segment = Math.max(0, 28 - Math.clz32(magnitude));
  const mantissa = magnitude >> Math.max(0, segment - 1);
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | (mantissa & 0x0f)) ^ 0x55;
}

export function decodeALaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

export type G711 = 'PCMU' | 'PCMA';

export function encodeG711(codec: G711, pcm: Int16Array): Uint8Array {
  return Uint8Array.from(pcm, codec === 'PCMU' ? encodeMuLaw : encodeALaw);
}

export function decodeG711(codec: G711, payload: Uint8Array): Int16Array {
  return Int16Array.from(payload, codec === 'PCMU' ? decodeMuLaw : decodeALaw);
}
