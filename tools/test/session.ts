import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maskCardLike } from '../../src/card/card-like.ts';
import { scanFolder, scanText } from './leak-scan.ts';
import { type Runner, type RunnerResult, run } from './runner.ts';
import { closingLine, sum, type Tally } from './tally.ts';

/** Where the runners of one session leave their counts, and servers under test their logs. */
export function makeScratch(): string {
  return mkdtempSync(join(tmpdir(), 'hushpay-test-'));
}

/**
 * Runs one program after the other, and one after the other those that run beside them, looks for card numbers in everything they and the servers they started printed, and closes with
 * the line that sums it up.
 * @param scratch - from {@link makeScratch}; kept only if something failed.
 * @returns the exit code.
 */
export async function runAll(runners: readonly Runner[], scratch: string): Promise<number> {
  const logs = join(scratch, 'logs');
  mkdirSync(logs);
  const results: RunnerResult[] = [];
  const runLine = async (line: readonly Runner[]) => {
    for (const runner of line) {
      results.push(await run({ ...runner, env: { ...runner.env, HUSHPAY_TEST_LOG_DIR: logs } }));
    }
  };
  const isBeside = ({ beside }: Runner) => beside === true;
  await Promise.all([
    runLine(runners.filter((runner) => !isBeside(runner))),
    runLine(runners.filter(isBeside)),
  ]);
  const tallies = results.map(({ tally }) => tally);
  const output = results.map((result) => result.output).join('');
  const total = sum([...tallies, searchForCards(output, logs), explainSkips(tallies)]);
  repeatFailures(results);
  if (total.failed === 0) rmSync(scratch, { recursive: true });
  else process.stdout.write(`\nlogs of the servers under test: ${logs}\n`);
  process.stdout.write(`\n${closingLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
}

/** One test: no card number, not even one published for testing, is in what was printed or logged. */
function searchForCards(output: string, logs: string): Tally {
  const leaks = [...scanText('output', output), ...scanFolder(logs)];
  process.stdout.write('\n=== card numbers in output and logs\n');
  for (const { source, line, column } of leaks) process.stdout.write(`${source}:${line}:${column}\n`);
  process.stdout.write(leaks.length === 0 ? 'none\n' : `${leaks.length} found\n`);
  return { passed: leaks.length === 0 ? 1 : 0, failed: leaks.length === 0 ? 0 : 1, skipped: [] };
}

/** Of a runner that does not name its failures: its end says most. */
const kLastLines = 40;

/** Tells again what failed, where people look for it: at the end. An assertion may have a card in what it says. */
function repeatFailures(results: readonly RunnerResult[]): void {
  const failed = results.filter(({ tally }) => tally.failed > 0);
  if (failed.length > 0) process.stdout.write('\n=== failed\n');
  for (const { name, output, tally } of failed) {
    const named = (tally.failures ?? []).map((each) => `${each.name}\n${each.why}\n`);
    const end = `${output.trimEnd().split('\n').slice(-kLastLines).join('\n')}\n`;
    process.stdout.write(
      `${name}: ${tally.failed} failed\n${maskCardLike(named.length > 0 ? named.join('\n') : end)}`,
    );
  }
}

/** What a machine may lack when set-up has done its work: rights, a kernel, what the environment names. */
const kMayLack = /CAP_|raw sockets|root|\/proc|Linux|HUSHPAY_/;

/** Prints what was skipped and why. A skip that nobody gave a reason for is a failure, and one for want of what set-up brings. */
function explainSkips(tallies: readonly Tally[]): Tally {
  const { skipped } = sum(tallies);
  if (skipped.length > 0) process.stdout.write('\n=== skipped\n');
  for (const { name, reason } of skipped) process.stdout.write(`${name}: ${reason ?? 'NO REASON GIVEN'}\n`);
  const isWrong = (reason = 'needs one') => /^needs /.test(reason) && !kMayLack.test(reason);
  return { passed: 0, failed: skipped.filter(({ reason }) => isWrong(reason)).length, skipped: [] };
}
