import type Database from 'better-sqlite3';
import type { OpenCount } from '../ports/store.ts';
import { type EndedOrphan, kEndOrphans } from './orphans.ts';
import { kAttemptColumns, kSessionColumns, type Row } from './rows.ts';

const kLedger = `SELECT attempt.*, session.customer_id, session.reference
  FROM attempt JOIN session USING (session_id)`;

export type Statements = ReturnType<typeof prepareStatements>;

/** What the store asks of its tables. */
export function prepareStatements(database: Database.Database) {
  const updates = kSessionColumns.map((column) => `${column} = @${column}`).join(', ');
  return {
    openSession: database.prepare<[Row]>(insertInto('session', kSessionColumns)),
    updateSession: database.prepare<[Row]>(`UPDATE session SET ${updates} WHERE session_id = @session_id`),
    findSession: database.prepare<[string], Row>('SELECT * FROM session WHERE session_id = ?'),
    attemptsOf: database.prepare<[string], Row>(
      'SELECT * FROM attempt WHERE session_id = ? ORDER BY attempt',
    ),
    begin: database.prepare<[Row]>(insertInto('attempt', kAttemptColumns)),
    // Open attempts can become anything; an approval can only be taken back, which may stay open for a while. What is known stays known.
    settle: database.prepare<[Row]>(
      `UPDATE attempt SET state = @state, done_at = @doneAt,
         transaction_id = coalesce(@transactionId, transaction_id),
         decline_class = coalesce(@declineClass, decline_class),
         decline_code = coalesce(@declineCode, decline_code),
         approved_minor = coalesce(@approvedMinor, approved_minor)
       WHERE session_id = @sessionId AND attempt = @attempt
         AND (state IN ('SUBMITTING', 'UNKNOWN') OR (state = 'APPROVED' AND @state IN ('UNKNOWN', 'REVERSED')))`,
    ),
    settleByHand: database.prepare<[Row]>(
      `UPDATE attempt SET state = @state, done_at = @doneAt
       WHERE session_id = @sessionId AND attempt = @attempt AND state = 'MANUAL'`,
    ),
    list: database.prepare<[Row], Row>(
      `${kLedger} WHERE (@wanted = '[]' OR state IN (SELECT value FROM json_each(@wanted))
           OR EXISTS (SELECT 1 FROM follow_up AS change
                      WHERE change.session_id = attempt.session_id AND change.attempt = attempt.attempt
                        AND change.state IN (SELECT value FROM json_each(@wanted))))
         AND (@merchants IS NULL OR attempt.merchant_id IN (SELECT value FROM json_each(@merchants)))
         AND (@at IS NULL OR (sent_at, session_id || '/' || attempt) < (@at, @id))
       ORDER BY sent_at DESC, session_id || '/' || attempt DESC LIMIT @limit`,
    ),
    sessions: database.prepare<[Row], Row>(
      `SELECT * FROM session
       WHERE (@merchants IS NULL OR merchant_id IN (SELECT value FROM json_each(@merchants)))
         AND (@topology IS NULL OR topology = @topology) AND (@outcome IS NULL OR outcome = @outcome)
         AND (@customerId IS NULL OR customer_id = @customerId) AND (@reference IS NULL OR reference = @reference)
         AND (@callId IS NULL OR call_id = @callId)
         AND (@at IS NULL OR (started_at, session_id) < (@at, @id))
       ORDER BY started_at DESC, session_id DESC LIMIT @limit`,
    ),
    payment: database.prepare<[string], Row>(`${kLedger} WHERE attempt.payment_ref = ? ORDER BY attempt`),
    unresolved: database.prepare<[], Row>(
      `SELECT * FROM attempt WHERE state IN ('SUBMITTING', 'UNKNOWN') ORDER BY sent_at`,
    ),
    stateOf: database
      .prepare<[Row], string>(
        'SELECT state FROM attempt WHERE session_id = @sessionId AND attempt = @attempt',
      )
      .pluck(),
    lease: database.prepare<[Row]>(
      `INSERT INTO lease VALUES (@sessionId, @attempt, @holder, @until)
       ON CONFLICT DO UPDATE SET holder = @holder, until = @until
       WHERE holder = @holder OR until <= @now OR until > @latest`,
    ),
    endLease: database.prepare<[Row]>(
      'DELETE FROM lease WHERE session_id = @sessionId AND attempt = @attempt',
    ),
    spent: database
      .prepare<[Row], number>(
        `SELECT coalesce(sum(coalesce(approved_minor, amount_minor)), 0) FROM attempt JOIN session USING (session_id)
         WHERE session.customer_id = @customerId AND attempt.merchant_id IS @merchantId AND attempt.currency = @currency
           AND sent_at >= @since AND state IN ('SUBMITTING', 'APPROVED', 'UNKNOWN', 'MANUAL')`,
      )
      .pluck(),
    endOrphans: database.prepare<[Row], EndedOrphan>(kEndOrphans),
    countOpen: database.prepare<[], OpenCount>(
      `SELECT gateway, sum(attempts) AS attempts, sum(changes) AS changes FROM (
         SELECT gateway, 1 AS attempts, 0 AS changes FROM attempt WHERE state IN ('SUBMITTING', 'UNKNOWN')
         UNION ALL
         SELECT gateway, 0, 1 FROM follow_up WHERE state IN ('SUBMITTING', 'UNKNOWN'))
       GROUP BY gateway`,
    ),
    probe: database.prepare<[number]>('INSERT OR REPLACE INTO probe VALUES (1, zeroblob(?))'),
  };
}

function insertInto(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`;
}
