// `npm run test:long`, after set-up: soaks, sweeps and fault matrices under test/long, a folder per suite.
// `npm run test:long -- sip` runs one of them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { vitest } from './runners.ts';
import { makeScratch, runAll } from './session.ts';

const kSuites = ['sip', 'tones', 'media', 'money', 'leak', 'kill', 'exhaustion', 'soak', 'promises'];

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
  process.exitCode = await runAll(runners, scratch);
}
