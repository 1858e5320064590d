import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locale } from '../../src/ports/prompts.ts';
import { kManifestSchema, type Manifest, type ManifestEntry } from '../../src/prompt/manifest.ts';
import { requiredFragments } from '../../src/prompt/words.ts';
import { decodeWav, kLimits, kRateHz, type Measure, measure } from './pcm.ts';
import { type ScriptLine, scriptOf } from './script-lines.ts';
import { kVoiceHeader, recipeOf } from './voice.ts';

/** Something wrong with a set of recordings. */
export interface Defect {
  readonly path: string;
  readonly value: string;
  readonly expected: string;
  readonly remedy: string;
}

const kRender = 'npm run prompts:render';
const kRerecord = 'record it again, or npm run prompts:render -- --all';

/** Compares the recordings of one locale with its manifest, its script and the limits. */
export function verifyPack(dir: string, locale: Locale): Defect[] {
  const path = join(dir, 'manifest.json');
  const manifest = readManifest(path);
  if (typeof manifest === 'string') {
    return [{ path, value: manifest, expected: 'a manifest', remedy: kRender }];
  }
  return [
    ...headerDefects(path, manifest, locale),
    ...inventoryDefects(dir, path, manifest),
    ...manifest.entries.flatMap((entry) => fileDefects(join(dir, entry.file), entry)),
    ...scriptDefects(path, manifest, scriptOf(locale)),
  ];
}

/** @returns the manifest, or why it cannot be read. */
function readManifest(path: string): Manifest | string {
  try {
    return kManifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function headerDefects(path: string, { header }: Manifest, locale: Locale): Defect[] {
  return [
    ...(header.locale === locale
      ? []
      : [{ path, value: `locale ${header.locale}`, expected: locale, remedy: kRender }]),
    ...(header.rate === kRateHz
      ? []
      : [{ path, value: `rate ${header.rate}`, expected: `${kRateHz}`, remedy: kRender }]),
  ];
}

/** Ids that code can ask for, files nobody lists. */
function inventoryDefects(dir: string, path: string, { entries }: Manifest): Defect[] {
  const ids = new Set(entries.map((entry) => entry.id));
  const files = new Set(entries.map((entry) => entry.file));
  const missing = requiredFragments().filter((id) => !ids.has(id));
  const orphans = readdirSync(dir).filter((file) => file !== 'manifest.json' && !files.has(file));
  return [
    ...missing.map((id) => ({ path, value: `no entry ${id}`, expected: 'an entry', remedy: kRender })),
    ...(ids.size === entries.length
      ? []
      : [{ path, value: 'an id is listed twice', expected: 'each id once', remedy: kRender }]),
    ...orphans.map((file) => ({
      path: join(dir, file),
      value: 'in no manifest entry',
      expected: 'no such file',
      remedy: `delete it, or ${kRender}`,
    })),
  ];
}

/** The text of each entry against what the script says now; for our own voice its recipe too. */
function scriptDefects(path: string, manifest: Manifest, script: readonly ScriptLine[]): Defect[] {
  const lines = new Map(script.map((line) => [line.id, line]));
  const isOurVoice = manifest.header.voice === kVoiceHeader.voice;
  return manifest.entries.flatMap((entry) => {
    const line = lines.get(entry.id);
    if (line === undefined) {
      return [{ path, value: `entry ${entry.id}`, expected: 'an id of the script', remedy: kRender }];
    }
    if (line.text !== entry.text) {
      return [
        { path, value: `${entry.id} says "${entry.text}"`, expected: `"${line.text}"`, remedy: kRender },
      ];
    }
    return isOurVoice && entry.recipe !== recipeOf(line)
      ? [{ path, value: `${entry.id} was made another way`, expected: recipeOf(line), remedy: kRender }]
      : [];
  });
}

function fileDefects(path: string, entry: ManifestEntry): Defect[] {
  if (!existsSync(path)) {
    return [{ path, value: 'no such file', expected: `the recording of ${entry.id}`, remedy: kRender }];
  }
  const bytes = readFileSync(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== entry.sha256) {
    return [{ path, value: `sha256 ${sha256}`, expected: entry.sha256, remedy: kRender }];
  }
  try {
    return measureDefects(path, entry, measure(decodeWav(bytes)));
  } catch (error) {
    const value = error instanceof Error ? error.message : String(error);
    return [{ path, value, expected: '16-bit PCM, 8000 Hz, mono', remedy: kRerecord }];
  }
}

function measureDefects(path: string, entry: ManifestEntry, found: Measure): Defect[] {
  const { peakDb, rmsDb, rmsToleranceDb, leadingSilenceMs, trailingSilenceMs, edgeDb } = kLimits;
  const duration = plausibleDurationMs(entry.text);
  const checks: [string, number, number, number][] = [
    ['duration ms', found.durationMs, duration.min, duration.max],
    ['duration off the manifest ms', found.durationMs - entry.durationMs, -1, 1],
    ['peak dBFS', found.peakDb, -40, peakDb],
    ['RMS dBFS', found.rmsDb, rmsDb - rmsToleranceDb, rmsDb + rmsToleranceDb],
    ['leading silence ms', found.leadingSilenceMs, 0, leadingSilenceMs],
    ['trailing silence ms', found.trailingSilenceMs, 0, trailingSilenceMs],
    ['level of the first 2 ms dBFS', found.headDb, -Infinity, edgeDb],
    ['level of the last 2 ms dBFS', found.tailDb, -Infinity, edgeDb],
  ];
  return checks
    .filter(([, value, min, max]) => !(value >= min && value <= max))
    .map(([what, value, min, max]) => ({
      path,
      value: `${what} ${value.toFixed(1)}`,
      expected: `${min} to ${max}`,
      remedy: kRerecord,
    }));
}

/** From hasty to slow speech; letters are names of up to three syllables. */
function plausibleDurationMs(text: string): { readonly min: number; readonly max: number } {
  return { min: 30 * text.length, max: 750 + 90 * text.length };
}
