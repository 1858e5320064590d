/** What one look at a deployment came to. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  /** `note`: to be known; the deployment is not wrong because of it. */
  readonly severity: 'ok' | 'note' | 'bad';
  readonly detail: string;
  /** What to do; null where nothing is. */
  readonly remedy: string | null;
}

export function ok(check: string, detail: string): Finding {
  return { check, severity: 'ok', detail, remedy: null };
}

export function note(check: string, detail: string, remedy: string | null = null): Finding {
  return { check, severity: 'note', detail, remedy };
}

export function bad(check: string, detail: string, remedy: string): Finding {
  return { check, severity: 'bad', detail, remedy };
}

/** What is wrong with real cards may be so in a laboratory. */
export function badInProduction(
  isProduction: boolean,
  check: string,
  detail: string,
  remedy: string,
): Finding {
  return isProduction ? bad(check, detail, remedy) : note(check, `not fit for production: ${detail}`, remedy);
}

/** These findings, or that all is well where there is none. */
export function orOk(findings: readonly Finding[], check: string, detail: string): readonly Finding[] {
  return findings.length > 0 ? findings : [ok(check, detail)];
}
