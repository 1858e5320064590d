/** A test that did not run, and why. */
export interface Skip {
  readonly name: string;
  /** Undefined where nobody said: that fails the run. */
  readonly reason: string | undefined;
}

/** A test that failed, told again where the run ends: what came of it first may be thousands of lines above. */
export interface Failure {
  readonly name: string;
  /** What it said, as it was printed before. */
  readonly why: string;
}

/** What a runner came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly Skip[];
  /** Those of `failed` that the runner knows by name. */
  readonly failures?: readonly Failure[];
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
