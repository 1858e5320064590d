import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the last run of a check came to. */
export interface Result {
  readonly check: string;
  /** The day of the run, as `2026-11-22`. */
  readonly date: string;
  /** Commit of the sources, or the version of hushpay where there is none. */
  readonly version: string;
  /** Of the machine it ran on. */
  readonly cores: number;
  /** Numbers of tests. */
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The time they took together. */
  readonly seconds: number;
  /** What the tests measured, in their words. */
  readonly figures: readonly string[];
}

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
/** Where runs leave their results, a file each, so that several may run side by side. */
export const kFreshFolder = fileURLToPath(new URL('../../build/promises', import.meta.url));
/** Where the newest of all runs are kept, with the sources. */
export const kKeptFile = fileURLToPath(new URL('../../docs/promises.json', import.meta.url));

/** What a result says of the run it comes from. */
export function originOf(): Pick<Result, 'date' | 'version' | 'cores'> {
  return {
    date: new Date().toISOString().slice(0, 10),
    version: versionOf(),
    cores: availableParallelism(),
  };
}

function versionOf(): string {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short=7', 'HEAD'], {
    cwd: kRoot,
    encoding: 'utf8',
  });
  if (status === 0) return stdout.trim();
  return (JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Forgets what earlier runs left, so that a report is of one run. */
export function forgetFresh(checks: readonly string[], folder: string): void {
  for (const check of checks) rmSync(join(folder, nameOf(check)), { force: true });
}

function nameOf(check: string): string {
  return `${createHash('sha256').update(check).digest('hex').slice(0, 16)}.json`;
}

export function keepFresh(result: Result, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, nameOf(result.check));
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(result));
  renameSync(`${file}.${process.pid}`, file);
}

export function freshResults(folder: string): Result[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Result);
}

export function keptResults(): Result[] {
  return existsSync(kKeptFile) ? (JSON.parse(readFileSync(kKeptFile, 'utf8')) as Result[]) : [];
}

/** The fresh one of each check, else the kept one; of checks nobody names any more, none. */
export function merge(
  kept: readonly Result[],
  fresh: readonly Result[],
  checks: readonly string[],
): Result[] {
  const newest = new Map([...kept, ...fresh].map((result) => [result.check, result]));
  return checks.flatMap((check) => newest.get(check) ?? []);
}

/** A line a result, so that versions can be compared. */
export function textOf(results: readonly Result[]): string {
  return `[\n${results.map((result) => `  ${JSON.stringify(result)}`).join(',\n')}\n]\n`;
}
