// `fuzz.ts`: the libFuzzer programs of native/build.sh --sanitize address,undefined, a fixed number of inputs each from a fixed seed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tally } from './tally.ts';

const kCorpus = 'native/fuzz/corpus';
const kRuns = 100_000;
/** Whole calls and handshakes, of many packets each. */
const kSlowTargets: Readonly<Record<string, number>> = { session: 3_000, dtls: 5_000 };

export interface Fuzzed {
  readonly passed: boolean;
  /** What libFuzzer printed; of a failure, its end. */
  readonly output: string;
}

/** The corpus names the targets: one without a program, or with one that does not run, fails. */
export function fuzzTargets(): string[] {
  return readdirSync(kCorpus).sort();
}

/** @param limits - libFuzzer's options, such as `-max_total_time=120`. */
export function fuzz(target: string, limits: readonly string[]): Fuzzed {
  const scratch = mkdtempSync(join(tmpdir(), 'hushpay-fuzz-')); // what it finds goes into the first folder it is given
  const args = [...limits, '-max_len=8192', '-timeout=60', `-artifact_prefix=${scratch}/`];
  const { status, error, stderr } = spawnSync(
    `build/native-address-undefined/hushpay-fuzz-${target}`,
    [...args, scratch, join(kCorpus, target)],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const output = error ? error.message : stderr.slice(-20_000);
  const passed = status === 0 && /^Done \d+ runs/m.test(output);
  if (passed) rmSync(scratch, { recursive: true });
  return { passed, output };
}

/** Reads the lines that {@link main} prints. */
export function fuzzTally(output: string): Tally {
  const count = (word: string) => [...output.matchAll(new RegExp(`^${word} \\S+: `, 'gm'))].length;
  return { passed: count('withstood'), failed: count('broke'), skipped: [] };
}

function main(): void {
  for (const target of fuzzTargets()) {
    const { passed, output } = fuzz(target, ['-seed=1', `-runs=${kSlowTargets[target] ?? kRuns}`]);
    if (passed) console.log(`withstood ${target}: ${/^Done .*/m.exec(output)?.[0]}`);
    else console.log(`${output}\nbroke ${target}: see above`);
    if (!passed) process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
