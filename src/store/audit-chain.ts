import { createHmac } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { AuditAct, AuditAnchor, AuditEntry, AuditVerdict } from '../ports/audit.ts';

/** What the first entry is bound to. */
const kNoMac = '';
const kTrimmed = 'audit.trimmed';

/** As the row has it: `detail` is JSON. */
interface Entry extends Omit<AuditEntry, 'detail'> {
  readonly detail: string;
}

interface StoredEntry extends Entry {
  readonly mac: string;
}

type Head = AuditAnchor;

/**
 * Append-only list of who did what. Each entry has a MAC over itself and the MAC before it, so that none can be changed, taken out, put in or
 * moved unnoticed without the key; the head tells that none is missing at the end. The oldest may be let go of: an entry says so, with number and MAC of
 * the last that went, and the chain is verified from there.
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

  /** Whether there are entries older than this, or some that were let go of and are still there. */
  isLongerThan(before: string): boolean {
    const first = this.#statements.first.get();
    return first !== undefined && (first.at < before || first.seq <= this.#base().seq);
  }

  /**
   * Lets go of the entries older than this, up to the first that is not; {@link dropTrimmed} deletes them. To be called as {@link append} is.
   */
  trim(before: string, at: string): void {
    const last = this.#statements.lastBefore.get(before);
    if (!last || last.seq <= this.#base().seq) return;
    const { seq, mac } = last;
    this.append({ actor: 'hushpay', action: kTrimmed, object: 'audit', detail: { through: seq, mac } }, at);
    this.#statements.setBase.run({ seq, mac });
  }

  /** @returns how many entries went. */
  dropTrimmed(limit: number): number {
    return this.#statements.drop.run({ seq: this.#base().seq, limit }).changes;
  }

  #base(): Head {
    return this.#statements.base.get() ?? { seq: 0, mac: kNoMac };
  }

  *entries(): Generator<AuditEntry> {
    for (const entry of this.#statements.after.iterate(this.#base().seq)) yield entryOf(entry);
  }

  /** Newest first. @param before - only those of smaller numbers. */
  page(limit: number, before = Number.MAX_SAFE_INTEGER): readonly AuditEntry[] {
    return this.#statements.before.all(before, this.#base().seq, limit).map(entryOf);
  }

  /** What was done to a session and its attempts. */
  entriesOf(sessionId: string): readonly AuditEntry[] {
    // Objects are `<session>` and `<session>/<attempt>`; `0` comes right behind `/`.
    return this.#statements.within.all(sessionId, `${sessionId}/`, `${sessionId}0`).map(entryOf);
  }

  /** @param anchor - an earlier head, which must still be in the chain. */
  verify(anchor?: Head): AuditVerdict {
    const base = this.#base();
    if (anchor && anchor.seq > 0 && anchor.seq < base.seq) {
      return broken(anchor.seq, `it was let go of with all up to ${base.seq}: take a newer anchor`);
    }
    let { seq, mac } = base;
    let isAnchored = anchor === undefined || anchor.seq === 0;
    let isBaseNoted = base.seq === 0;
    const meetAnchor = () => {
      if (anchor?.seq !== seq) return true;
      isAnchored = true;
      return anchor.mac === mac;
    };
    if (!meetAnchor()) return broken(seq, 'it is not the entry the anchor was taken from');
    for (const entry of this.#statements.after.iterate(base.seq)) {
      if (entry.seq !== seq + 1) return broken(seq + 1, 'it is missing');
      if (this.#macOf(mac, entry) !== entry.mac) {
        return broken(entry.seq, 'it, or the entry before it, was changed or moved, or the key is another');
      }
      ({ seq, mac } = entry);
      if (!meetAnchor()) return broken(seq, 'it is not the entry the anchor was taken from');
      isBaseNoted ||= isNoteOf(entry, base);
    }
    const head = this.head();
    if (head.seq !== seq || head.mac !== mac) return broken(seq + 1, 'entries are missing at the end');
    if (anchor && !isAnchored) return broken(seq + 1, `the chain ends before the anchor ${anchor.seq}`);
    if (!isBaseNoted)
      return broken(base.seq, 'it and all before it are gone, and no entry says that they were let go of');
    return { ok: true, entries: seq - base.seq, head: `${seq}:${mac}` };
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

function isNoteOf({ action, detail }: StoredEntry, { seq, mac }: Head): boolean {
  return action === kTrimmed && detail === JSON.stringify({ through: seq, mac });
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
    after: database.prepare<[number], StoredEntry>('SELECT * FROM audit WHERE seq > ? ORDER BY seq'),
    before: database.prepare<[number, number, number], StoredEntry>(
      'SELECT * FROM audit WHERE seq < ? AND seq > ? ORDER BY seq DESC LIMIT ?',
    ),
    first: database.prepare<[], Pick<StoredEntry, 'seq' | 'at'>>(
      'SELECT seq, at FROM audit ORDER BY seq LIMIT 1',
    ),
    // Up to the first that is not older: a clock that stood wrong for a while lets nothing go too early.
    lastBefore: database.prepare<[string], Head>(
      `SELECT seq, mac FROM audit
       WHERE seq < coalesce((SELECT seq FROM audit WHERE at >= ? ORDER BY seq LIMIT 1), 9e18)
       ORDER BY seq DESC LIMIT 1`,
    ),
    base: database.prepare<[], Head>('SELECT seq, mac FROM audit_base'),
    setBase: database.prepare<[object]>('INSERT OR REPLACE INTO audit_base VALUES (1, @seq, @mac)'),
    drop: database.prepare<[object]>(
      'DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq <= @seq ORDER BY seq LIMIT @limit)',
    ),
  };
}
