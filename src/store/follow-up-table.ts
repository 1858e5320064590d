import type Database from 'better-sqlite3';
import { maskCardLike } from '../card/card-like.ts';
import type { AuditAct } from '../ports/audit.ts';
import type { FollowUpJournal, FollowUpRecord, OpenFollowUpRecord, PaymentBook } from '../ports/store.ts';
import type { DurableWrites } from './durable-writes.ts';
import { attemptRecord, type Row } from './rows.ts';
import { ageMs, uptimeAt } from './uptime.ts';

const kColumns = [
  'key',
  'request_key',
  'session_id',
  'attempt',
  'payment_ref',
  'kind',
  'state',
  'amount_minor',
  'currency',
  'exponent',
  'gateway',
  'transaction_id',
  'reason',
  'actor',
  'note',
  'sent_at',
  'done_at',
  'sent_uptime',
] as const;

/** What the table needs of the store around it. */
export interface StoreTools {
  /** In the transaction of a write. */
  audit(act: AuditAct): void;
  mayResolve(): boolean;
}

/** Captures, voids and refunds. What is written is in the audit from the same transaction on. */
export class FollowUpTable implements FollowUpJournal {
  readonly #writes: DurableWrites;
  readonly #tools: StoreTools;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database, writes: DurableWrites, tools: StoreTools) {
    this.#writes = writes;
    this.#tools = tools;
    this.#statements = prepare(database);
  }

  async begin<T extends { readonly record?: FollowUpRecord }>(
    paymentRef: string,
    plan: (book: PaymentBook) => T,
  ): Promise<T> {
    let begun: FollowUpRecord | undefined;
    const planned = this.#writes.write('journal a follow-up', () => {
      this.#writes.assertSound();
      const made = plan(this.#book(paymentRef));
      const { record } = made;
      if (record && !this.#statements.find.get(record.key)) {
        this.#statements.insert.run(rowOf(record));
        this.#tools.audit(submitted(record));
        begun = record;
      }
      return made;
    });
    try {
      await this.#writes.kept('journal a follow-up');
    } catch (error) {
      if (begun) this.#withdraw(begun);
      throw error;
    }
    return planned;
  }

  settle(key: string, verdict: Parameters<FollowUpJournal['settle']>[1]): Promise<void> {
    return this.#writes.writeDurably('settle a follow-up', () => {
      const row = this.#statements.find.get(key);
      const { changes } = this.#statements.settle.run({ key, ...verdict });
      if (!row || changes === 0)
        throw this.#writes.refusal(`follow-up ${key} is not open, so not ${verdict.state}`);
      const { state, transactionId, reason } = verdict;
      this.#tools.audit(act(recordOf(row), 'hushpay', 'settled', { state, transactionId, reason }));
    });
  }

  settleByHand(
    key: string,
    state: 'DONE' | 'NOT_DONE',
    { actor, note }: { readonly actor: string; readonly note: string },
  ): boolean {
    return this.#writes.writeThrough('settle a follow-up by hand', () => {
      const row = this.#statements.find.get(key);
      const { changes } = this.#statements.settleByHand.run({ key, state, doneAt: new Date().toISOString() });
      if (!row || changes === 0) return false;
      this.#tools.audit(act(recordOf(row), actor, 'settled_by_hand', { state, note: maskCardLike(note) }));
      return true;
    });
  }

  book(paymentRef: string): PaymentBook {
    return this.#writes.run('read a payment', () => this.#book(paymentRef));
  }

  unresolved(): readonly OpenFollowUpRecord[] {
    return this.#writes.run('read open follow-ups', () =>
      this.#tools.mayResolve() ? this.#statements.unresolved.all().map(openRecordOf) : [],
    );
  }

  /** What was sent to nobody must not be sent by whoever finds its row, which may be there after all. */
  #withdraw(record: FollowUpRecord): void {
    const verdict = { state: 'NOT_SENT', transactionId: null, reason: 'the disk did not keep the intent' };
    try {
      this.#writes.write('withdraw a follow-up', () => {
        this.#statements.settle.run({ key: record.key, ...verdict, doneAt: new Date().toISOString() });
        this.#tools.audit(act(record, 'hushpay', 'settled', verdict));
      });
    } catch {
      // The row stands open: it is looked up, and what the gateway never had may be sent then.
    }
  }

  #book(paymentRef: string): PaymentBook {
    return {
      attempts: this.#statements.attempts.all(paymentRef).map(attemptRecord),
      followUps: this.#statements.ofPayment.all(paymentRef).map(recordOf),
    };
  }
}

function submitted(record: FollowUpRecord): AuditAct {
  const { kind, gateway, amount, note } = record;
  const detail = { kind, gateway, amountMinor: amount.minor, currency: amount.currency };
  return act(record, record.actor, 'submitted', { ...detail, note: maskCardLike(note) });
}

function act(
  { sessionId, attempt, paymentRef, kind, key }: FollowUpRecord,
  actor: string,
  what: string,
  detail: AuditAct['detail'],
): AuditAct {
  return {
    actor,
    action: `payment.${kind}.${what}`,
    object: `${sessionId}/${attempt}`,
    detail: { paymentRef, key, ...detail },
  };
}

function rowOf(record: FollowUpRecord): Row {
  const { amount, ...rest } = record;
  return {
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        value,
      ]),
    ),
    amount_minor: amount.minor,
    currency: amount.currency,
    exponent: amount.exponent,
    sent_uptime: uptimeAt(record.sentAt),
  };
}

/** Rows are only ever written by {@link rowOf}, so the types hold. */
function recordOf(row: Row): FollowUpRecord {
  const { amount_minor: minor, currency, exponent, sent_uptime: _, ...rest } = row;
  return {
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name.replace(/_(.)/g, (_match, letter) => letter.toUpperCase()),
        value,
      ]),
    ),
    amount: { minor, currency, exponent },
  } as unknown as FollowUpRecord;
}

function openRecordOf(row: Row): OpenFollowUpRecord {
  const uptime = row['sent_uptime'];
  return { ...recordOf(row), knownAgeMs: ageMs(typeof uptime === 'string' ? uptime : null) };
}

function prepare(database: Database.Database) {
  const columns = kColumns.join(', ');
  const values = kColumns.map((column) => `@${column}`).join(', ');
  return {
    insert: database.prepare<[Row]>(`INSERT INTO follow_up (${columns}) VALUES (${values})`),
    find: database.prepare<[string], Row>('SELECT * FROM follow_up WHERE key = ?'),
    attempts: database.prepare<[string], Row>('SELECT * FROM attempt WHERE payment_ref = ? ORDER BY attempt'),
    ofPayment: database.prepare<[string], Row>(
      'SELECT * FROM follow_up WHERE payment_ref = ? ORDER BY sent_at, key',
    ),
    unresolved: database.prepare<[], Row>(
      `SELECT * FROM follow_up WHERE state IN ('SUBMITTING', 'UNKNOWN') ORDER BY sent_at`,
    ),
    settle: database.prepare<[Row]>(
      `UPDATE follow_up SET state = @state, transaction_id = coalesce(@transactionId, transaction_id),
         reason = @reason, done_at = @doneAt
       WHERE key = @key AND state IN ('SUBMITTING', 'UNKNOWN')`,
    ),
    settleByHand: database.prepare<[Row]>(
      `UPDATE follow_up SET state = @state, done_at = @doneAt WHERE key = @key AND state = 'MANUAL'`,
    ),
  };
}
