// The end of `npm run test:long -- fuzz`: one table of what was thrown at hushpay and what came of it, on the terminal and in build/fuzz-report.md.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseCheck } from './claim.ts';
import { kFuzzing } from './fuzzing.ts';
import { freshResults, kFreshFolder, type Result } from './results.ts';

const kReport = fileURLToPath(new URL('../../build/fuzz-report.md', import.meta.url));

const results = new Map(freshResults(kFreshFolder).map((result) => [result.check, result]));
const rows = kFuzzing.flatMap(({ name, checks }) =>
  checks.map((check) => rowOf(name, check, results.get(check))),
);
const isWell = kFuzzing.every(({ checks }) => checks.every((check) => results.get(check)?.failed === 0));
const report = [
  '# Fuzz and torture',
  '',
  '| part | what | date | tests | seconds | figures |',
  '|---|---|---|---|---|---|',
  ...rows,
  '',
  isWell ? 'Nothing broke.' : 'Something broke, or was not run.',
  '',
].join('\n');
writeFileSync(kReport, report);
process.stdout.write(report);
if (!isWell) process.exitCode = 1;

function rowOf(name: string, check: string, result: Result | undefined): string {
  const { file, title } = parseCheck(check);
  const what = `${title} (\`${file}\`)`;
  if (!result) return `| ${name} | ${what} | not run | – | – | – |`;
  const { date, passed, failed, skipped, seconds, figures } = result;
  const tests = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return `| ${name} | ${what} | ${date} | ${tests} | ${seconds} | ${figures.join('; ') || '–'} |`;
}
