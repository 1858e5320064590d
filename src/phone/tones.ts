import type { Key } from '../ports/media.ts';

const kRowsHz = [697, 770, 852, 941] as const;
const kColumnsHz = [1209, 1336, 1477, 1633] as const;
const kKeypad: readonly (readonly Key[])[] = [
  [1, 2, 3, 12],
  [4, 5, 6, 13],
  [7, 8, 9, 14],
  [10, 0, 11, 15],
];
const kFullScaleDbm0 = 3.17; // a sine that just fills 16 bits after mu-law (G.711)

export interface ToneShape {
  /** Level of each tone. */
  readonly levelDbm0?: number;
  readonly durationMs?: number;
  readonly rowHz?: number;
  readonly columnHz?: number;
  /** Level of the high tone over the low one. */
  readonly highOverLowDb?: number;
}

/** The two tones of a key, 16-bit at 8000 Hz. */
export function dtmfTone(key: Key, shape: ToneShape = {}): Int16Array {
  const { levelDbm0 = -10, durationMs = 100, highOverLowDb = 0 } = shape;
  const row = kKeypad.findIndex((keys) => keys.includes(key));
  const column = kKeypad[row]?.indexOf(key) ?? 0;
  const low = 32767 * 10 ** ((levelDbm0 - kFullScaleDbm0) / 20);
  const high = low * 10 ** (highOverLowDb / 20);
  const rowStep = (2 * Math.PI * (shape.rowHz ?? kRowsHz[row] ?? 0)) / 8000;
  const columnStep = (2 * Math.PI * (shape.columnHz ?? kColumnsHz[column] ?? 0)) / 8000;
  return Int16Array.from({ length: durationMs * 8 }, (_, n) =>
    Math.round(low * Math.sin(rowStep * n) + high * Math.sin(columnStep * n)),
  );
}

export function sine(hz: number, durationMs: number, levelDbm0 = -10): Int16Array {
  const peak = 32767 * 10 ** ((levelDbm0 - kFullScaleDbm0) / 20);
  return Int16Array.from({ length: durationMs * 8 }, (_, n) =>
    Math.round(peak * Math.sin((2 * Math.PI * hz * n) / 8000)),
  );
}
