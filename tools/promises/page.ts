import { type Claim, commandOf, parseCheck } from './claim.ts';
import type { Result } from './results.ts';

const kPromisesHead = `# What hushpay promises, and what shows it

Made by \`npm run promises\` of what the tests leave behind: a run of \`npm test\` or \`npm run test:long\` notes of every check below whether it passed, when, of which commit, on
how many cores, and what it measured. A *short* check is part of \`npm test\`; a *long* one of the suite that is named. What stands against attack is in
[hardening](hardening.md), figures of speed are in [benchmarks](benchmarks.md), and [promises.json](promises.json) has the results for programs.
`;

const kHardeningHead = `# What stands against attack, and what shows it

Made by \`npm run promises\`, as [promises](promises.md) are: row by row the tests that would fail if it were not so, and their last run.
`;

export function promisesPage(claims: readonly Claim[], results: readonly Result[]): string {
  const sections = claims.map((claim) => sectionOf(claim, results));
  return [kPromisesHead, ...sections].join('\n');
}

function sectionOf({ name, sentence, checks, missing }: Claim, results: readonly Result[]): string {
  const rows = checks.map((check) => {
    const { file, title } = parseCheck(check);
    const result = results.find((each) => each.check === check);
    const form = file.startsWith('test/long/') ? `long: \`${commandOf({ file, title })}\`` : 'short';
    return `| ${title} (\`${file}\`) | ${form} | ${lastRun(result)} | ${result?.figures.join('; ') || '–'} |`;
  });
  return [
    `## ${name}: ${sentence}`,
    '',
    '| check | form | last run | figures |',
    '|---|---|---|---|',
    ...rows,
    ...(missing === undefined ? [] : ['', `Not shown yet: ${missing}`]),
    '',
  ].join('\n');
}

/** One table: what the tests measure is not the point there. */
export function hardeningPage(claims: readonly Claim[], results: readonly Result[]): string {
  const rows = claims.map(({ name, sentence, checks, missing }) => {
    const shown = checks.map((check) => {
      const { file, title } = parseCheck(check);
      return `\`${file}\` › ${title}: ${lastRun(results.find((each) => each.check === check))}`;
    });
    return `| ${name} | ${sentence}${missing ? ` Not shown yet: ${missing}` : ''} | ${shown.join('<br>')} |`;
  });
  return [kHardeningHead, '| | what | shown by |', '|---|---|---|', ...rows, ''].join('\n');
}

function lastRun(result: Result | undefined): string {
  if (!result) return 'not run yet';
  const { date, version, cores, passed, failed, skipped } = result;
  const counts = [
    passed > 0 ? `${passed} passed` : '',
    failed > 0 ? `**${failed} failed**` : '',
    skipped > 0 ? `${skipped} skipped` : '',
  ];
  return `${date}, ${version}, ${cores} cores: ${counts.filter((count) => count !== '').join(', ')}`;
}
