import wavefile from 'wavefile';

export const kRateHz = 8000;
const kFrameSamples = 160; // 20 ms
const kEdgeFrameSamples = 40; // 5 ms
export const kSilenceDb = -45;
const kActiveRangeDb = 25; // frames further below the loudest one are pauses, not speech
const kFloorDb = -120;

/** What a recording must be; `npm run prompts:verify` measures these, recordings by a person included. */
export const kLimits = {
  peakDb: -3,
  rmsDb: -20,
  rmsToleranceDb: 2,
  leadingSilenceMs: 30,
  trailingSilenceMs: 80,
  /** Level of the first and the last 2 ms: more is a click, or a word cut off. */
  edgeDb: -30,
} as const;

/** Levels in dB below full scale. */
export interface Measure {
  readonly durationMs: number;
  readonly peakDb: number;
  /** Of the 20 ms frames that hold speech, so that pauses between sentences do not count. */
  readonly rmsDb: number;
  readonly leadingSilenceMs: number;
  readonly trailingSilenceMs: number;
  readonly headDb: number;
  readonly tailDb: number;
}

/** @param samples - 8000 Hz mono, -1..1 */
export function measure(samples: Float32Array): Measure {
  const edges = speechEdges(samples);
  return {
    durationMs: toMs(samples.length),
    peakDb: peakDb(samples),
    rmsDb: activeRmsDb(samples),
    leadingSilenceMs: toMs(edges.start),
    trailingSilenceMs: toMs(samples.length - edges.end),
    headDb: rmsDb(samples.subarray(0, 16)),
    tailDb: rmsDb(samples.subarray(-16)),
  };
}

export function peakDb(samples: Float32Array): number {
  return toDb(samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
}

export function activeRmsDb(samples: Float32Array): number {
  const levels = frames(samples, kFrameSamples).map(rmsDb);
  const pauseDb = Math.max(kFloorDb, Math.max(...levels) - kActiveRangeDb);
  const powers = levels.filter((level) => level > pauseDb).map((level) => 10 ** (level / 10));
  if (powers.length === 0) return kFloorDb;
  return 10 * Math.log10(powers.reduce((sum, power) => sum + power, 0) / powers.length);
}

/** First and one past the last sample of the 5 ms frames that are not silence; both 0 if all is silence. */
export function speechEdges(
  samples: Float32Array,
  silenceDb = kSilenceDb,
): { readonly start: number; readonly end: number } {
  const loud = frames(samples, kEdgeFrameSamples).map((frame) => rmsDb(frame) > silenceDb);
  const first = loud.indexOf(true);
  if (first < 0) return { start: 0, end: 0 };
  return {
    start: first * kEdgeFrameSamples,
    end: Math.min(samples.length, (loud.lastIndexOf(true) + 1) * kEdgeFrameSamples),
  };
}

export function rmsDb(samples: Float32Array): number {
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
  return toDb(Math.sqrt(energy / Math.max(1, samples.length)));
}

/** A 16-bit mono WAV file. */
export function encodeWav(samples: Float32Array): Uint8Array {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(
    1,
    kRateHz,
    '16',
    Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32768)))),
  );
  return wav.toBuffer();
}

/** @throws Error if the file is anything but 8000 Hz, mono, 16-bit PCM. */
export function decodeWav(bytes: Uint8Array): Float32Array {
  const wav = new wavefile.WaveFile(bytes);
  const format = wav.fmt as {
    numChannels: number;
    sampleRate: number;
    bitsPerSample: number;
    audioFormat: number;
  };
  const found = `format ${format.audioFormat}, ${format.sampleRate} Hz, ${format.numChannels} channels, ${format.bitsPerSample} bits`;
  if (found !== `format 1, ${kRateHz} Hz, 1 channels, 16 bits`) throw new Error(found);
  return Float32Array.from(wav.getSamples(false), (sample) => sample / 32768);
}

function frames(samples: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, frame) =>
    samples.subarray(frame * size, (frame + 1) * size),
  );
}

function toDb(amplitude: number): number {
  return amplitude <= 1e-6 ? kFloorDb : 20 * Math.log10(amplitude);
}

export function samplesOf(ms: number, rateHz = kRateHz): number {
  return Math.round((ms * rateHz) / 1000);
}

function toMs(sampleCount: number): number {
  return (sampleCount * 1000) / kRateHz;
}
