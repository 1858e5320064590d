/** Something hushpay promises, and the tests that would fail if it were not so. */
export interface Claim {
  /** Short and unique, such as `R1`. */
  readonly name: string;
  readonly sentence: string;
  /** Each `file › part of a title`: every test of the file whose full title has that part. */
  readonly checks: readonly string[];
  /** What no test shows yet; left out where nothing is missing. */
  readonly missing?: string;
}

export interface Check {
  readonly file: string;
  readonly title: string;
}

/** @throws Error for a check that is not written as {@link Claim.checks} says. */
export function parseCheck(check: string): Check {
  const [file, title, ...rest] = check.split(' › ');
  if (!file || !title || rest.length > 0) throw new Error(`${check}: expected \`file › part of a title\``);
  return { file, title };
}

const kLongTests = /^test\/long\/(\w+)\//;

/** What to type to have the check run. */
export function commandOf({ file }: Check): string {
  const suite = kLongTests.exec(file)?.[1];
  return suite === undefined ? 'npm test' : `npm run test:long -- ${suite}`;
}
