import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Detections } from './tone-detectors.ts';

// Its generator and its scorer are kept beside the project, because others are judged by them too.
const kBattery = fileURLToPath(new URL('../../shared/bench/dtmf', import.meta.url));
const kLabelWidth = 38;
const kColumnWidth = 27;
const kHeading = 'summary'; // the label of the names of the detectors

/** Figures by label, a column per detector, as the scorer prints them; the first row names the detectors. */
export type Summary = ReadonlyMap<string, readonly string[]>;

/** What the detector is built to reach, by the scorer's labels. */
const kTargets: Readonly<Record<string, string>> = {
  'standard accept conditions passed': '46/46',
  'standard reject conditions passed': '13/13',
  'decoys wrongly reported': '0/960',
  'voip accept conditions passed': '26/26',
  'voip digits hit %': '99',
  'dup / sub / false': '10 in all',
  'voip 16-digit strings exact %': '92',
  'HEADLINE call/typical exact %': '100',
  'HEADLINE call/poor exact %': '95',
  'must-never files false digits': '0',
  'latency ms p50/p95/max (accept)': '38/48/60',
  'onset estimate error p5/p95': '-2/2',
  'CPU ns per 20 ms frame': '5000',
};

export function isBatteryThere(): boolean {
  return existsSync(join(kBattery, 'generate.mjs'));
}

/** Generates some 170 minutes of audio. @returns the folder they are in, the caller's to remove. */
export function makeBattery(seed: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-tone-battery-'));
  run('generate.mjs', '--out', folder, '--seed', seed);
  return folder;
}

/** @param detectors - those that could not run are left out. */
export function judgeBattery(folder: string, detectors: readonly (Detections | undefined)[]): Summary {
  const there = detectors.filter((each) => each !== undefined);
  const files = there.map((each, index) => {
    const file = join(folder, `detections-${index}.json`);
    writeFileSync(file, JSON.stringify(each));
    return file;
  });
  const det = files.flatMap((file) => ['--det', file]);
  try {
    return parse(
      run('score.mjs', '--truth', join(folder, 'truth.json'), ...det, '--by', 'summary'),
      there.length,
    );
  } finally {
    for (const file of files) rmSync(file);
  }
}

export function summaryTable(summary: Summary): string {
  return [...summary]
    .map(([label, values]) => {
      const cells = [...values, label === kHeading ? 'target' : (kTargets[label] ?? '-')];
      return `${label.padEnd(36)}${cells.map((cell) => cell.padStart(20)).join('')}\n`;
    })
    .join('');
}

function run(script: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(kBattery, script), ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}

function parse(output: string, columns: number): Summary {
  const lines = output.split('\n').filter((line) => line.length > kLabelWidth);
  return new Map(
    lines.map((line) => {
      const at = (column: number) => kLabelWidth + column * kColumnWidth;
      const values = Array.from({ length: columns }, (_, column) =>
        line.slice(at(column), at(column + 1)).trim(),
      );
      return [line.slice(0, kLabelWidth).trim(), values];
    }),
  );
}
