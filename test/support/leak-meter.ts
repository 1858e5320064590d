import type { Key } from '../../src/ports/media.ts';

const kRowsHz = [697, 770, 852, 941];
const kColumnsHz = [1209, 1336, 1477, 1633];
const kKeypad: readonly Key[] = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15];
const kPieces = [24, 40, 80, 160, 240]; // samples: 3 to 30 ms
const kStep = 8;
const kMinRms = 32; // -54 dBm0: what is fainter is no piece to try

/** What two tones are to a piece of so many samples: their products with each other, about its middle. */
interface Pair {
  readonly key: Key;
  readonly row: number;
  readonly column: number;
  /** By cosines and by sines, which are orthogonal to each other there: [low, both, high]. */
  readonly products: readonly (readonly [number, number, number])[];
}

interface Piece {
  readonly size: number;
  /** Of each of the eight tones. */
  readonly waves: readonly { readonly cos: Float64Array; readonly sin: Float64Array }[];
  readonly pairs: readonly Pair[];
}

const kBank = kPieces.map(pieceOf);

/**
 * The best an eavesdropper can do: of all pieces of 3 to 30 ms, the one that one of the sixteen pairs of tones explains best tells the
 * key. Amplitudes, phases and the noise are unknown to him, so the likelihood of a pair is a power of what it leaves unexplained.
 * @param pcm - what he hears around one press.
 * @returns the key he would name, or undefined if nothing was loud enough to try.
 */
export function eavesdrop(pcm: Int16Array): Key | undefined {
  let best: { readonly key: Key; readonly score: number } | undefined;
  for (const piece of kBank) {
    for (let at = 0; at + piece.size <= pcm.length; at += kStep) {
      const part = pcm.subarray(at, at + piece.size);
      const energy = part.reduce((sum, sample) => sum + sample * sample, 0);
      if (energy < kMinRms * kMinRms * piece.size) continue;
      const along = piece.waves.map(({ cos, sin }) => [dot(cos, part), dot(sin, part)] as const);
      for (const pair of piece.pairs) {
        const share = explained(pair, along) / energy;
        const score = -0.5 * piece.size * Math.log(Math.max(1 - share, 1e-4));
        if (!best || score > best.score) best = { key: pair.key, score };
      }
    }
  }
  return best?.key;
}

/** Energy that two tones of any amplitude and phase explain: two fits of two, cosines and sines. */
function explained({ row, column, products }: Pair, along: readonly (readonly [number, number])[]): number {
  return products.reduce((sum, [low, both, high], part) => {
    const x = along[row]?.[part] ?? 0;
    const y = along[column]?.[part] ?? 0;
    return sum + (high * x * x - 2 * both * x * y + low * y * y) / (low * high - both * both);
  }, 0);
}

function pieceOf(size: number): Piece {
  const waves = [...kRowsHz, ...kColumnsHz].map((hz) => {
    const angle = (n: number) => (2 * Math.PI * hz * (n - (size - 1) / 2)) / 8000;
    return {
      cos: Float64Array.from({ length: size }, (_, n) => Math.cos(angle(n))),
      sin: Float64Array.from({ length: size }, (_, n) => Math.sin(angle(n))),
    };
  });
  const pairs = kKeypad.map((key, index): Pair => {
    const [row, column] = [index >> 2, 4 + (index & 3)];
    const products = (['cos', 'sin'] as const).map((part) => {
      const [low, high] = [waves[row]?.[part], waves[column]?.[part]];
      if (!low || !high) throw new RangeError(`no tones of key ${index}`);
      return [dot(low, low), dot(low, high), dot(high, high)] as const;
    });
    return { key, row, column, products };
  });
  return { size, waves, pairs };
}

function dot(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let n = 0; n < one.length; n++) sum += (one[n] ?? 0) * (other[n] ?? 0);
  return sum;
}

/** Where in `heard` a sound is most like `sound`: samples from the beginning. */
export function placeOf(sound: Int16Array, heard: Int16Array): number {
  let best = { at: 0, likeness: -1 };
  for (let at = 0; at + sound.length <= heard.length; at++) {
    let [product, energy] = [0, 1];
    for (let n = 0; n < sound.length; n += 1) {
      const sample = heard[at + n] ?? 0;
      product += sample * (sound[n] ?? 0);
      energy += sample * sample;
    }
    const likeness = product / Math.sqrt(energy);
    if (likeness > best.likeness) best = { at, likeness };
  }
  return best.at;
}
