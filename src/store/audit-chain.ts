import { createHmac } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { AuditAct, AuditEntry, AuditVerdict } from '../ports/audit.ts';

/** What the first entry is bound to. */
const kNoMac = '';

/** As the row has it: `detail` is JSON. */
interface Entry extends Omit<AuditEntry, 'detail'> {
  readonly detail: string;
}

interface StoredEntry extends Entry {
  readonly mac: string;
}

interface Head {
  readonly seq: number;
  readonly mac: string;
}

/**
 * Append-only list of who did what. Each entry has a MAC over itself and the MAC before it, so that none can be changed, taken out, put in or
 * moved unnoticed without the key; the head tells that none is missing at the end.
 */
export class AuditChain {
  readonly #key: Buffer;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database, key: Buffer) {
    this.#key = key;
    this.#statements = prepare(database);
  }

  /** To be called in a transaction that holds the write lock, so that two processes cannot follow the same entry. */
  append(act: AuditAct, at: string): void {
    const { seq: before, mac: previous } = this.head();
    const entry = { ...act, detail: JSON.stringify(act.detail), seq: before + 1, at };
    const mac = this.#macOf(previous, entry);
    this.#statements.append.run({ ...entry, mac });
    this.#statements.setHead.run({ seq: entry.seq, mac });
  }

  /** The newest entry's number and MAC: an anchor, to be kept where nobody who may write the database can. */
  head(): Head {
    return this.#statements.head.get() ?? { seq: 0, mac: kNoMac };
  }

  *entries(): Generator<AuditEntry> {
    for (const entry of this.#statements.all.iterate()) yield entryOf(entry);
  }

  /** What was done to a session and its attempts. */
  entriesOf(sessionId: string): readonly AuditEntry[] {
    // Objects are `<session>` and `<session>/<attempt>`; `0` comes right behind `/`.
    return this.#statements.within.all(sessionId, `${sessionId}/`, `${sessionId}0`).map(entryOf);
  }

  /** @param anchor - an earlier head, which must still be in the chain. */
  verify(anchor?: Head): AuditVerdict {
    let { seq, mac }: Head = { seq: 0, mac: kNoMac };
    let isAnchored = anchor === undefined || anchor.seq === 0;
    for (const entry of this.#statements.all.iterate()) {
      if (entry.seq !== seq + 1) return broken(seq + 1, 'it is missing');
      if (this.#macOf(mac, entry) !== entry.mac) {
        return broken(entry.seq, 'it, or the entry before it, was changed or moved, or the key is another');
      }
      ({ seq, mac } = entry);
      if (anchor && anchor.seq === seq) {
        if (anchor.mac !== mac) return broken(seq, 'it is not the entry the anchor was taken from');
        isAnchored = true;
      }
    }
    const head = this.head();
    if (head.seq !== seq || head.mac !== mac) return broken(seq + 1, 'entries are missing at the end');
    if (anchor && !isAnchored) return broken(seq + 1, `the chain ends before the anchor ${anchor.seq}`);
    return { ok: true, entries: seq, head: `${seq}:${mac}` };
  }

  #macOf(previous: string, { seq, at, actor, action, object, detail }: Entry): string {
    // JSON keeps fields apart, whatever is in them.
    const text = JSON.stringify([previous, seq, at, actor, action, object, detail]);
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

function entryOf({ mac: _, detail, ...entry }: StoredEntry): AuditEntry {
  return { ...entry, detail: JSON.parse(detail) };
}

function broken(seq: number, reason: string): AuditVerdict {
  return { ok: false, seq, reason };
}

function prepare(database: Database.Database) {
  return {
    append: database.prepare<[object]>(
      'INSERT INTO audit VALUES (@seq, @at, @actor, @action, @object, @detail, @mac)',
    ),
    head: database.prepare<[], Head>('SELECT seq, mac FROM audit_head'),
    setHead: database.prepare<[object]>('INSERT OR REPLACE INTO audit_head VALUES (1, @seq, @mac)'),
    within: database.prepare<[string, string, string], StoredEntry>(
      'SELECT * FROM audit WHERE object = ? OR (object >= ? AND object < ?) ORDER BY seq',
    ),
    all: database.prepare<[], StoredEntry>('SELECT * FROM audit ORDER BY seq'),
  };
}
