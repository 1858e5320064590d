const kRowsHz = [697, 770, 852, 941];
const kColumnsHz = [1209, 1336, 1477, 1633];
const kWindow = 80; // samples: 10 ms
const kStep = 40;
const kFullScaleDbm0 = 3.17;

/**
 * The strongest trace of a key anywhere in the audio: of every 10 ms, the weaker of its strongest row and its strongest column, in
 * dBm0. A key of ordinary level shows as about -10, silence as -99; speech may show as much as -30.
 */
export function strongestKeyDbm0(pcm: Int16Array): number {
  let strongest = -99;
  for (let start = 0; start + kWindow <= pcm.length; start += kStep) {
    const part = pcm.subarray(start, start + kWindow);
    const row = Math.max(...kRowsHz.map((hz) => levelDbm0(part, hz)));
    const column = Math.max(...kColumnsHz.map((hz) => levelDbm0(part, hz)));
    strongest = Math.max(strongest, Math.min(row, column));
  }
  return strongest;
}

/** Level of one frequency, as of a sine that lasts as long as the audio (Hann window). */
export function levelDbm0(pcm: Int16Array, hz: number): number {
  let [re, im, sum] = [0, 0, 0];
  for (const [n, sample] of pcm.entries()) {
    const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * (n + 0.5)) / pcm.length);
    const angle = (2 * Math.PI * hz * n) / 8000;
    re += weight * sample * Math.cos(angle);
    im += weight * sample * Math.sin(angle);
    sum += weight;
  }
  const peak = (2 * Math.hypot(re, im)) / sum;
  return Math.max(-99, 20 * Math.log10(peak / 32767 + 1e-9) + kFullScaleDbm0);
}

/**
 * The same of a tone that is heard on and on: of half its stretches of 50 ms it is this loud or louder. A stream that is cut shorter or made longer by a few
 * milliseconds, as a playout buffer does, has a seam; over the seam two tones of one pitch stand against each other.
 */
export function steadyLevelDbm0(pcm: Int16Array, hz: number): number {
  const stretches = Array.from({ length: Math.floor(pcm.length / 400) }, (_, n) =>
    levelDbm0(pcm.subarray(400 * n, 400 * (n + 1)), hz),
  );
  return stretches.toSorted((one, other) => other - one)[stretches.length >> 1] ?? -99;
}
