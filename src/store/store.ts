import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type Database from 'better-sqlite3';
import type { AuditAct, AuditTrail } from '../ports/audit.ts';
import type { KeptAnswers } from '../ports/kept-answers.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import type { Log } from '../ports/log.ts';
import type {
  AttemptJournal,
  AttemptKey,
  AttemptRecord,
  AttemptState,
  FollowUpJournal,
  HandVerdict,
  Lease,
  Ledger,
  LedgerEntry,
  OpenAttemptRecord,
  OpenCount,
  Page,
  SessionFilter,
  SessionList,
  SessionRecord,
  SessionRecords,
  Spending,
} from '../ports/store.ts';
import type { Outbox } from '../ports/webhooks.ts';
import { AnswerTable } from './answer-table.ts';
import { AuditChain } from './audit-chain.ts';
import { auditKey } from './audit-key.ts';
import { Claim } from './claim.ts';
import { openDatabase } from './database-file.ts';
import { DurableWrites } from './durable-writes.ts';
import { EventTable } from './event-table.ts';
import { FollowUpTable } from './follow-up-table.ts';
import { GroupSync, type SyncFile } from './group-sync.ts';
import { settled, settledByHand, submitted } from './journal-acts.ts';
import { OutboxTable } from './outbox-table.ts';
import { type Retained, RetentionTable } from './retention-table.ts';
import {
  attemptRecord,
  attemptRow,
  ledgerEntry,
  openAttempt,
  pageRow,
  sessionRecord,
  sessionRow,
} from './rows.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** More than a whole payment writes, so that a disk about to fill up is noticed before a card is charged. */
const kProbeBytes = 32_768;

/** Leases are for minutes. */
const kLongestLeaseMs = 3_600_000;

/** Its name in the data folder. */
export const kStoreFile = 'hushpay.sqlite';

export type StoreHealth = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Records and journal in one SQLite file. Made by main, closed by it last; a second close does nothing. */
export interface Store
  extends SessionRecords,
    SessionList,
    AttemptJournal,
    Ledger,
    Spending,
    AuditTrail,
    EventLog {
  readonly outbox: Outbox;
  /** Of requests of the API. */
  readonly answers: KeptAnswers;
  readonly followUps: FollowUpJournal;
  /** Who did what. What the journal writes is in it from the same transaction on. */
  readonly audit: Pick<AuditChain, 'entries' | 'entriesOf' | 'page' | 'verify' | 'head'>;
  /** As the port says; empty too while another process on the same file holds the right to resolve. */
  unresolved(): readonly OpenAttemptRecord[];
  /**
   * Ends the sessions of a process that died, with what their last attempt says; to be called before the first call is taken.
   * @param endedAt - ISO 8601, UTC.
   * @returns how many; 0 while another process on the same file holds the right to resolve.
   */
  endOrphans(endedAt: string): number;
  /** Whether this process holds the right to resolve open attempts, from before or from now. */
  mayResolve(): boolean;
  /** What is open by gateway, whoever resolves it; for gauges. While the file cannot be read, the last figures. Never throws. */
  countOpen(): readonly OpenCount[];
  /**
   * Deletes what is older than this, some rows of it.
   * @param isFirst - of several calls: says so in the audit.
   * @returns how many rows went; fewer than `limit`: none is left.
   */
  retire(what: Retained, before: string, limit: number, isFirst: boolean): number;
  /** Whether a payment's writes would go through now, tried with a real one, for /readyz. Never throws. */
  check(): StoreHealth;
  close(): void;
}

export interface StoreOptions {
  readonly file: string;
  /** Beside the store if not given. */
  readonly auditKeyFile?: string;
  readonly log: Log;
  /** The file is read through before anything is written: what a server does, and a command in a terminal need not. */
  readonly isRead?: boolean;
  /** Somebody else moves the write-ahead log into the database: {@link CheckpointThread}. */
  readonly isCheckpointed?: boolean;
  /** For metrics: what was to be noted was not, and was not done. */
  readonly onAuditFailed?: () => void;
  /** How files are written to the disk; the system's way if not given. */
  readonly sync?: SyncFile;
}

