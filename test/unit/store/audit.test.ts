import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kVerdict = {
  state: 'DECLINED',
  transactionId: null,
  declineClass: 'soft',
  declineCode: '51',
  doneAt: '2026-11-21T12:01:02.000Z',
} as const;

let directory: string;
let file: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-audit-'));
  file = join(directory, 'hushpay.sqlite');
  store = openStore({ file, log: new FakeLog() });
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

/** Writes three entries: an intent, its verdict, and an act that is no payment. */
function writeThree(): void {
  store.open(sessionOf());
  store.begin(attemptOf());
  store.settle({ sessionId: 'S1', attempt: 1 }, kVerdict);
  store.record({ actor: 'api:desk', action: 'session.cancelled', object: 'S1', detail: { reason: 'asked' } });
}

/** As somebody does who has the database and not the key. */
function tamper(...statements: readonly string[]): void {
  const database = new Database(file);
  database.exec('DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted');
  for (const statement of statements) database.exec(statement);
  database.close();
}

describe('the audit', () => {
  it('has what was done to one session and its attempts, and to no other', () => {
    writeThree();
    store.record({ actor: 'api:desk', action: 'session.cancelled', object: 'S10', detail: {} });
    expect(store.audit.entriesOf('S1').map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(store.audit.entriesOf('S')).toEqual([]);
  });

  it('has what the journal wrote, in order, without a card', () => {
    writeThree();
    const entries = [...store.audit.entries()];
    expect(entries.map(({ seq, actor, action, object }) => [seq, actor, action, object])).toEqual([
      [1, 'hushpay', 'payment.submitted', 'S1/1'],
      [2, 'hushpay', 'payment.settled', 'S1/1'],
      [3, 'api:desk', 'session.cancelled', 'S1'],
    ]);
    expect(entries[0]?.detail).toEqual({
      paymentRef: 'R4K7Z2M9QX3TB8VA',
      gateway: 'fake',
      amountMinor: 1050,
      currency: 'EUR',
      brand: 'visa',
      last4: '4242',
    });
    expect(entries[1]?.detail).toMatchObject({ state: 'DECLINED', declineCode: '51' });
  });

  it('is whole after any number of entries, also by another process', () => {
    writeThree();
    const other = openStore({ file, log: new FakeLog() });
    other.record({ actor: 'cli:op', action: 'x', object: 'y', detail: {} });
    other.close();
    store.record({ actor: 'cli:op', action: 'x', object: 'z', detail: {} });
    expect(store.audit.verify()).toMatchObject({ ok: true, entries: 5 });
  });

  it('has no entry of a write that failed', () => {
    writeThree();
    expect(() => store.begin(attemptOf())).toThrow();
    expect(() => store.settle({ sessionId: 'S1', attempt: 9 }, kVerdict)).toThrow();
    expect(store.audit.verify()).toMatchObject({ ok: true, entries: 3 });
  });

  it('cannot be changed or deleted by a slip', () => {
    writeThree();
    const database = new Database(file);
    expect(() => database.exec("UPDATE audit SET actor = 'nobody'")).toThrow('never changed');
    expect(() => database.exec('DELETE FROM audit')).toThrow('never deleted');
    database.close();
  });

  it.each([
    ['a changed byte', ["UPDATE audit SET actor = 'api:desj' WHERE seq = 3"], 3],
    ['a changed detail', ["UPDATE audit SET detail = replace(detail, '1050', '1051') WHERE seq = 1"], 1],
    ['an entry taken out', ['DELETE FROM audit WHERE seq = 2'], 2],
    ['the end cut off', ['DELETE FROM audit WHERE seq = 3'], 3],
    [
      'two entries exchanged',
      [
        'UPDATE audit SET seq = 9 WHERE seq = 1',
        'UPDATE audit SET seq = 1 WHERE seq = 2',
        'UPDATE audit SET seq = 2 WHERE seq = 9',
      ],
      1,
    ],
    [
      'one put in',
      ['INSERT INTO audit SELECT 4, at, actor, action, object, detail, mac FROM audit WHERE seq = 3'],
      4,
    ],
    ['all of it gone', ['DELETE FROM audit'], 1],
  ])('shows %s', (_name, statements, seq) => {
    writeThree();
    tamper(...statements);
    expect(store.audit.verify()).toMatchObject({ ok: false, seq });
  });

  it('shows by an anchor that an older copy was put in its place', () => {
    writeThree();
    const copy = join(directory, 'copy.sqlite');
    const database = new Database(file);
    database.exec(`VACUUM INTO '${copy}'`);
    database.close();
    store.record({ actor: 'cli:op', action: 'x', object: 'y', detail: {} });
    const anchor = store.audit.head();
    const older = openStore({ file: copy, log: new FakeLog() });
    expect(older.audit.verify()).toMatchObject({ ok: true });
    expect(older.audit.verify(anchor)).toMatchObject({
      ok: false,
      seq: 4,
      reason: 'the chain ends before the anchor 4',
    });
    older.record({ actor: 'cli:op', action: 'x', object: 'other', detail: {} });
    expect(older.audit.verify(anchor)).toMatchObject({ ok: false, seq: 4 });
    older.close();
  });

  it('cannot be verified with another key', () => {
    writeThree();
    const other = openStore({ file, auditKeyFile: join(directory, 'other.key'), log: new FakeLog() });
    expect(other.audit.verify()).toMatchObject({ ok: false, seq: 1 });
    other.close();
  });
});

describe('the key of the audit', () => {
  it('is a file of its own that only its owner may read', () => {
    expect(statSync(join(directory, 'audit.key')).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['others may read', (path: string) => chmodSync(path, 0o644), 'chmod 600'],
    ['is no key', (path: string) => writeFileSync(path, 'secret'), 'Put the right file back'],
  ])('is refused with a remedy when it %s', (_name, spoil, remedy) => {
    const path = join(directory, 'spoiled.key');
    copyFileSync(join(directory, 'audit.key'), path);
    spoil(path);
    expect(() => openStore({ file, auditKeyFile: path, log: new FakeLog() })).toThrow(remedy);
  });
});

describe('settling by hand', () => {
  const kKey = { sessionId: 'S1', attempt: 1 };
  const kBy = { actor: 'cli:op', note: 'voided at the bank, card 4242 4242 4242 4242' };

  beforeEach(() => {
    store.open(sessionOf());
    store.begin(attemptOf());
  });

  it('ends what nobody could settle, and the audit says who did it', () => {
    store.settle(kKey, { ...kVerdict, state: 'MANUAL', declineClass: null, declineCode: null });
    expect(store.settleByHand(kKey, 'REVERSED', kBy)).toBe(true);
    expect(store.payment('R4K7Z2M9QX3TB8VA')).toMatchObject([{ state: 'REVERSED', customerId: 'C-77' }]);
    const last = [...store.audit.entries()].at(-1);
    expect(last).toMatchObject({ actor: 'cli:op', action: 'payment.settled_by_hand', object: 'S1/1' });
    expect(last?.detail['note']).not.toContain('4242 4242');
  });

  it('leaves alone what is still followed up, or settled', () => {
    expect(store.settleByHand(kKey, 'REVERSED', kBy)).toBe(false);
    store.settle(kKey, kVerdict);
    expect(store.settleByHand(kKey, 'REVERSED', kBy)).toBe(false);
    expect(store.audit.verify()).toMatchObject({ ok: true, entries: 2 });
  });

  it('is found by asking for what needs a person', () => {
    store.settle(kKey, { ...kVerdict, state: 'MANUAL' });
    expect(store.list(10, ['MANUAL', 'UNKNOWN'])).toHaveLength(1);
    expect(store.list(10, ['UNKNOWN'])).toHaveLength(0);
    expect(store.list(10)).toHaveLength(1);
  });
});
