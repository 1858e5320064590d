import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  activeRmsDb,
  encodeWav,
  kLimits,
  kRateHz,
  kSilenceDb,
  peakDb,
  samplesOf,
  speechEdges,
} from './pcm.ts';
import type { Delivery, ScriptLine } from './script-lines.ts';
import { narrow, runSox, type Segment } from './telephone-band.ts';
import { kRespelled } from './texts.ts';

/** Changes whenever the same line would come out differently: then everything is rendered anew. */
const kPipelineVersion = 1;
const kVoice = 'slt';
const kTone = `-n -r ${kRateHz} -t f32 - synth 0.25 sine 440 fade h 0.03 0.25 0.08`.split(' ');

type SpokenDelivery = Exclude<Delivery, 'tone'>;

/** What the manifest says about the making. */
export const kVoiceHeader = {
  voice: 'cmu_us_slt',
  engine: 'flite',
  command: `flite -voice ${kVoice} -psdur -t TEXT -o WAV; sox -D highpass 120, rate -h ${kRateHz}; consonants, cut, trim, level: tools/prompts`,
  licence: 'text: CC0-1.0; voice: CMU Flite licence (BSD-style); see audio/LICENCE.md',
  rate: kRateHz,
} as const;

/**
 * Words spoken after the line and cut off again, so that the voice stays up as it does inside a sentence. `p` begins with a
 * closure, which makes a clean cut; the comma of a list makes a pause. `phones` are what must be found at the end.
 */
const kCarriers = {
  runsOn: { suffix: ' pounds.', phones: ['p', 'aw', 'n', 'd', 'z', 'pau'] },
  list: { suffix: ', nine.', phones: ['pau', 'n', 'ay', 'n', 'pau'] },
} as const;

/** Silence kept around the speech; short inside sentences, so that joined words run on. */
const kMargins: Readonly<Record<SpokenDelivery, { readonly leadMs: number; readonly tailMs: number }>> = {
  end: { leadMs: 15, tailMs: 60 },
  list: { leadMs: 15, tailMs: 60 },
  runsOn: { leadMs: 10, tailMs: 25 },
};
const kFadeInMs = 4;
const kFadeOutMs = 12;
const kPastCutMs = 20; // into the closure or pause after the line

/** Debian packages whose programs are not installed. */
export function missingPackages(): string[] {
  return ['flite', 'sox'].filter((program) => spawnSync(program, ['--version']).error !== undefined);
}

/** `2.2`, as flite names itself. */
export function engineVersion(): string {
  const { stdout } = spawnSync('flite', ['--version'], { encoding: 'utf8' }); // it exits with 1
  return /version: flite-(\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

/** A fingerprint of all that decides how a line sounds. */
export function recipeOf(line: ScriptLine): string {
  const parts = [kPipelineVersion, kVoice, line.delivery, spokenText(line)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Speaks a line: the same line gives the same bytes. Trimmed twice, because the first fade may silence a weak last consonant. */
export function renderLine(line: ScriptLine): Uint8Array {
  const { delivery } = line;
  const samples = delivery === 'tone' ? runSox(kTone) : trim(trim(speak(line), delivery), delivery);
  return encodeWav(level(samples));
}

function speak(line: ScriptLine): Float32Array {
  const wavPath = join(tmpdir(), `hushpay-prompt-${process.pid}.wav`);
  try {
    const args = ['-voice', kVoice, '-psdur', '-t', spokenText(line), '-o', wavPath];
    const segments = parseSegments(execFileSync('flite', args, { encoding: 'utf8' }));
    const samples = narrow(wavPath, segments);
    const cutMs = cutPointMs(line, segments);
    return cutMs === undefined ? samples : samples.subarray(0, samplesOf(cutMs));
  } finally {
    rmSync(wavPath, { force: true });
  }
}

/** `pau:0.159 f:0.285 …`: each phone with the second it ends at. */
function parseSegments(text: string): Segment[] {
  let startMs = 0;
  return [...text.matchAll(/(\S+):([\d.]+)/g)].map(([, phone = '', end]) => {
    const segment = { phone, startMs, endMs: Number(end) * 1000 };
    startMs = segment.endMs;
    return segment;
  });
}

function cutPointMs(line: ScriptLine, segments: readonly Segment[]): number | undefined {
  if (line.delivery !== 'runsOn' && line.delivery !== 'list') return undefined;
  const expected = kCarriers[line.delivery].phones;
  const tail = segments.slice(-expected.length).map((segment) => segment.phone);
  const last = segments[segments.length - expected.length - 1];
  if (tail.join() !== expected.join() || last === undefined) {
    throw new Error(
      `${line.id}: cannot find the carrier at the end of "${spokenText(line)}": ${tail.join(' ')}`,
    );
  }
  return last.endMs + (line.delivery === 'list' ? kMargins.list.tailMs : kPastCutMs);
}

function spokenText(line: ScriptLine): string {
  const text = kRespelled.reduce((spoken, [pattern, to]) => spoken.replace(pattern, to), line.text);
  if (line.delivery === 'runsOn' || line.delivery === 'list') return text + kCarriers[line.delivery].suffix;
  return /[.?]$/.test(text) ? text : `${text}.`;
}

/** Cuts silence down to the margins and fades the edges. Levels first, because silence is judged by level. */
function trim(raw: Float32Array, delivery: SpokenDelivery): Float32Array {
  const samples = level(raw);
  // 2 dB stricter than the check, so that the levelling afterwards cannot turn an edge into silence.
  const { start, end } = speechEdges(samples, kSilenceDb + 2);
  const margins = kMargins[delivery];
  const from = Math.max(0, start - samplesOf(margins.leadMs));
  const to = Math.min(samples.length, end + samplesOf(margins.tailMs));
  return fade(samples.slice(from, to));
}

function fade(samples: Float32Array): Float32Array {
  const inCount = samplesOf(kFadeInMs);
  const outCount = samplesOf(kFadeOutMs);
  return samples.map((sample, index) => {
    const in_ = Math.min(1, (index + 0.5) / inCount);
    const out = Math.min(1, (samples.length - index - 0.5) / outCount);
    return sample * in_ * out;
  });
}

/** To the RMS of {@link kLimits}, or as near as the peak allows. */
function level(samples: Float32Array): Float32Array {
  const gainDb = Math.min(kLimits.rmsDb - activeRmsDb(samples), kLimits.peakDb - 0.1 - peakDb(samples));
  const gain = 10 ** (gainDb / 20);
  return samples.map((sample) => sample * gain);
}
