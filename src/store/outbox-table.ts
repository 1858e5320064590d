import type Database from 'better-sqlite3';
import type { Delivery, NewDelivery, Outbox } from '../ports/webhooks.ts';

interface DeliveryRow {
  readonly id: number;
  readonly webhook: string;
  readonly type: string;
  readonly session_id: string;
  readonly body: string;
  readonly state: Delivery['state'];
  readonly tries: number;
  readonly last_answer: string | null;
  readonly created_at: string;
  readonly next_at: string | null;
  readonly done_at: string | null;
}

/** Deliveries and cursors. Its connection does not wait for the disk: after a power failure a delivery may be made twice, never lost. */
export class OutboxTable implements Outbox {
  readonly #database: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;
  #waiting = 0;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  cursor(webhook: string): number | null {
    return this.#statements.cursor.get(webhook) ?? null;
  }

  fill(webhook: string, deliveries: readonly NewDelivery[], cursor: number, at: string): void {
    const fill = this.#database.transaction(() => {
      for (const { type, sessionId, body } of deliveries) {
        this.#statements.add.run({ webhook, type, sessionId, body, at });
      }
      this.#statements.moveCursor.run(webhook, cursor);
    });
    fill.immediate();
  }

  due(at: string, latest: string, limit: number): readonly Delivery[] {
    return this.#statements.due.all(at, latest, limit).map(deliveryOf);
  }

  nextDue(): string | null {
    return this.#statements.nextDue.get() ?? null;
  }

  settle(id: number, outcome: Pick<Delivery, 'state' | 'lastAnswer' | 'nextAt' | 'doneAt'>): void {
    this.#statements.settle.run({ id, ...outcome });
  }

  deliveries(webhook: string, limit: number, before = Number.MAX_SAFE_INTEGER): readonly Delivery[] {
    return this.#statements.of.all(webhook, before, limit).map(deliveryOf);
  }

  countWaiting(): number {
    try {
      this.#waiting = this.#statements.waiting.get() ?? 0;
    } catch {
      // Whoever fills it says so.
    }
    return this.#waiting;
  }

  replay(webhook: string, id: number, at: string): boolean {
    return this.#statements.replay.run({ webhook, id, at }).changes === 1;
  }
}

function deliveryOf(row: DeliveryRow): Delivery {
  const { session_id: sessionId, last_answer: lastAnswer, created_at: createdAt, ...rest } = row;
  const { next_at: nextAt, done_at: doneAt, ...same } = rest;
  return { ...same, sessionId, lastAnswer, createdAt, nextAt, doneAt };
}

function prepare(database: Database.Database) {
  return {
    cursor: database
      .prepare<[string], number>('SELECT event_id FROM webhook_cursor WHERE webhook = ?')
      .pluck(),
    moveCursor: database.prepare<[string, number]>('INSERT OR REPLACE INTO webhook_cursor VALUES (?, ?)'),
    add: database.prepare<[object]>(
      `INSERT INTO delivery (webhook, type, session_id, body, state, tries, created_at, next_at)
       VALUES (@webhook, @type, @sessionId, @body, 'waiting', 0, @at, @at)`,
    ),
    due: database.prepare<[string, string, number], DeliveryRow>(
      `SELECT * FROM delivery WHERE state = 'waiting' AND (next_at <= ? OR next_at > ?) ORDER BY next_at, id LIMIT ?`,
    ),
    nextDue: database
      .prepare<[], string | null>(`SELECT min(next_at) FROM delivery WHERE state = 'waiting'`)
      .pluck(),
    settle: database.prepare<[object]>(
      `UPDATE delivery SET state = @state, last_answer = @lastAnswer, next_at = @nextAt, done_at = @doneAt, tries = tries + 1
       WHERE id = @id AND state = 'waiting'`,
    ),
    of: database.prepare<[string, number, number], DeliveryRow>(
      'SELECT * FROM delivery WHERE webhook = ? AND id < ? ORDER BY id DESC LIMIT ?',
    ),
    waiting: database.prepare<[], number>(`SELECT count(*) FROM delivery WHERE state = 'waiting'`).pluck(),
    replay: database.prepare<[object]>(
      `UPDATE delivery SET state = 'waiting', tries = 0, next_at = @at, done_at = NULL
       WHERE id = @id AND webhook = @webhook`,
    ),
  };
}
