import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wavefile from 'wavefile';
import { decodeG711, encodeG711 } from '../src/phone/g711.ts';
import { dtmfTone, sine, type ToneShape } from '../src/phone/tones.ts';
import type { Key } from '../src/ports/media.ts';
import { rounded } from './figures.ts';
import { isBatteryThere, judgeBattery, makeBattery, summaryTable } from './tone-battery.ts';
import { type Detections, detectWithHushpay, detectWithSpandsp, kDetector } from './tone-detectors.ts';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
const kStrings = 20; // of each condition
const kDigits = 16;
const kKeys = '0123456789*#ABCD';
const kSamplesPerMs = 8;
const kRowsHz = [941, 697, 697, 697, 770, 770, 770, 852, 852, 852];
const kColumnsHz = [1336, 1209, 1336, 1477, 1209, 1336, 1477, 1209, 1336, 1477];

/** One way the keys of a string may sound. */
interface Condition {
  readonly name: string;
  /** Must the keys be found, or must they not. */
  readonly wanted: 'all' | 'none';
  /** Per cent of the strings that should be exact; 100 unless told. */
  readonly least?: number;
  readonly levelDbm0?: number;
  readonly highOverLowDb?: number;
  /** Of both tones, in per cent. */
  readonly offFrequency?: number;
  readonly onMs?: number;
  readonly offMs?: number;
  /** White noise this far below the tones together. */
  readonly noiseDb?: number;
  readonly codec?: 'PCMU' | 'PCMA';
  /** Dial tone of 350 and 440 Hz at this level each. */
  readonly dialToneDbm0?: number;
  /** An echo so late, 20 dB down. */
  readonly echoMs?: number;
  /** Of 100 packets of 20 ms so many are lost and filled with zeros. */
  readonly lossPercent?: number;
}

// Limits of Q.24 and of RFC 4733's senders; what is refused lies beyond what Q.24 lets pass.
const kConditions: readonly Condition[] = [
  { name: 'plain', wanted: 'all' },
  { name: 'faint', wanted: 'all', levelDbm0: -25 },
  { name: 'fainter', wanted: 'all', levelDbm0: -36 },
  { name: 'short', wanted: 'all', onMs: 40, offMs: 40 },
  { name: 'highTwist', wanted: 'all', highOverLowDb: 4 },
  { name: 'lowTwist', wanted: 'all', highOverLowDb: -8 },
  { name: 'sharp', wanted: 'all', offFrequency: 1.5 },
  { name: 'flat', wanted: 'all', offFrequency: -1.5 },
  { name: 'noisy', wanted: 'all', noiseDb: 15 },
  { name: 'muLaw', wanted: 'all', codec: 'PCMU', levelDbm0: -20 },
  { name: 'aLaw', wanted: 'all', codec: 'PCMA', levelDbm0: -20 },
  { name: 'dialTone', wanted: 'all', dialToneDbm0: -10 },
  { name: 'lateEcho', wanted: 'all', onMs: 60, echoMs: 60 },
  { name: 'laterEcho', wanted: 'all', onMs: 60, echoMs: 250 },
  { name: 'loss', wanted: 'all', lossPercent: 5, least: 95 },
  { name: 'lossShort', wanted: 'all', onMs: 50, offMs: 50, lossPercent: 1, least: 90 },
  { name: 'tooSharp', wanted: 'none', offFrequency: 3.5 },
  { name: 'tooFlat', wanted: 'none', offFrequency: -3.5 },
  { name: 'tooShort', wanted: 'none', onMs: 23, offMs: 60 },
];

/** Digits found per file. */
type Found = ReadonlyMap<string, string>;

interface Detector {
  readonly found: Found;
  readonly nsPer20Ms: number;
}