/** @throws AppError CFG_UNREADABLE_FILE if one of the files cannot be used. */
export function openStore(options: StoreOptions): Store {
  const { file, auditKeyFile, log, isRead = false, isCheckpointed, sync } = options;
  const path = resolve(file);
  const keyFile = auditKeyFile ?? join(dirname(path), 'audit.key');
  const database = openDatabase(path, { isRead, isKnown: existsSync(keyFile) });
  try {
    const key = auditKey(keyFile);
    if (isCheckpointed) database.pragma('wal_autocheckpoint = 0');
    const store = new SqliteStore(database, path, key, log, new GroupSync(`${path}-wal`, sync));
    store.onAuditFailed = options.onAuditFailed;
    return store;
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteStore implements Store {
  onAuditFailed: StoreOptions['onAuditFailed'];
  readonly outbox: Outbox;
  readonly answers: KeptAnswers;
  readonly followUps: FollowUpJournal;
  readonly audit: AuditChain;
  readonly #database: Database.Database;
  readonly #sync: GroupSync;
  readonly #writes: DurableWrites;
  readonly #file: string;
  readonly #log: Log;
  readonly #claim: Claim;
  readonly #statements: Statements;
  readonly #events: EventTable;
  readonly #retention: RetentionTable;
  /** This process, to others that look at open attempts of the same file. */
  readonly #holder = randomUUID();
  #saidClaimed = false;
  #open: readonly OpenCount[] = [];

  constructor(database: Database.Database, file: string, key: Buffer, log: Log, sync: GroupSync) {
    this.audit = new AuditChain(database, key);
    this.#database = database;
    this.#sync = sync;
    this.#writes = new DurableWrites(database, sync, file);
    this.#file = file;
    this.#log = log;
    this.#claim = new Claim(file);
    this.#events = new EventTable(database);
    this.#retention = new RetentionTable(database, this.audit);
    this.outbox = new OutboxTable(database);
    this.answers = new AnswerTable(database);
    this.#statements = prepareStatements(database);
    this.followUps = new FollowUpTable(database, this.#writes, {
      audit: (act) => this.#append(act),
      mayResolve: () => this.#claim.take(),
    });
  }

  open(record: SessionRecord): void {
    this.#writes.run('open a session', () => this.#statements.openSession.run(sessionRow(record)));
  }

  update(record: SessionRecord): void {
    const { changes } = this.#writes.run('update a session', () =>
      this.#statements.updateSession.run(sessionRow(record)),
    );
    if (changes === 0) throw this.#writes.refusal(`session ${record.sessionId} was never opened`);
  }

  find(sessionId: string): SessionRecord | undefined {
    const row = this.#writes.run('read a session', () => this.#statements.findSession.get(sessionId));
    return row && sessionRecord(row);
  }

  attempts(sessionId: string): readonly AttemptRecord[] {
    return this.#writes
      .run('read attempts', () => this.#statements.attemptsOf.all(sessionId))
      .map(attemptRecord);
  }

  begin(attempt: AttemptRecord): Promise<void> {
    this.#writes.write('journal an attempt', () => {
      this.#writes.assertSound();
      this.#statements.begin.run(attemptRow(attempt));
      this.#append(submitted(attempt));
    });
    return this.#writes.kept('journal an attempt').catch((error: unknown) => {
      this.#withdraw(attempt);
      throw error;
    });
  }

  settle(key: AttemptKey, verdict: Parameters<AttemptJournal['settle']>[1]): Promise<void> {
    this.#writes.write('settle an attempt', () => {
      const { changes } = this.#statements.settle.run({ approvedMinor: null, ...key, ...verdict });
      if (verdict.state !== 'UNKNOWN') this.#statements.endLease.run({ ...key });
      if (changes > 0) this.#append(settled(key, verdict));
      else if (this.#statements.stateOf.get({ ...key }) !== verdict.state) {
        throw this.#writes.refusal(
          `attempt ${key.attempt} of session ${key.sessionId} is not open, so not ${verdict.state}`,
        );
      }
    });
    return this.#writes.kept('settle an attempt');
  }

  lease({ sessionId, attempt }: AttemptKey, now: string, until: string): Lease {
    return this.#writes.write('lease an attempt', () => {
      const state = this.#statements.stateOf.get({ sessionId, attempt });
      if (state !== 'SUBMITTING' && state !== 'UNKNOWN') return 'closed';
      // A lease longer than any that is given is of a time when the clock stood elsewhere.
      const latest = new Date(Date.parse(until) + kLongestLeaseMs).toISOString();
      const asked = { sessionId, attempt, holder: this.#holder, now, until, latest };
      return this.#statements.lease.run(asked).changes === 1 ? 'taken' : 'busy';
    });
  }

  spentBy(customerId: string, merchantId: string | null, currency: string, since: string): number {
    const asked = { customerId, merchantId, currency, since };
    return this.#writes.run('add up what a customer paid', () => this.#statements.spent.get(asked) ?? 0);
  }

  settleByHand(
    key: AttemptKey,
    verdict: HandVerdict,
    by: { readonly actor: string; readonly note: string },
  ): boolean {
    return this.#writes.writeThrough('settle an attempt by hand', () => {
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
    return this.#writes.run('list payments', () => this.#statements.list.all(asked)).map(ledgerEntry);
  }

  sessions(page: Page, filter: SessionFilter = {}): readonly SessionRecord[] {
    const { topology = null, outcome = null, customerId = null, reference = null, callId = null } = filter;
    const asked = { topology, outcome, customerId, reference, callId, ...pageRow(page) };
    return this.#writes.run('list sessions', () => this.#statements.sessions.all(asked)).map(sessionRecord);
  }

  payment(paymentRef: string): readonly LedgerEntry[] {
    return this.#writes
      .run('read a payment', () => this.#statements.payment.all(paymentRef))
      .map(ledgerEntry);
  }

  append(event: Omit<LiveEvent, 'id'>): number {
    return this.#writes.run('keep an event', () => this.#events.append(event));
  }

  eventsAfter(id: number, limit: number, sessionId?: string): readonly LiveEvent[] {
    return this.#writes.run('read events', () => this.#events.after(id, limit, sessionId));
  }

  newestEventId(): number {
    return this.#writes.run('read events', () => this.#events.newestId());
  }

  record(act: AuditAct): void {
    this.#writes.writeThrough('write the audit', () => this.#append(act));
  }

  unresolved(): readonly OpenAttemptRecord[] {
    return this.#writes.run('read open attempts', () => {
      if (this.#claim.take()) return this.#statements.unresolved.all().map(openAttempt);
      if (!this.#saidClaimed)
        this.#log.warn({ file: this.#file }, 'another process resolves the open payments of this store');
      this.#saidClaimed = true;
      return [];
    });
  }

  mayResolve(): boolean {
    return this.#writes.run('take the right to resolve', () => this.#claim.take());
  }

  endOrphans(endedAt: string): number {
    return this.#writes.run('end sessions of a process that died', () =>
      this.#claim.take() ? this.#endOrphans(endedAt) : 0,
    );
  }

  countOpen(): readonly OpenCount[] {
    try {
      this.#open = this.#writes.run('count open payments', () => this.#statements.countOpen.all());
    } catch (error) {
      this.#log.error({ err: error }, 'the store cannot be read');
    }
    return this.#open;
  }

  retire(what: Retained, before: string, limit: number, isFirst: boolean): number {
    return this.#writes.run('delete what is old', () => {
      if (!this.#retention.isDue(what, before)) return 0;
      return this.#writes.write('delete what is old', () => {
        if (isFirst) this.#retention.note(what, before, new Date().toISOString());
        return this.#retention.delete(what, { before, limit });
      });
    });
  }

  check(): StoreHealth {
    try {
      this.#writes.run('write', () => {
        this.#writes.assertSound();
        this.#sync.assertSound();
        this.#statements.probe.run(kProbeBytes);
      });
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : 'unknown' };
    }
  }

  close(): void {
    this.#claim.release();
    this.#sync.close();
    this.#database.close();
  }

  #endOrphans(endedAt: string): number {
    return this.#writes.writeThrough('end sessions of a process that died', () => {
      const ended = this.#statements.endOrphans.all({ endedAt });
      for (const { sessionId, result } of ended) {
        this.#events.append({ sessionId, at: endedAt, type: 'ended', detail: { result } });
      }
      return ended.length;
    });
  }

  #append(act: AuditAct): void {
    try {
      this.audit.append(act, new Date().toISOString());
    } catch (error) {
      this.onAuditFailed?.();
      throw error;
    }
  }

  /** What was sent to nobody is none of a payment's attempts, though its row may be there after all. */
  #withdraw({ sessionId, attempt }: AttemptRecord): void {
    try {
      const verdict = { transactionId: null, declineClass: null, declineCode: null, approvedMinor: null };
      this.#statements.settle.run({
        sessionId,
        attempt,
        ...verdict,
        state: 'NOT_SENT',
        doneAt: new Date().toISOString(),
      });
    } catch (error) {
      this.#log.error({ sessionId, attempt, err: error }, 'an attempt that was not sent stands open');
    }
  }
}
