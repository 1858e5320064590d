import { existsSync, readFileSync } from 'node:fs';
import { nativeResults } from '../promises/native-results.ts';
import { keepFresh, kFreshFolder } from '../promises/results.ts';
import type { Runner } from './runner.ts';
import { kNothing, type Tally } from './tally.ts';

export const kBin = 'node_modules/.bin';
export const kNode = `${kBin}/node`;
const kReporters = ['default', './tools/test/vitest-tally.ts', './tools/promises/reporter.ts'];

/** A vitest project, or part of it. @param tallyFile - a path of its own, where the counts go. */
export function vitest(name: string, args: readonly string[], tallyFile: string): Runner {
  return {
    name,
    command: kNode,
    args: [`${kBin}/vitest`, 'run', ...args, ...kReporters.map((reporter) => `--reporter=${reporter}`)],
    env: { HUSHPAY_TEST_TALLY: tallyFile },
    tally: () => readTally(tallyFile),
  };
}

function readTally(file: string): Tally {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Tally;
  } catch {
    return kNothing; // it never came so far: no test was run
  }
}

/**
 * The native suites under ctest, which keeps one crash from ending the others, two at a time.
 * @param folder - of the build.
 */
export function native(name: string, folder: string, reportFile: string): Runner {
  const args = [
    '--test-dir',
    folder,
    '--no-tests=error',
    ...['--parallel', '2'],
    '--output-on-failure',
    '--output-junit',
    reportFile,
  ];
  const tally = () => {
    if (!existsSync(reportFile)) return kNothing;
    const report = readFileSync(reportFile, 'utf8');
    for (const result of nativeResults(report)) keepFresh(result, kFreshFolder);
    return doctestTally(report);
  };
  return { name, command: 'ctest', args, tally };
}

/** doctest prints one line of counts per suite. */
export function doctestTally(output: string): Tally {
  const counts = output.matchAll(/\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/g);
  let [passed, failed] = [0, 0];
  for (const [, passedHere, failedHere] of counts) {
    passed += Number(passedHere);
    failed += Number(failedHere);
  }
  return { passed, failed, skipped: [] };
}
