/** A test that did not run, and why. */
export interface Skip {
  readonly name: string;
  /** Undefined where nobody said: that fails the run. */
  readonly reason: string | undefined;
}

/** What a runner came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly Skip[];
}

export const kNothing: Tally = { passed: 0, failed: 0, skipped: [] };

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (all, one) => ({
      passed: all.passed + one.passed,
      failed: all.failed + one.failed,
      skipped: [...all.skipped, ...one.skipped],
    }),
    kNothing,
  );
}

/** The last line of a run. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  const skips = skipped.length === 0 ? '' : `, ${skipped.length} skipped`;
  return `${passed} passed, ${failed} failed${skips}`;
}
