// `fuzz.ts`: the libFuzzer programs of native/build.sh --sanitize address,undefined, a fixed number of inputs each from a fixed seed.
import { execFile } from 'node:child_process';
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
export async function fuzz(target: string, limits: readonly string[]): Promise<Fuzzed> {
  const scratch = mkdtempSync(join(tmpdir(), 'hushpay-fuzz-')); // what it finds goes into the first folder it is given
  const args = [...limits, '-max_len=8192', '-timeout=60', `-artifact_prefix=${scratch}/`];
  const { error, stderr } = await ended(`build/native-address-undefined/hushpay-fuzz-${target}`, [
    ...args,
    scratch,
    join(kCorpus, target),
  ]);
  const output = stderr.slice(-20_000) || (error?.message ?? '');
  const passed = !error && /^Done \d+ runs/m.test(output);
  if (passed) rmSync(scratch, { recursive: true });
  return { passed, output };
}

function ended(program: string, args: readonly string[]): Promise<{ error: Error | null; stderr: string }> {
  const { promise, resolve } = Promise.withResolvers<{ error: Error | null; stderr: string }>();
  execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (error, _stdout, stderr) =>
    resolve({ error, stderr }),
  );
  return promise;
}

/** Reads the lines that {@link fuzzOneByOne} prints. */
export function fuzzTally(output: string): Tally {
  const count = (word: string) => [...output.matchAll(new RegExp(`^${word} \\S+: `, 'gm'))].length;
  return { passed: count('withstood'), failed: count('broke'), skipped: [] };
}

async function fuzzOneByOne(targets: IterableIterator<string>): Promise<void> {
  for (const target of targets) {
    const { passed, output } = await fuzz(target, ['-seed=1', `-runs=${kSlowTargets[target] ?? kRuns}`]);
    if (passed) console.log(`withstood ${target}: ${/^Done .*/m.exec(output)?.[0]}`);
    else console.log(`${output}\nbroke ${target}: see above`);
    if (!passed) process.exitCode = 1;
  }
}

/** Two at a time. */
async function main(): Promise<void> {
  const targets = fuzzTargets().values();
  await Promise.all([fuzzOneByOne(targets), fuzzOneByOne(targets)]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
