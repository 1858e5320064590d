import { TestRunner } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    figures?: string[];
  }
}

/**
 * Notes what the running test has measured, for the pages of promises: `figures('200 kills, slowest end 3.1 s')`. Counts and times only,
 * with units; never a digit of a card. A test may note several.
 */
export function figures(sentence: string): void {
  const test = TestRunner.getCurrentTest();
  if (!test) throw new Error('figures are noted by a test while it runs');
  test.meta.figures = [...(test.meta.figures ?? []), sentence];
}
