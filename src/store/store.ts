import { resolve } from 'node:path';
import type Database from 'better-sqlite3';
import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { AttemptJournal, AttemptRecord, SessionRecord, SessionRecords } from '../ports/store.ts';
import { Claim } from './claim.ts';
import { openDatabase } from './database-file.ts';
import { kEndOrphans } from './orphans.ts';
import {
  attemptRecord,
  attemptRow,
  kAttemptColumns,
  kSessionColumns,
  type Row,
  sessionRecord,
  sessionRow,
} from './rows.ts';
import { failed } from './store-errors.ts';

/** More than a whole payment writes, so that a disk about to fill up is noticed before a card is charged. */
const kProbeBytes = 32_768;

export type StoreHealth = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Records and journal in one SQLite file. Made by main, closed by it last; a second close does nothing. */
export interface Store extends SessionRecords, AttemptJournal {
  /** As the port says; empty too while another process on the same file holds the right to resolve. */
  unresolved(): readonly AttemptRecord[];
  /**
   * Ends the sessions of a process that died, with what their last attempt says; to be called before the first call is taken.
   * @param endedAt - ISO 8601, UTC.
   * @returns how many; 0 while another process on the same file holds the right to resolve.
   */
  endOrphans(endedAt: string): number;
  /** How many attempts are open, whoever resolves them; for a gauge. While the file cannot be read, the last figure. Never throws. */
  countUnresolved(): number;
  /** Whether a payment's writes would go through now, tried with a real one, for /readyz. Never throws. */
  check(): StoreHealth;
  close(): void;
}

/** @throws AppError CFG_UNREADABLE_FILE if the file cannot be used. */
export function openStore({ file, log }: { readonly file: string; readonly log: Log }): Store {
  const path = resolve(file);
  return new SqliteStore(openDatabase(path), path, log);
}

class SqliteStore implements Store {
  readonly #database: Database.Database;
  readonly #file: string;
  readonly #log: Log;
  readonly #claim: Claim;
  readonly #statements: ReturnType<typeof prepare>;
  #saidClaimed = false;
  #openCount = 0;

  constructor(database: Database.Database, file: string, log: Log) {
    this.#database = database;
    this.#file = file;
    this.#log = log;
    this.#claim = new Claim(file);
    this.#statements = prepare(database);
  }

  open(record: SessionRecord): void {
    this.#do('open a session', () => this.#statements.openSession.run(sessionRow(record)));
  }

  update(record: SessionRecord): void {
    const { changes } = this.#do('update a session', () =>
      this.#statements.updateSession.run(sessionRow(record)),
    );
    if (changes === 0) throw this.#refusal(`session ${record.sessionId} was never opened`);
  }

  find(sessionId: string): SessionRecord | undefined {
    const row = this.#do('read a session', () => this.#statements.findSession.get(sessionId));
    return row && sessionRecord(row);
  }

  attempts(sessionId: string): readonly AttemptRecord[] {
    return this.#do('read attempts', () => this.#statements.attemptsOf.all(sessionId)).map(attemptRecord);
  }

  begin(attempt: AttemptRecord): void {
    this.#do('journal an attempt', () => this.#statements.begin.run(attemptRow(attempt)));
  }

  settle(
    key: { readonly sessionId: string; readonly attempt: number },
    verdict: Parameters<AttemptJournal['settle']>[1],
  ): void {
    const { changes } = this.#do('settle an attempt', () =>
      this.#statements.settle.run({ ...key, ...verdict }),
    );
    if (changes === 0) {
      throw this.#refusal(
        `attempt ${key.attempt} of session ${key.sessionId} is not open, so not ${verdict.state}`,
      );
    }
  }

  unresolved(): readonly AttemptRecord[] {
    return this.#do('read open attempts', () => {
      if (this.#claim.take()) return this.#statements.unresolved.all().map(attemptRecord);
      if (!this.#saidClaimed)
        this.#log.warn({ file: this.#file }, 'another process resolves the open payments of this store');
      this.#saidClaimed = true;
      return [];
    });
  }

  endOrphans(endedAt: string): number {
    return this.#do('end sessions of a process that died', () =>
      this.#claim.take() ? this.#statements.endOrphans.run({ endedAt }).changes : 0,
    );
  }

  countUnresolved(): number {
    try {
      this.#openCount = this.#statements.countUnresolved.get()?.open ?? 0;
    } catch (error) {
      this.#log.error({ err: failed(this.#file, 'count open attempts', error) }, 'the store cannot be read');
    }
    return this.#openCount;
  }

  check(): StoreHealth {
    try {
      this.#do('write', () => this.#statements.probe.run(kProbeBytes));
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : 'unknown' };
    }
  }

  close(): void {
    this.#claim.release();
    this.#database.close();
  }

  #do<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof AppError ? error : failed(this.#file, doing, error);
    }
  }

  #refusal(what: string): AppError {
    return new AppError(
      'STORE_FAILED',
      `store ${this.#file}: ${what}. Nothing was written; this is a fault of hushpay.`,
    );
  }
}

function prepare(database: Database.Database) {
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
         decline_code = coalesce(@declineCode, decline_code)
       WHERE session_id = @sessionId AND attempt = @attempt
         AND (state IN ('SUBMITTING', 'UNKNOWN') OR (state = 'APPROVED' AND @state IN ('UNKNOWN', 'REVERSED')))`,
    ),
    unresolved: database.prepare<[], Row>(
      `SELECT * FROM attempt WHERE state IN ('SUBMITTING', 'UNKNOWN') ORDER BY sent_at`,
    ),
    endOrphans: database.prepare<[Row]>(kEndOrphans),
    countUnresolved: database.prepare<[], { open: number }>(
      `SELECT count(*) AS open FROM attempt WHERE state IN ('SUBMITTING', 'UNKNOWN')`,
    ),
    probe: database.prepare<[number]>('INSERT OR REPLACE INTO probe VALUES (1, zeroblob(?))'),
  };
}

function insertInto(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`;
}
