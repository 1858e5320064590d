import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wavefile from 'wavefile';
import { rounded } from './figures.ts';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
const kBench = join(kRoot, 'build/native/hushpay-clamp-bench');
const kTool = join(kRoot, 'build/native/hushpay-dtmf');
const kAudio = join(kRoot, 'audio');
const kBattery = join(kRoot, '../shared/bench/dtmf');
const kMergedMs = 50; // alterations nearer to each other are one event
const kSamplesPerMs = 8;

/** What the clamp has to reach. */
const kTarget = {
  decodedPercent: 6.25, // a guess among sixteen
  residualP95Dbm0: -60,
  alteredMsPerHour: 1_000,
  longestEventMs: 60,
  delayMs: 20,
};

interface Leak {
  readonly decodedPercent: number;
  readonly residualP95Dbm0: number;
}

interface Measured {
  readonly presses: number;
  readonly conditions: Readonly<Record<string, Readonly<Record<'hushpay' | 'noLookAhead' | 'open', Leak>>>>;
  readonly cpu: { readonly armedNsPer20ms: number; readonly disarmedNsPer20ms: number };
}

/** What an eavesdropper hears of keys behind the clamp, and what the clamp costs speech in which there are none. */
export function run(): Promise<Readonly<Record<string, unknown>>> {
  for (const tool of [kBench, kTool])
    if (!existsSync(tool)) throw new Error(`${tool} is missing: sh native/build.sh test`);
  const speech = join(kAudio, 'en-GB/sum.menu.wav');
  const measured = JSON.parse(output(kBench, [speech])) as Measured;
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-clamp-'));
  try {
    process.stdout.write(tableOf(measured));
    return Promise.resolve({
      ...measured,
      prompts: speechCost(kAudio, join(folder, 'prompts')),
      battery: battery(folder),
      talkOff: talkOff(folder),
      target: kTarget,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function output(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Speech without a key: what of it comes out otherwise than it went in. */
function speechCost(from: string, to: string): Readonly<Record<string, number>> {
  const clamped = JSON.parse(output(kTool, ['clamp', 'noise', from, to])) as { cpu: { xRealtime: number } };
  const sum = { hours: 0, alteredMs: 0, events: 0, longestEventMs: 0 };
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.wav')) continue;
    const before = samplesOf(join(from, file));
    const cost = difference(before, samplesOf(join(to, file)));
    sum.hours += before.length / kSamplesPerMs / 3_600_000;
    sum.alteredMs += cost.alteredMs;
    sum.events += cost.events;
    sum.longestEventMs = Math.max(sum.longestEventMs, cost.longestEventMs);
  }
  return {
    hours: rounded(sum.hours),
    alteredMsPerHour: Math.round(sum.alteredMs / sum.hours),
    eventsPerHour: rounded(sum.events / sum.hours),
    longestEventMs: Math.round(sum.longestEventMs),
    xRealtime: clamped.cpu.xRealtime,
  };
}

function samplesOf(file: string): Int16Array {
  const wav = new wavefile.WaveFile(readFileSync(file));
  return Int16Array.from(wav.getSamples(false, Int16Array) as unknown as Int16Array);
}

function difference(before: Int16Array, after: Int16Array) {
  let [altered, events, begin, last, longest] = [0, 0, 0, Number.NEGATIVE_INFINITY, 0];
  for (const [index, sample] of before.entries()) {
    if (sample === after[index]) continue;
    altered++;
    if (index - last > kMergedMs * kSamplesPerMs) {
      events++;
      begin = index;
    }
    last = index;
    longest = Math.max(longest, last - begin);
  }
  return { alteredMs: altered / kSamplesPerMs, events, longestEventMs: longest / kSamplesPerMs };
}

/** A larger battery with a judge of its own, where it is there. */
function battery(folder: string): unknown {
  if (!existsSync(kBattery)) return 'not there';
  const made = join(folder, 'battery');
  output(process.execPath, [join(kBattery, 'generate.mjs'), '--out', made]);
  output(kTool, ['clamp', 'noise', made, join(folder, 'clamped')]);
  const judge = ['--truth', join(made, 'truth.json'), '--wav', join(folder, 'clamped')];
  return judged(output(process.execPath, [join(kBattery, 'leak.mjs'), ...judge]));
}

/** Rows of the judge: name, tones, per cent decoded, strings wholly decoded, residual p50/p95/max. */
function judged(text: string): unknown {
  const rows = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const all = rows.find(([name]) => name === 'all') ?? [];
  const conditions = rows.filter(([name]) => name !== 'all');
  const p95 = (row: readonly string[]) => Number(row.at(-1)?.split('/')[1]);
  const missed = conditions.filter(
    (row) => Number(row[2]) > kTarget.decodedPercent || p95(row) > kTarget.residualP95Dbm0,
  );
  return {
    tones: Number(all[1]),
    decodedPercent: Number(all[2]),
    cardsWhollyDecoded: conditions.reduce((sum, row) => sum + (Number(row[3]?.split('/')[0]) || 0), 0),
    conditions: conditions.length,
    missed: Object.fromEntries(
      missed.map((row) => [row[0], { decodedPercent: Number(row[2]), residualP95Dbm0: p95(row) }]),
    ),
  };
}

/** Hours of speech of other voices, if HUSHPAY_TALK_OFF names a directory of recordings. */
function talkOff(folder: string): unknown {
  const recordings = process.env['HUSHPAY_TALK_OFF'];
  return recordings === undefined ? 'not there' : speechCost(recordings, join(folder, 'talk-off'));
}

function tableOf({ conditions, cpu }: Measured): string {
  const cell = ({ decodedPercent, residualP95Dbm0 }: Leak) =>
    `${decodedPercent} %, ${residualP95Dbm0}`.padStart(16);
  const rows = Object.entries(conditions).map(
    ([name, { hushpay, noLookAhead, open }]) =>
      `${name.padEnd(28)}${cell(hushpay)}${cell(noLookAhead)}${cell(open)}${cell(kTarget)}\n`,
  );
  const head = ['decoded, p95 dBm0'.padEnd(28), 'hushpay', 'no look-ahead', 'open', 'target'];
  const title = head.map((name, index) => (index === 0 ? name : name.padStart(16))).join('');
  return `${title}\n${rows.join('')}armed ${cpu.armedNsPer20ms} ns, disarmed ${cpu.disarmedNsPer20ms} ns per 20 ms\n`;
}
