import { basename } from 'node:path';
import { parseCheck } from './claim.ts';
import { kChecks } from './claims.ts';
import { originOf, type Result } from './results.ts';

const kSuite = /<testcase name="(\w+)"[^>]*?time="([\d.]+)"[^>]*>([\s\S]*?)<\/testcase>/g;
const kCounts = /test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/;

/**
 * What the native checks came to. doctest names cases only when they fail, so a check is as its suite is.
 * @param report - of ctest, as JUnit has it.
 */
export function nativeResults(report: string): Result[] {
  const suites = new Map(
    [...report.matchAll(kSuite)].map(([, name = '', time = '', text = '']) => [name, { time, text }]),
  );
  return kChecks.flatMap((check): Result[] => {
    const suite = suites.get(basename(parseCheck(check).file, '.cc'));
    const counts = suite && kCounts.exec(suite.text);
    if (!suite || !counts) return [];
    return [
      {
        check,
        ...originOf(),
        passed: Number(counts[1]),
        failed: Number(counts[2]),
        skipped: 0,
        seconds: Math.round(Number(suite.time)),
        figures: [],
      },
    ];
  });
}
