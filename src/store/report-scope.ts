import type { ReportScope } from '../ports/reports.ts';

/**
 * The sessions of a scope, each with the outcome it has by now: what an unknown one turned out to be lies in the state of its last attempt.
 * `hang_up` tells when a caller who is not there any more left.
 */
export const kScoped = `
  WITH began AS (
    SELECT session.*, unixepoch(started_at) / 900 AS quarter,
      (SELECT count(*) FROM attempt WHERE attempt.session_id = session.session_id) AS submissions,
      CASE outcome WHEN 'unknown' THEN (
        SELECT state FROM attempt WHERE attempt.session_id = session.session_id ORDER BY attempt DESC LIMIT 1
      ) END AS state,
      CASE outcome WHEN 'unknown' THEN (
        SELECT coalesce(approved_minor, amount_minor) FROM attempt
        WHERE attempt.session_id = session.session_id ORDER BY attempt DESC LIMIT 1
      ) END AS found_minor,
      CASE @split WHEN 'merchant' THEN coalesce(merchant_id, '') WHEN 'topology' THEN topology ELSE '' END AS part
    FROM session
    WHERE started_at >= @from AND started_at < @to
      AND (@merchants IS NULL OR merchant_id IN (SELECT value FROM json_each(@merchants)))
      AND (@topology IS NULL OR topology = @topology)
  ),
  scoped AS (
    SELECT session_id, part, topology, merchant_id, result, stage_reached, duration_ms, currency, agent_lost, quarter, submissions, media,
      CASE WHEN outcome = 'unknown' AND state = 'APPROVED' THEN 'success'
           WHEN outcome = 'unknown' AND state IN ('REVERSED', 'NOT_CHARGED') THEN 'failed'
           ELSE outcome END AS outcome,
      CASE WHEN outcome = 'unknown' AND state = 'APPROVED' THEN found_minor ELSE amount_charged END AS charged,
      CASE WHEN caller_present = 1 OR result IS NULL OR result = 'SYSTEM_ERROR' THEN NULL
           WHEN stage_reached IN ('SUBMIT', 'WAIT', 'RESOLVE', 'REVERSING') THEN 'inFlight'
           WHEN stage_reached IN ('APPROVED', 'REFERENCE', 'DECLINED', 'RETRY_MENU', 'MAX_DECLINES', 'RETURN') THEN 'after'
           ELSE 'before' END AS hang_up
    FROM began
  )`;

/** As SQLite takes a scope. */
export interface ScopeRow {
  readonly from: string;
  readonly to: string;
  /** A list as JSON; null: all, and none. */
  readonly merchants: string | null;
  readonly topology: string | null;
  readonly split: 'merchant' | 'topology' | null;
}

export function scopeRow({ fromMs, toMs, merchants, topology, split }: ReportScope): ScopeRow {
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    merchants: merchants === undefined ? null : JSON.stringify(merchants),
    topology: topology ?? null,
    split: split ?? null,
  };
}
