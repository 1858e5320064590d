import type Database from 'better-sqlite3';
import type { AuditChain } from './audit-chain.ts';

/** What is kept for so long and no longer, each by a time of its own. */
export const kRetained = ['sessions', 'events', 'deliveries', 'audit'] as const;
export type Retained = (typeof kRetained)[number];

interface Scope {
  /** ISO 8601, UTC: what is older goes. */
  readonly before: string;
  readonly limit: number;
}

/**
 * Deletes what is old. What is open stays, however old it is: attempts and changes that are not settled, deliveries that wait, events that an integration
 * has not been told.
 */
export class RetentionTable {
  readonly #audit: AuditChain;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database, audit: AuditChain) {
    this.#audit = audit;
    this.#statements = prepare(database);
  }

  isDue(what: Retained, before: string): boolean {
    const scope = { before, limit: 1 };
    switch (what) {
      case 'sessions':
        return this.#statements.oldSessions.all(scope).length > 0;
      case 'events':
        return this.#statements.oldEvents.all(scope).length > 0;
      case 'deliveries':
        return this.#statements.oldDeliveries.all(scope).length > 0;
      case 'audit':
        return this.#audit.isLongerThan(before);
    }
  }

  /** To be called in a transaction, before anything is deleted: what cannot be noted is not done. */
  note(what: Retained, before: string, at: string): void {
    if (what === 'audit') this.#audit.trim(before, at);
    else
      this.#audit.append(
        { actor: 'hushpay', action: 'retention.deleted', object: what, detail: { before } },
        at,
      );
  }

  /** To be called in a transaction. @returns how many rows went; fewer than `limit`: none is left. */
  delete(what: Retained, { before, limit }: Scope): number {
    const { oldSessions, oldEvents, oldDeliveries, ...remove } = this.#statements;
    const removed = (ids: readonly (string | number)[], ...from: Remove[]) => {
      for (const id of ids) for (const statement of from) statement.run(id);
      return ids.length;
    };
    switch (what) {
      case 'sessions': {
        const { followUps, attempts, session } = remove;
        return removed(oldSessions.all({ before, limit }), followUps, attempts, session);
      }
      case 'events':
        return removed(oldEvents.all({ before, limit }), remove.event);
      case 'deliveries':
        return removed(oldDeliveries.all({ before, limit }), remove.delivery);
      case 'audit':
        return this.#audit.dropTrimmed(limit);
    }
  }
}

type Remove = Database.Statement<[string | number]>;

function prepare(database: Database.Database) {
  const remove = (sql: string): Remove => database.prepare(`DELETE FROM ${sql} = ?`);
  return {
    oldSessions: database
      .prepare<[Scope], string>(
        `SELECT session_id FROM session WHERE started_at < @before AND result IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.session_id = session.session_id
                           AND state IN ('SUBMITTING', 'UNKNOWN', 'MANUAL'))
           AND NOT EXISTS (SELECT 1 FROM follow_up WHERE follow_up.session_id = session.session_id
                           AND state IN ('SUBMITTING', 'UNKNOWN', 'MANUAL'))
         ORDER BY started_at LIMIT @limit`,
      )
      .pluck(),
    // Numbers rise with time: only the lowest are looked at.
    oldEvents: database
      .prepare<[Scope], number>(
        `SELECT id FROM (SELECT id, at FROM event ORDER BY id LIMIT @limit)
         WHERE at < @before AND id <= coalesce((SELECT min(event_id) FROM webhook_cursor), id)`,
      )
      .pluck(),
    oldDeliveries: database
      .prepare<[Scope], number>(
        `SELECT id FROM delivery WHERE created_at < @before AND state <> 'waiting' ORDER BY id LIMIT @limit`,
      )
      .pluck(),
    followUps: remove('follow_up WHERE session_id'),
    attempts: remove('attempt WHERE session_id'),
    session: remove('session WHERE session_id'),
    event: remove('event WHERE id'),
    delivery: remove('delivery WHERE id'),
  };
}
