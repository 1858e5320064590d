import { dirname, join, resolve } from 'node:path';
import type Database from 'better-sqlite3';
import { AppError } from '../errors.ts';
import type { AuditAct, AuditTrail } from '../ports/audit.ts';
import type { KeptAnswers } from '../ports/kept-answers.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import type { Log } from '../ports/log.ts';
import type {
  AttemptJournal,
  AttemptRecord,
  AttemptState,
  HandVerdict,
  Ledger,
  LedgerEntry,
  Page,
  SessionFilter,
  SessionList,
  SessionRecord,
  SessionRecords,
} from '../ports/store.ts';
import type { Outbox } from '../ports/webhooks.ts';
import { AnswerTable } from './answer-table.ts';
import { AuditChain } from './audit-chain.ts';
import { auditKey } from './audit-key.ts';
import { Claim } from './claim.ts';
import { openDatabase, openRelaxed } from './database-file.ts';
import { EventTable } from './event-table.ts';
import { settled, settledByHand, submitted } from './journal-acts.ts';
import { type EndedOrphan, kEndOrphans } from './orphans.ts';
import { OutboxTable } from './outbox-table.ts';
import {
  attemptRecord,
  attemptRow,
  kAttemptColumns,
  kSessionColumns,
  ledgerEntry,
  type Row,
  sessionRecord,
  sessionRow,
} from './rows.ts';
import { failed } from './store-errors.ts';

/** More than a whole payment writes, so that a disk about to fill up is noticed before a card is charged. */
const kProbeBytes = 32_768;

/** Its name in the data folder. */
export const kStoreFile = 'hushpay.sqlite';

export type StoreHealth = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Records and journal in one SQLite file. Made by main, closed by it last; a second close does nothing. */
export interface Store extends SessionRecords, SessionList, AttemptJournal, Ledger, AuditTrail, EventLog {
  readonly outbox: Outbox;
  /** Of requests of the API. */
  readonly answers: KeptAnswers;
  /** Who did what. What the journal writes is in it from the same transaction on. */
  readonly audit: Pick<AuditChain, 'entries' | 'entriesOf' | 'verify' | 'head'>;
  /** As the port says; empty too while another process on the same file holds the right to resolve. */
  unresolved(): readonly AttemptRecord[];
  /**
   * Ends the sessions of a process that died, with what their last attempt says; to be called before the first call is taken.
   * @param endedAt - ISO 8601, UTC.
   * @returns how many; 0 while another process on the same file holds the right to resolve.
   */
  endOrphans(endedAt: string): number;
  /** Whether this process holds the right to resolve open attempts, from before or from now. */
  mayResolve(): boolean;
  /** How many attempts are open, whoever resolves them; for a gauge. While the file cannot be read, the last figure. Never throws. */
  countUnresolved(): number;
  /** Whether a payment's writes would go through now, tried with a real one, for /readyz. Never throws. */
  check(): StoreHealth;
  close(): void;
}

export interface StoreOptions {
  readonly file: string;
  /** Beside the store if not given. */
  readonly auditKeyFile?: string;
  readonly log: Log;
}

