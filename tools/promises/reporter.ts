import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { parseCheck } from './claim.ts';
import { kChecks } from './claims.ts';
import { keepFresh, kFreshFolder, originOf, type Result } from './results.ts';

/** Leaves in build/promises what the checks of a run came to; `npm run promises` makes the pages of it. */
export default class PromiseReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byFile = new Map(modules.map((module) => [module.relativeModuleId, module]));
    const origin = originOf();
    for (const check of kChecks) {
      const { file, title } = parseCheck(check);
      const module = byFile.get(file);
      if (!module) continue;
      const tests = [...module.children.allTests()].filter(({ fullName }) => fullName.includes(title));
      const result = resultOf(check, tests, origin);
      if (result.passed + result.failed > 0) keepFresh(result, kFreshFolder);
    }
  }
}

function resultOf(check: string, tests: readonly TestCase[], origin: ReturnType<typeof originOf>): Result {
  const count = (wanted: string) => tests.filter((test) => test.result().state === wanted).length;
  return {
    check,
    ...origin,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    seconds: Math.round(tests.reduce((sum, test) => sum + (test.diagnostic()?.duration ?? 0), 0) / 1000),
    figures: tests.flatMap((test) => test.meta().figures ?? []),
  };
}
