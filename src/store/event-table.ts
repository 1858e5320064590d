import type Database from 'better-sqlite3';
import type { LiveEvent } from '../ports/live-events.ts';

interface EventRow {
  readonly id: number;
  readonly session_id: string;
  readonly at: string;
  readonly type: string;
  readonly detail: string;
}

/** The events of all sessions in one order. Not waited for by the disk: what a power failure takes, the rows of sessions still tell. */
export class EventTable {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database) {
    this.#statements = prepare(database);
  }

  append({ sessionId, at, type, detail }: Omit<LiveEvent, 'id'>): number {
    const { lastInsertRowid } = this.#statements.append.run([sessionId, at, type, JSON.stringify(detail)]);
    return Number(lastInsertRowid);
  }

  after(id: number, limit: number, sessionId: string | undefined): readonly LiveEvent[] {
    const rows =
      sessionId === undefined
        ? this.#statements.after.all(id, limit)
        : this.#statements.afterOf.all(sessionId, id, limit);
    return rows.map(eventOf);
  }

  newestId(): number {
    return this.#statements.newest.get() ?? 0;
  }
}

function eventOf({ id, session_id: sessionId, at, type, detail }: EventRow): LiveEvent {
  return { id, sessionId, at, type, detail: JSON.parse(detail) };
}

function prepare(database: Database.Database) {
  return {
    append: database.prepare<[string[]]>(
      'INSERT INTO event (session_id, at, type, detail) VALUES (?, ?, ?, ?)',
    ),
    after: database.prepare<[number, number], EventRow>(
      'SELECT * FROM event WHERE id > ? ORDER BY id LIMIT ?',
    ),
    afterOf: database.prepare<[string, number, number], EventRow>(
      'SELECT * FROM event WHERE session_id = ? AND id > ? ORDER BY id LIMIT ?',
    ),
    newest: database.prepare<[], number>('SELECT max(id) FROM event').pluck(),
  };
}
