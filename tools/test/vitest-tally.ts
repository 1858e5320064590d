import { writeFileSync } from 'node:fs';
import type { TestError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { tellingTitles } from './leak-scan.ts';
import type { Failure, Skip, Tally } from './tally.ts';

// A describe that is skipped gives its tests no note; its title says what is missing: `baresip (needs baresip)`.
const kReasonInTitle = /\(([^()]*\b(?:needs|not here)\b[^()]*)\)/;

/** Writes what a vitest run came to into the file HUSHPAY_TEST_TALLY names, for run.ts. */
export default class VitestTally implements Reporter {
  /** Errors outside of tests count as failures: a file that does not load has no test that could fail. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    const skipped: Skip[] = [];
    const failures: Failure[] = [];
    for (const module of modules) {
      failed += module.errors().length;
      skipped.push(...emptySuites(module));
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'skipped') skipped.push(skipOf(test, result.note));
        else failed++;
        if (result.state === 'failed') failures.push(failureOf(test, result.errors));
      }
      const titles = [...module.children.allTests()].map(({ fullName }) => fullName);
      const telling = tellingTitles(module.relativeModuleId, titles);
      failed += telling.length;
      failures.push(...telling);
    }
    const tally: Tally = { passed, failed, skipped, failures };
    const file = process.env['HUSHPAY_TEST_TALLY'];
    if (file) writeFileSync(file, JSON.stringify(tally));
  }
}

/** What has no test, of a file: a suite that found nothing to make tests of, or the file itself. Its title says what is missing. */
function emptySuites(module: TestModule): Skip[] {
  const names = [...module.children.allSuites()]
    .filter(({ children }) => isEmpty(children.allTests()) && isEmpty(children.allSuites()))
    .map(({ fullName }) => fullName);
  if (names.length === 0 && isEmpty(module.children.allTests())) names.push('every test');
  return names.map((name) => ({
    name: `${module.relativeModuleId}: ${name}`,
    reason: kReasonInTitle.exec(name)?.[1],
  }));
}

function isEmpty(things: Iterable<unknown>): boolean {
  return [...things].length === 0;
}

function failureOf(test: TestCase, errors: readonly TestError[]): Failure {
  const why = errors.map(({ message, stack }) => stack ?? message).join('\n');
  return { name: `${test.module.relativeModuleId} > ${test.fullName}`, why };
}

function skipOf(test: TestCase, note: string | undefined): Skip {
  return { name: test.fullName, reason: note ?? kReasonInTitle.exec(test.fullName)?.[1] };
}
