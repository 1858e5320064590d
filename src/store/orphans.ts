export interface EndedOrphan {
  readonly sessionId: string;
  readonly result: string;
}

/**
 * Ends the sessions whose process died while they ran. What their last attempt says stands: an approval is an approval though nobody
 * heard it, an open attempt is unknown until it is resolved.
 */
export const kEndOrphans = `
  WITH last AS (
    SELECT session_id, state, operation, coalesce(approved_minor, amount_minor) AS charged, transaction_id, brand, last4,
      max(attempt) AS attempts
    FROM attempt GROUP BY session_id
  ), ending AS (
    SELECT session.session_id,
      CASE WHEN state = 'APPROVED'
             THEN CASE last.operation WHEN 'verify' THEN 'VERIFIED' WHEN 'tokenize' THEN 'TOKENIZED' ELSE 'APPROVED' END
           WHEN state IN ('SUBMITTING', 'UNKNOWN', 'MANUAL') THEN 'UNKNOWN'
           ELSE 'SYSTEM_ERROR' END AS result,
      CASE WHEN state = 'APPROVED' AND last.operation IN ('sale', 'authorize') THEN last.charged END AS charged,
      CASE WHEN state = 'APPROVED' THEN last.transaction_id END AS transaction_id,
      last.brand, last.last4, coalesce(last.attempts, 0) AS attempts
    FROM session LEFT JOIN last USING (session_id) WHERE session.result IS NULL
  )
  UPDATE session SET
    result = ending.result,
    outcome = CASE ending.result WHEN 'UNKNOWN' THEN 'unknown' WHEN 'SYSTEM_ERROR' THEN 'failed' ELSE 'success' END,
    amount_charged = ending.charged,
    transaction_id = ending.transaction_id,
    brand = ending.brand,
    last4 = ending.last4,
    attempts = ending.attempts,
    caller_present = 0,
    ended_at = @endedAt
  FROM ending WHERE session.session_id = ending.session_id
  RETURNING session.session_id AS sessionId, session.result`;
