import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOf, parseCheck } from '../../../tools/promises/claim.ts';
import { kChecks } from '../../../tools/promises/claims.ts';
import { kHardening } from '../../../tools/promises/hardening.ts';
import { nativeResults } from '../../../tools/promises/native-results.ts';
import { hardeningPage, promisesPage } from '../../../tools/promises/page.ts';
import { kPromises } from '../../../tools/promises/promises.ts';
import { freshResults, keepFresh, keptResults, merge, type Result } from '../../../tools/promises/results.ts';

const kRoot = new URL('../../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, kRoot), 'utf8');

/** What a title is in its source: without the escapes of its quotes. */
const titlesIn = (file: string) => read(file).replaceAll(/\\(['"])/g, '$1');

const kCheck = kPromises[0]?.checks[0] ?? '';
const kResult: Result = {
  check: kCheck,
  date: '2026-11-20',
  version: '1234567',
  cores: 2,
  passed: 3,
  failed: 0,
  skipped: 0,
  seconds: 4,
  figures: ['600 faults, nobody charged twice'],
};

describe('what is claimed', () => {
  it('has all ten promises', () => {
    expect(kPromises.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, at) => `R${at + 1}`));
  });

  it('has one name and at least one check each', () => {
    const claims = [...kPromises, ...kHardening];
    expect(new Set(claims.map(({ name }) => name)).size).toBe(claims.length);
    expect(claims.filter(({ checks }) => checks.length === 0)).toEqual([]);
  });

  it.each(kChecks)('is held by a test that is there: %s', (check) => {
    const { file, title } = parseCheck(check);
    expect(existsSync(new URL(file, kRoot))).toBe(true);
    expect(titlesIn(file)).toContain(title);
  });
});

describe('the pages of promises', () => {
  it('are made of the list and the kept results: npm run promises', () => {
    expect(read('docs/promises.md')).toBe(promisesPage(kPromises, keptResults()));
    expect(read('docs/hardening.md')).toBe(hardeningPage(kHardening, keptResults()));
  });

  it('keep results of checks that somebody names, and no others', () => {
    expect(keptResults().filter(({ check }) => !kChecks.includes(check))).toEqual([]);
  });

  it('say what ran when, how, and what it came to', () => {
    const page = promisesPage(kPromises.slice(0, 1), [kResult]);
    expect(page).toContain('2026-11-20, 1234567, 2 cores: 3 passed | 600 faults, nobody charged twice');
    expect(page).toContain('long: `npm run test:long -- money` | not run yet');
    const failed = promisesPage(kPromises.slice(0, 1), [{ ...kResult, failed: 1 }]);
    expect(failed).toContain('3 passed, **1 failed**');
  });
});

describe('the results of a run', () => {
  it('replace what was kept of the same check, and leave the rest', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-promises-'));
    const fresh = { ...kResult, date: '2026-11-22', failed: 1 };
    keepFresh({ ...fresh, failed: 0 }, folder);
    keepFresh(fresh, folder);
    const other = { ...kResult, check: kChecks[1] ?? '' };
    const gone = { ...kResult, check: 'test/gone.test.ts › nothing' };
    expect(merge([kResult, other, gone], freshResults(folder), kChecks)).toEqual([fresh, other]);
  });

  it('of native suites are those of ctest', () => {
    const suite = (name: string, counts: string) =>
      `<testcase name="${name}" classname="${name}" time="2.6" status="run"><system-out>[doctest] test cases: ${counts} | 0 skipped</system-out></testcase>`;
    const results = nativeResults(
      suite('srtp_test', ' 9 | 8 passed | 1 failed') + suite('none_test', '1 | 1 passed | 0 failed'),
    );
    expect(results.length).toBeGreaterThan(1);
    for (const result of results)
      expect(result).toMatchObject({
        check: expect.stringContaining('srtp_test'),
        passed: 8,
        failed: 1,
        seconds: 3,
      });
  });

  it('say which command has a check run again', () => {
    expect(commandOf(parseCheck('test/unit/x.test.ts › y'))).toBe('npm test');
    expect(commandOf(parseCheck('test/long/leak/x.test.ts › y'))).toBe('npm run test:long -- leak');
    expect(() => parseCheck('test/unit/x.test.ts')).toThrow(/expected/);
  });
});
