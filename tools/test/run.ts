// `npm test`, after set-up: every check and every test. `npm test -- unit native` runs only those.
import { allRunners } from './everything.ts';
import { makeScratch, runAll } from './session.ts';

const scratch = makeScratch();
const all = allRunners(scratch);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.some((runner) => runner.name === name));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  process.exitCode = 64;
} else {
  process.exitCode = await runAll(
    wanted.length === 0 ? all : all.filter(({ name }) => wanted.includes(name)),
    scratch,
  );
}
