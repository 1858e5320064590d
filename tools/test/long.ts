// `npm run test:long`, after set-up: soaks, sweeps and fault matrices under test/long, a folder per suite.
// `npm run test:long -- sip` runs one of them; `fuzz` runs with it whatever else throws things at hushpay, and closes with one report.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheck } from '../promises/claim.ts';
import { kFuzzing } from '../promises/fuzzing.ts';
import { forgetFresh, kFreshFolder } from '../promises/results.ts';
import type { Runner } from './runner.ts';
import { kNode, vitest } from './runners.ts';
import { makeScratch, runAll } from './session.ts';

const kSuites = ['sip', 'tones', 'media', 'money', 'leak', 'kill', 'exhaustion', 'soak', 'promises', 'fuzz'];

/** How much more than in `npm test` is tried. */
const kFuzzEnvironment = { HUSHPAY_FUZZ_REPLIES: '5000' };

const [wanted] = process.argv.slice(2);
const suites = kSuites.filter(
  (name) => existsSync(`test/long/${name}`) && (wanted === undefined || wanted === name),
);
if (wanted !== undefined && !kSuites.includes(wanted)) {
  console.error(`no such suite: ${wanted}; there are ${kSuites.join(', ')}`);
  process.exitCode = 64;
} else if (suites.length === 0) {
  console.error(`no long tests ${wanted === undefined ? 'yet' : `of ${wanted} yet`}: test/long/ has none`);
  process.exitCode = 69;
} else {
  const scratch = makeScratch();
  const runners = suites.map((name) =>
    vitest(name, ['--project', 'long', `test/long/${name}/`], join(scratch, `${name}.json`)),
  );
  process.exitCode = await runAll(wanted === 'fuzz' ? fuzzRunners(scratch) : runners, scratch);
}

function fuzzRunners(scratch: string): Runner[] {
  const checks = kFuzzing.flatMap((claim) => claim.checks);
  forgetFresh(checks, kFreshFolder);
  const files = [...new Set(checks.map((check) => parseCheck(check).file))];
  const projects = ['unit', 'integration', 'long'].flatMap((name) => ['--project', name]);
  const tests = vitest('fuzz', [...projects, ...files], join(scratch, 'fuzz.json'));
  return [
    { ...tests, env: { ...tests.env, ...kFuzzEnvironment } },
    { name: 'report', command: kNode, args: ['tools/promises/fuzz-report.ts'] },
  ];
}