/** @throws AppError CFG_UNREADABLE_FILE if one of the files cannot be used. */
export function openStore({ file, auditKeyFile, log }: StoreOptions): Store {
  const path = resolve(file);
  const database = openDatabase(path);
  try {
    const key = auditKey(auditKeyFile ?? join(dirname(path), 'audit.key'));
    return new SqliteStore(database, path, key, log);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly outbox: Outbox;
  readonly answers: KeptAnswers;
  readonly audit: AuditChain;
  readonly #database: Database.Database;
  /** For session rows: what a power failure takes of them, the attempts put right again. */
  readonly #relaxed: Database.Database;
  readonly #file: string;
  readonly #log: Log;
  readonly #claim: Claim;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #events: EventTable;
  #saidClaimed = false;
  #openCount = 0;

  constructor(database: Database.Database, file: string, key: Buffer, log: Log) {
    this.audit = new AuditChain(database, key);
    this.#database = database;
    this.#relaxed = openRelaxed(file);
    this.#file = file;
    this.#log = log;
    this.#claim = new Claim(file);
    this.#events = new EventTable(this.#relaxed);
    this.outbox = new OutboxTable(this.#relaxed);
    this.answers = new AnswerTable(this.#relaxed);
    this.#statements = prepare(database, this.#relaxed);
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
    this.#write('journal an attempt', () => {
      this.#statements.begin.run(attemptRow(attempt));
      this.#append(submitted(attempt));
    });
  }

  settle(
    key: { readonly sessionId: string; readonly attempt: number },
    verdict: Parameters<AttemptJournal['settle']>[1],
  ): void {
    this.#write('settle an attempt', () => {
      const { changes } = this.#statements.settle.run({ ...key, ...verdict });
      if (changes === 0) {
        throw this.#refusal(
          `attempt ${key.attempt} of session ${key.sessionId} is not open, so not ${verdict.state}`,
        );
      }
      this.#append(settled(key, verdict));
    });
  }

  settleByHand(
    key: { readonly sessionId: string; readonly attempt: number },
    verdict: HandVerdict,
    by: { readonly actor: string; readonly note: string },
  ): boolean {
    return this.#write('settle an attempt by hand', () => {
      const doneAt = new Date().toISOString();
      const { changes } = this.#statements.settleByHand.run({ ...key, state: verdict, doneAt });
      if (changes === 0) return false;
      this.#append(settledByHand(key, verdict, by));
      return true;
    });
  }

  list(
    limit: number,
    states: readonly AttemptState[] = [],
    page: Omit<Page, 'limit'> = {},
  ): readonly LedgerEntry[] {
    const asked = { wanted: JSON.stringify(states), ...pageRow({ ...page, limit }) };
    return this.#do('list payments', () => this.#statements.list.all(asked)).map(ledgerEntry);
  }

  sessions(page: Page, filter: SessionFilter = {}): readonly SessionRecord[] {
    const { topology = null, outcome = null, customerId = null, reference = null, callId = null } = filter;
    const asked = { topology, outcome, customerId, reference, callId, ...pageRow(page) };
    return this.#do('list sessions', () => this.#statements.sessions.all(asked)).map(sessionRecord);
  }

  payment(paymentRef: string): readonly LedgerEntry[] {
    return this.#do('read a payment', () => this.#statements.payment.all(paymentRef)).map(ledgerEntry);
  }

  append(event: Omit<LiveEvent, 'id'>): number {
    return this.#do('keep an event', () => this.#events.append(event));
  }

  eventsAfter(id: number, limit: number, sessionId?: string): readonly LiveEvent[] {
    return this.#do('read events', () => this.#events.after(id, limit, sessionId));
  }

  newestEventId(): number {
    return this.#do('read events', () => this.#events.newestId());
  }

  record(act: AuditAct): void {
    this.#write('write the audit', () => this.#append(act));
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

  mayResolve(): boolean {
    return this.#do('take the right to resolve', () => this.#claim.take());
  }

  endOrphans(endedAt: string): number {
    return this.#do('end sessions of a process that died', () =>
      this.#claim.take() ? this.#endOrphans(endedAt) : 0,
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
    this.#relaxed.close();
    this.#database.close();
  }

  #endOrphans(endedAt: string): number {
    return this.#write('end sessions of a process that died', () => {
      const ended = this.#statements.endOrphans.all({ endedAt });
      const events = new EventTable(this.#database); // in this transaction
      for (const { sessionId, result } of ended) {
        events.append({ sessionId, at: endedAt, type: 'ended', detail: { result } });
      }
      return ended.length;
    });
  }

  #append(act: AuditAct): void {
    this.audit.append(act, new Date().toISOString());
  }

  /** All of it or nothing, with the write lock from the beginning: what is read in it is still true when it is written. */
  #write<T>(doing: string, work: () => T): T {
    return this.#do(doing, () => this.#database.transaction(work).immediate());
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

const kLedger = `SELECT attempt.*, session.customer_id, session.merchant_id, session.reference
  FROM attempt JOIN session USING (session_id)`;

function prepare(database: Database.Database, relaxed: Database.Database) {
  const updates = kSessionColumns.map((column) => `${column} = @${column}`).join(', ');
  return {
    openSession: relaxed.prepare<[Row]>(insertInto('session', kSessionColumns)),
    updateSession: relaxed.prepare<[Row]>(`UPDATE session SET ${updates} WHERE session_id = @session_id`),
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
    settleByHand: database.prepare<[Row]>(
      `UPDATE attempt SET state = @state, done_at = @doneAt
       WHERE session_id = @sessionId AND attempt = @attempt AND state = 'MANUAL'`,
    ),
    list: database.prepare<[Row], Row>(
      `${kLedger} WHERE (@wanted = '[]' OR state IN (SELECT value FROM json_each(@wanted)))
         AND (@merchants IS NULL OR merchant_id IN (SELECT value FROM json_each(@merchants)))
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
    endOrphans: database.prepare<[Row], EndedOrphan>(kEndOrphans),
    countUnresolved: database.prepare<[], { open: number }>(
      `SELECT count(*) AS open FROM attempt WHERE state IN ('SUBMITTING', 'UNKNOWN')`,
    ),
    probe: database.prepare<[number]>('INSERT OR REPLACE INTO probe VALUES (1, zeroblob(?))'),
  };
}

/** As SQLite takes it. */
function pageRow({ limit, after, merchants }: Page): Row {
  return {
    limit,
    merchants: merchants === undefined ? null : JSON.stringify(merchants),
    at: after?.at ?? null,
    id: after?.id ?? null,
  };
}

function insertInto(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`;
}