/** Our detector and spandsp's over the same files: generated strings, and every recorded prompt, in which there is no key at all. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(kDetector)) throw new Error('build/native/hushpay-dtmf is missing: npm run build:native');
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-tones-'));
  try {
    const strings = generate(folder);
    const speech = copySpeech(folder);
    const hushpay = digitsByFile(detectWithHushpay(folder));
    const theirDetections = detectWithSpandsp(folder);
    const spandsp = theirDetections && digitsByFile(theirDetections);
    const ours = score(hushpay, strings, speech);
    const theirs = spandsp && score(spandsp, strings, speech);
    process.stdout.write(tableOf(ours, theirs));
    const battery = sharedBattery();
    return {
      stringsPerCondition: kStrings,
      digitsPerString: kDigits,
      speechClips: speech.length,
      hushpay: ours,
      spandsp: theirs ?? 'not there: libspandsp-dev and a C compiler are needed',
      target: targets(),
      battery: battery ?? 'not there: it is kept beside the project',
      ...(spandsp ? { cpuToSpandsp: rounded(hushpay.nsPer20Ms / spandsp.nsPer20Ms) } : {}),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The large battery, where it is. @returns its summary, ours beside spandsp's. */
function sharedBattery(): Readonly<Record<string, unknown>> | undefined {
  if (!isBatteryThere()) return undefined;
  const folder = makeBattery('public-1');
  try {
    const summary = judgeBattery(folder, [detectWithHushpay(folder), detectWithSpandsp(folder)]);
    process.stdout.write(`\nlarge battery\n${summaryTable(summary)}`);
    return Object.fromEntries(summary);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns what was keyed in each file. */
function generate(folder: string): ReadonlyMap<string, string> {
  const random = generator(1);
  const strings = new Map<string, string>();
  for (const condition of kConditions) {
    for (let index = 0; index < kStrings; index++) {
      const digits = Array.from({ length: kDigits }, () => Math.floor(random() * 10));
      const name = `${condition.name}-${index}`;
      strings.set(name, digits.map((digit) => kKeys[digit]).join(''));
      write(folder, name, soundOf(digits as Key[], condition, random));
    }
  }
  return strings;
}

function soundOf(digits: readonly Key[], condition: Condition, random: () => number): Int16Array {
  const { onMs = 100, offMs = 80, noiseDb, codec } = condition;
  const leadMs = 200;
  const sound = new Int16Array((2 * leadMs + digits.length * (onMs + offMs)) * kSamplesPerMs);
  for (const [index, digit] of digits.entries()) {
    const tone = dtmfTone(digit, shapeOf(digit, onMs, condition));
    sound.set(tone, (leadMs + index * (onMs + offMs)) * kSamplesPerMs);
  }
  if (noiseDb !== undefined) addNoise(sound, powerOf(sound, leadMs, onMs) * 10 ** (-noiseDb / 10), random);
  if (condition.dialToneDbm0 !== undefined) addDialTone(sound, condition.dialToneDbm0);
  if (condition.echoMs !== undefined) addEcho(sound, condition.echoMs * kSamplesPerMs);
  if (condition.lossPercent !== undefined) losePackets(sound, condition.lossPercent, random);
  return codec ? decodeG711(codec, encodeG711(codec, sound)) : sound;
}

function shapeOf(digit: number, durationMs: number, condition: Condition): ToneShape {
  const { levelDbm0 = -10, highOverLowDb = 0, offFrequency = 0 } = condition;
  const factor = 1 + offFrequency / 100;
  return {
    durationMs,
    levelDbm0,
    highOverLowDb,
    rowHz: (kRowsHz[digit] ?? 0) * factor,
    columnHz: (kColumnsHz[digit] ?? 0) * factor,
  };
}

function addDialTone(sound: Int16Array, levelDbm0: number): void {
  for (const hz of [350, 440]) {
    const tone = sine(hz, sound.length / kSamplesPerMs, levelDbm0);
    for (const [index, sample] of tone.entries()) sound[index] = (sound[index] ?? 0) + sample;
  }
}

function addEcho(sound: Int16Array, delay: number): void {
  const dry = sound.slice();
  for (let index = delay; index < sound.length; index++) {
    sound[index] = (dry[index] ?? 0) + Math.round((dry[index - delay] ?? 0) / 10);
  }
}

function losePackets(sound: Int16Array, percent: number, random: () => number): void {
  const packet = 20 * kSamplesPerMs;
  for (let at = 0; at < sound.length; at += packet) {
    if (100 * random() < percent) sound.fill(0, at, at + packet);
  }
}

/** Mean square of a stretch. */
function powerOf(sound: Int16Array, fromMs: number, durationMs: number): number {
  const stretch = sound.subarray(fromMs * kSamplesPerMs, (fromMs + durationMs) * kSamplesPerMs);
  return stretch.reduce((sum, sample) => sum + sample * sample, 0) / stretch.length;
}

/** White, from a sum of twelve even numbers. */
function addNoise(sound: Int16Array, power: number, random: () => number): void {
  const amplitude = Math.sqrt(power);
  for (let index = 0; index < sound.length; index++) {
    let normal = -6;
    for (let each = 0; each < 12; each++) normal += random();
    const sample = Math.round((sound[index] ?? 0) + amplitude * normal);
    sound[index] = Math.max(-32_768, Math.min(32_767, sample));
  }
}

/** The same numbers on every machine (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function write(folder: string, name: string, sound: Int16Array): void {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(1, 8000, '16', sound);
  writeFileSync(join(folder, `${name}.wav`), wav.toBuffer());
}

/** @returns names of the prompts copied. */
function copySpeech(folder: string): string[] {
  const audio = join(kRoot, 'audio');
  return readdirSync(audio, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.wav'))
    .map((file, index) => {
      const name = `speech-${index}`;
      const wav = new wavefile.WaveFile(readFileSync(join(audio, file)));
      write(folder, name, Int16Array.from(wav.getSamples(false, Int16Array) as unknown as Int16Array));
      return name;
    });
}

/** @returns per file, without its extension, the digits in the order found. */
function digitsByFile({ detections, cpu }: Detections): Detector {
  const found = new Map<string, string>();
  for (const { file, digit } of detections) {
    const name = basename(file, '.wav');
    found.set(name, (found.get(name) ?? '') + digit);
  }
  return { found, nsPer20Ms: cpu.nsPer20ms };
}

function score(
  { found, nsPer20Ms }: Detector,
  strings: ReadonlyMap<string, string>,
  speech: readonly string[],
) {
  const filesOf = (name: string) => Array.from({ length: kStrings }, (_, index) => `${name}-${index}`);
  const conditions = kConditions.map(({ name, wanted }) => {
    const files = filesOf(name);
    const value =
      wanted === 'all'
        ? {
            exactPercent:
              (100 * files.filter((file) => found.get(file) === strings.get(file)).length) / kStrings,
          }
        : { falseKeys: files.reduce((sum, file) => sum + (found.get(file)?.length ?? 0), 0) };
    return [name, value] as const;
  });
  return {
    nsPer20Ms: rounded(nsPer20Ms),
    ...Object.fromEntries(conditions),
    speech: { falseKeys: speech.reduce((sum, file) => sum + (found.get(file)?.length ?? 0), 0) },
  };
}

type Scores = ReturnType<typeof score>;

/** What the standards and hushpay itself ask for, in the shape of a score. */
function targets(): Readonly<Record<string, unknown>> {
  const conditions = kConditions.map(({ name, wanted, least = 100 }) => [
    name,
    wanted === 'all' ? { exactPercent: least } : { falseKeys: 0 },
  ]);
  return { nsPer20Ms: 5000, ...Object.fromEntries(conditions), speech: { falseKeys: 0 } };
}

/** Ours, spandsp's and the target, side by side. */
function tableOf(ours: Scores, theirs: Scores | undefined): string {
  const columns: readonly Readonly<Record<string, unknown>>[] = [ours, theirs ?? {}, targets()];
  const cell = (value: unknown) =>
    String(value !== null && typeof value === 'object' ? Object.values(value)[0] : (value ?? '-'));
  const rows = Object.keys(ours).map((name) => [name, ...columns.map((column) => cell(column[name]))]);
  const all = [['tones', 'hushpay', 'spandsp', 'target'], ...rows];
  return all
    .map(([name = '', ...cells]) => `${name.padEnd(12)}${cells.map((c) => c.padStart(10)).join('')}\n`)
    .join('');
}
