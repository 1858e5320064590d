import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Runner } from './runner.ts';
import { kNothing, type Tally } from './tally.ts';

const kBin = 'node_modules/.bin';
const kNode = `${kBin}/node`;
const kReporter = 'tools/test/vitest-tally.ts';

/** A vitest project, or part of it. @param tallyFile - a path of its own, where the counts go. */
export function vitest(name: string, args: readonly string[], tallyFile: string): Runner {
  return {
    name,
    command: kNode,
    args: [`${kBin}/vitest`, 'run', ...args, '--reporter=default', `--reporter=./${kReporter}`],
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

/** The native suites under ctest, which keeps one crash from ending the others. */
function native(reportFile: string): Runner {
  const args = ['--test-dir', 'build/native', '--output-on-failure', '--output-junit', reportFile];
  const tally = () => (existsSync(reportFile) ? doctestTally(readFileSync(reportFile, 'utf8')) : kNothing);
  return { name: 'native', command: 'ctest', args, tally };
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

/** Everything `npm test` runs, in order: what is quickest to fail first. */
export function allRunners(scratch: string): Runner[] {
  const script = (name: string, file: string): Runner => ({ name, command: kNode, args: [file] });
  const project = (name: string) => vitest(name, ['--project', name], join(scratch, `${name}.json`));
  return [
    { name: 'lint', command: kNode, args: [`${kBin}/biome`, 'check', '--error-on-warnings', '.'] },
    script('clang-format', 'tools/test/clang-format.ts'),
    { name: 'types', command: kNode, args: [`${kBin}/tsc`, '--noEmit'] },
    script('prompts', 'tools/prompts/verify.ts'),
    native(join(scratch, 'native.xml')),
    project('unit'),
    project('integration'),
    project('peers'),
  ];
}
