import type { FollowUpKind } from '../ports/payment-gateway.ts';
import type { ReportScope } from '../ports/reports.ts';

/** The sum of what was done about a payment later, or was accepted by the gateway to be done. */
function moved(kind: FollowUpKind): string {
  return `CASE WHEN approved > 0 THEN (SELECT coalesce(sum(amount_minor), 0) FROM follow_up
    WHERE follow_up.payment_ref = scoped.payment_ref AND kind = '${kind}' AND state IN ('DONE', 'ACCEPTED')) END`;
}

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
    SELECT session_id, payment_ref, operation, part, topology, merchant_id, result, stage_reached, duration_ms, currency, agent_lost, quarter, submissions, media,
      coalesce(active_ms, duration_ms) AS active_ms,
      CASE WHEN outcome = 'unknown' AND state = 'APPROVED' THEN 'success'
           WHEN outcome = 'unknown' AND state IN ('REVERSED', 'NOT_CHARGED') THEN 'failed'
           ELSE outcome END AS outcome,
      CASE WHEN outcome = 'unknown' AND state = 'APPROVED' THEN found_minor ELSE amount_charged END AS approved,
      CASE WHEN caller_present = 1 OR result IS NULL OR result = 'SYSTEM_ERROR' THEN NULL
           WHEN stage_reached IN ('SUBMIT', 'WAIT', 'RESOLVE', 'REVERSING') THEN 'inFlight'
           WHEN stage_reached IN ('APPROVED', 'REFERENCE', 'DECLINED', 'RETRY_MENU', 'MAX_DECLINES', 'RETURN') THEN 'after'
           ELSE 'before' END AS hang_up
    FROM began
  )`;

/** … and what became of their money. */
export const kPaid = `${kScoped},
  moved AS (
    SELECT *, ${moved('capture')} AS captured, ${moved('refund')} AS refunded, ${moved('void')} AS taken_back FROM scoped
  ),
  paid AS (
    SELECT *,
      CASE operation WHEN 'sale' THEN approved WHEN 'authorize' THEN captured END AS charged,
      CASE WHEN operation = 'sale' AND taken_back > 0 THEN approved END AS voided,
      CASE WHEN operation = 'authorize' AND captured = 0 AND taken_back = 0 THEN approved END AS reserved
    FROM moved
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
