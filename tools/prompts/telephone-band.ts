import { execFileSync } from 'node:child_process';
import { kRateHz, rmsDb, samplesOf } from './pcm.ts';

const kVoiceRateHz = 16_000;
const kShiftHz = 3000;
const kRampSamples = 80; // 5 ms at 16 kHz
/** Consonants with sound above the telephone's band, and how much louder they may be made to reach {@link kHissDb}. */
const kMaxLiftDb: Readonly<Record<string, number>> = { s: 0, z: 0, sh: 0, ch: 0, jh: 0, t: 0, f: 12, th: 12 };
const kHissDb = -32; // vowels of this voice are at -12 to -16

/** A phone of the voice, from and to in the recording. */
export interface Segment {
  readonly phone: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * To the telephone's band. This voice has most of its `s` above 4 kHz (13-34 dB are lost with the band, "six" becomes "ick"), so
 * the hiss of consonants is moved down by 3 kHz instead of being cut off, and `f` and `th` are lifted.
 */
export function narrow(wavPath: string, segments: readonly Segment[]): Float32Array {
  const low = runSox([wavPath, '-t', 'f32', '-', 'highpass', '120']);
  const high = runSox([wavPath, '-t', 'f32', '-', 'sinc', '4000']);
  const wide = low.slice();
  for (const { phone, startMs, endMs } of segments) {
    const maxLiftDb = kMaxLiftDb[phone];
    if (maxLiftDb === undefined) continue;
    const from = samplesOf(startMs, kVoiceRateHz);
    const to = Math.min(low.length, samplesOf(endMs, kVoiceRateHz));
    const liftAt = liftCurve(low.subarray(from, to), maxLiftDb);
    for (let at = from; at < to; at++) {
      const ramp = Math.min(1, (at - from) / kRampSamples, (to - at) / kRampSamples);
      const moved = 2 * (high[at] ?? 0) * Math.cos((2 * Math.PI * kShiftHz * at) / kVoiceRateHz);
      wide[at] = ((low[at] ?? 0) + moved * ramp) * liftAt(at - from);
    }
  }
  // Half the level: sox clips floats beyond 1, and all is levelled afterwards.
  const raw = ['-t', 'f32', '-r', String(kVoiceRateHz), '-c', '1'];
  return runSox(
    [...raw, '-', ...raw.slice(0, 2), '-', 'rate', '-h', String(kRateHz)],
    wide.map((sample) => sample / 2),
  );
}

/** Gain by sample that brings 5 ms frames below {@link kHissDb} up to it, 1 at both ends, linear between the frames. */
function liftCurve(samples: Float32Array, maxLiftDb: number): (index: number) => number {
  const gains = Array.from({ length: Math.floor(samples.length / kRampSamples) }, (_, frame) => {
    const levelDb = rmsDb(samples.subarray(frame * kRampSamples, (frame + 1) * kRampSamples));
    return 10 ** (Math.max(0, Math.min(maxLiftDb, kHissDb - levelDb)) / 20);
  });
  const gainAt = (border: number) => Math.min(gains[border - 1] ?? 1, gains[border] ?? 1);
  return (index) => {
    const border = Math.floor(index / kRampSamples);
    const weight = (index % kRampSamples) / kRampSamples;
    return gainAt(border) * (1 - weight) + gainAt(border + 1) * weight;
  };
}

/** Runs sox without dither; it must be told to write raw floats to its standard output. */
export function runSox(args: readonly string[], input?: Float32Array): Float32Array {
  const bytes = execFileSync('sox', ['-D', ...args], {
    maxBuffer: 1 << 26,
    ...(input === undefined ? {} : { input: new Uint8Array(input.buffer) }),
  });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
