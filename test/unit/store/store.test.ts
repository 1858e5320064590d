import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { openDatabase } from '../../../src/store/database-file.ts';
import { kMigrations } from '../../../src/store/migrations.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kApproved = { state: 'APPROVED', transactionId: 'T1', declineClass: null, declineCode: null } as const;
const kPageBytes = 4096;
const kDoneAt = '2026-11-21T12:01:02.000Z';

let directory: string;
let file: string;
let log: FakeLog;
const open: Store[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-store-'));
  file = join(directory, 'data', 'hushpay.db');
  log = new FakeLog();
});

afterEach(() => {
  for (const store of open.splice(0)) store.close();
  rmSync(directory, { recursive: true, force: true });
});

function opened(path = file): Store {
  const store = openStore({ file: path, log });
  open.push(store);
  return store;
}

/** The error a call throws. */
function errorOf(call: () => unknown): AppError {
  try {
    call();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('session rows', () => {
  it('come back as they went in, before and after they end', () => {
    const store = opened();
    const begun = sessionOf();
    store.open(begun);
    expect(store.find('S1')).toEqual(begun);
    const ended = sessionOf({
      amountCharged: 1050,
      result: 'APPROVED',
      outcome: 'success',
      transactionId: 'T1',
      authCode: 'A1',
      brand: 'visa',
      last4: '4242',
      attempts: 2,
      declines: 1,
      lastDeclineClass: 'soft',
      lastDeclineCode: '51',
      stageReached: 'RETURN',
      callerPresent: false,
      agentLost: true,
      announced: true,
      endedAt: '2026-11-21T12:02:00.000Z',
      durationMs: 120_000,
      media: { packetsLost: 3, jitterMs: 1.5 },
    });
    store.update(ended);
    expect(store.find('S1')).toEqual(ended);
    expect(store.find('S2')).toBeUndefined();
  });

  it('are opened once and updated only if they were', () => {
    const store = opened();
    store.open(sessionOf());
    expect(errorOf(() => store.open(sessionOf())).code).toBe('STORE_FAILED');
    expect(errorOf(() => store.update(sessionOf({ sessionId: 'S2' }))).message).toContain('never opened');
  });

  it('have no room for more of a card than its last four digits', () => {
    const store = opened();
    expect(errorOf(() => store.open(sessionOf({ last4: '424242' }))).code).toBe('STORE_FAILED');
  });
});

describe('the journal of attempts', () => {
  let store: Store;

  beforeEach(() => {
    store = opened();
    store.open(sessionOf());
  });

  it('gives back what was begun and settled, in order', () => {
    store.begin(attemptOf());
    const declined = {
      state: 'DECLINED',
      transactionId: null,
      declineClass: 'soft',
      declineCode: '51',
    } as const;
    store.settle({ sessionId: 'S1', attempt: 1 }, { ...declined, doneAt: kDoneAt });
    const second = attemptOf({ attempt: 2, idempotencyKey: 'R4K7Z2M9QX3TB8VA02' });
    store.begin(second);
    expect(store.attempts('S1')).toEqual([attemptOf({ ...declined, doneAt: kDoneAt }), second]);
  });

  it('lists what is open, oldest first', () => {
    store.open(sessionOf({ sessionId: 'S2', paymentRef: 'P2' }));
    store.open(sessionOf({ sessionId: 'S3', paymentRef: 'P3' }));
    const other = attemptOf({
      sessionId: 'S2',
      paymentRef: 'P2',
      idempotencyKey: 'P201',
      sentAt: '2026-11-21T11:00:00.000Z',
    });
    const settled = attemptOf({ sessionId: 'S3', paymentRef: 'P3', idempotencyKey: 'P301' });
    store.begin(attemptOf());
    store.begin(other);
    store.begin(settled);
    store.settle({ sessionId: 'S3', attempt: 1 }, { ...kApproved, doneAt: kDoneAt });
    store.settle(
      { sessionId: 'S2', attempt: 1 },
      { ...kApproved, state: 'UNKNOWN', transactionId: null, doneAt: null },
    );
    expect(store.unresolved()).toEqual([
      { ...other, state: 'UNKNOWN', knownAgeMs: null },
      { ...attemptOf(), knownAgeMs: null },
    ]);
    expect(store.countOpen()).toEqual([{ gateway: 'fake', attempts: 2, changes: 0 }]);
  });

  it('knows how long ago an attempt was sent by a clock that nobody sets', () => {
    store.begin(attemptOf({ sentAt: new Date().toISOString() }));
    const [open] = store.unresolved();
    expect(open?.knownAgeMs).toBeGreaterThanOrEqual(0);
    expect(open?.knownAgeMs).toBeLessThan(600_000);
  });

  it('leases an open attempt to one process at a time, and none that is settled', () => {
    store.begin(attemptOf());
    const key = { sessionId: 'S1', attempt: 1 };
    const other = opened();
    const at = (minute: number) => `2026-11-21T12:${String(minute).padStart(2, '0')}:00.000Z`;
    expect(store.lease(key, at(0), at(3))).toBe('taken');
    expect(other.lease(key, at(2), at(5))).toBe('busy');
    expect(store.lease(key, at(2), at(5))).toBe('taken'); // its own
    expect(other.lease(key, at(5), at(8))).toBe('taken'); // it has run out
    expect(store.lease(key, '2026-11-20T12:00:00.000Z', '2026-11-20T12:03:00.000Z')).toBe('taken'); // the date was set back
    store.settle(key, { ...kApproved, doneAt: kDoneAt });
    expect(other.lease(key, at(9), at(12))).toBe('closed');
    expect(store.lease({ ...key, attempt: 7 }, at(9), at(12))).toBe('closed');
  });

  it('adds up what a customer was charged or may have been, by merchant, currency and time', () => {
    const payment = (name: string, changes: Parameters<typeof attemptOf>[0] = {}) => {
      store.open(sessionOf({ sessionId: name, paymentRef: name }));
      store.begin(attemptOf({ sessionId: name, paymentRef: name, idempotencyKey: `${name}01`, ...changes }));
    };
    payment('P1', { state: 'APPROVED' });
    payment('P2', { state: 'UNKNOWN' });
    payment('P3', { state: 'DECLINED' });
    payment('P4', { state: 'APPROVED', merchantId: 'shoes' });
    payment('P5', { state: 'APPROVED', sentAt: '2026-11-20T12:00:00.000Z' });
    const since = '2026-11-21T00:00:00.000Z';
    expect(store.spentBy('C-77', null, 'EUR', since)).toBe(2 * 1050);
    expect(store.spentBy('C-77', 'shoes', 'EUR', since)).toBe(1050);
    expect(store.spentBy('C-77', null, 'USD', since)).toBe(0);
    expect(store.spentBy('C-78', null, 'EUR', since)).toBe(0);
  });

  it.each(['SUBMITTING', 'UNKNOWN', 'APPROVED', 'MANUAL'] as const)(
    'refuses a second attempt while one is %s',
    (state) => {
      store.begin(attemptOf());
      if (state !== 'SUBMITTING')
        store.settle({ sessionId: 'S1', attempt: 1 }, { ...kApproved, state, doneAt: null });
      const second = attemptOf({ attempt: 2, idempotencyKey: 'R4K7Z2M9QX3TB8VA02' });
      expect(errorOf(() => store.begin(second)).code).toBe('STORE_FAILED');
      expect(store.attempts('S1')).toHaveLength(1);
    },
  );

  it('refuses an attempt of a session nobody opened', () => {
    expect(errorOf(() => store.begin(attemptOf({ sessionId: 'S9' }))).code).toBe('STORE_FAILED');
  });

  it('settles an attempt once, and takes an approval back without forgetting its transaction', () => {
    store.begin(attemptOf());
    const key = { sessionId: 'S1', attempt: 1 };
    store.settle(key, { ...kApproved, doneAt: kDoneAt });
    expect(
      errorOf(() => store.settle(key, { ...kApproved, state: 'DECLINED', doneAt: kDoneAt })).message,
    ).toContain('not open');
    store.settle(key, { ...kApproved, state: 'UNKNOWN', transactionId: null, doneAt: null });
    store.settle(key, { ...kApproved, state: 'REVERSED', transactionId: null, doneAt: kDoneAt });
    expect(store.attempts('S1')).toMatchObject([{ state: 'REVERSED', transactionId: 'T1' }]);
    expect(() => store.settle(key, { ...kApproved, doneAt: kDoneAt })).toThrow(AppError);
  });
});

describe('the file', () => {
  it('has a megabyte of its pages in our memory at most', () => {
    const database = openDatabase(file, { isKnown: false, isRead: false });
    expect(database.pragma('cache_size', { simple: true })).toBe(-1024); // KiB
    database.close();
  });

  it('has no large log any more, once what a flood wrote is in it', () => {
    const database = openDatabase(file, { isKnown: false, isRead: false });
    const sizeOfLog = () => statSync(`${file}-wal`).size;
    database.pragma('wal_autocheckpoint = 0');
    database.exec('CREATE TABLE flood (bytes BLOB)');
    const write = database.prepare('INSERT INTO flood VALUES (zeroblob(?))');
    write.run(40 * 2 ** 20);
    expect(sizeOfLog()).toBeGreaterThan(40 * 2 ** 20);
    database.pragma('wal_checkpoint(PASSIVE)');
    write.run(1);
    expect(sizeOfLog()).toBeLessThanOrEqual(16 * 2 ** 20);
    database.close();
  });

  it('is made for its owner alone, in a directory for its owner alone', () => {
    const store = opened();
    store.open(sessionOf());
    store.unresolved();
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(modeOf(join(directory, 'data'))).toBe('700');
    for (const suffix of ['', '-wal', '-shm', '.claim'])
      expect([suffix, modeOf(file + suffix)]).toEqual([suffix, '600']);
  });

  it('loses permissions for others that it came with', () => {
    opened().close();
    chmodSync(file, 0o644);
    opened();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('writes through to the disk, ahead of the data, with keys enforced', () => {
    opened().close();
    const database = new Database(file, { readonly: true });
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.pragma('user_version', { simple: true })).toBe(kMigrations.length);
    database.close();
  });

  it('keeps its rows when it is opened again', () => {
    const store = opened();
    store.open(sessionOf());
    store.begin(attemptOf());
    store.close();
    store.close();
    expect(opened().unresolved()).toEqual([{ ...attemptOf(), knownAgeMs: null }]);
  });

  it.each([
    [
      'a text file',
      () => writeFileSync(file, 'not a database, and long enough to see it: '.repeat(200)),
      'damaged',
    ],
    ['a directory', () => mkdirSync(file), 'cannot be opened'],
  ])('is refused if it is %s', (_what, make, fault) => {
    mkdirSync(join(directory, 'data'));
    make();
    const error = errorOf(() => opened());
    expect(error.code).toBe('CFG_UNREADABLE_FILE');
    for (const part of [file, fault, 'Expected', 'SQLite']) expect(error.message).toContain(part);
  });

  it('is refused if its directory cannot be made', () => {
    writeFileSync(join(directory, 'data'), '');
    const error = errorOf(() => opened());
    expect([error.code, error.message]).toEqual(['CFG_UNREADABLE_FILE', expect.stringContaining(file)]);
  });

  it('is refused if a newer version made it', () => {
    opened().close();
    const database = new Database(file);
    database.pragma('user_version = 99');
    database.close();
    const error = errorOf(() => opened());
    expect([error.code, error.message]).toEqual(['CFG_UNREADABLE_FILE', expect.stringContaining('newer')]);
  });

  it('is found damaged when a page of it is', () => {
    const store = opened();
    for (let row = 0; row < 300; row++)
      store.open(sessionOf({ sessionId: `S${row}`, paymentRef: `P${row}` }));
    store.close();
    const database = new Database(file, { readonly: true });
    const page = Number(
      database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'session'").pluck().get(),
    );
    database.close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, (page - 1) * kPageBytes, page * kPageBytes));
    const damaged = opened();
    const error = errorOf(() => damaged.find('S7'));
    expect([error.code, error.message]).toEqual(['STORE_FAILED', expect.stringContaining('damaged')]);
  });
});

describe('a second store on the same file', () => {
  it('leaves open attempts to the first until that one closes', () => {
    const first = opened();
    first.open(sessionOf());
    first.begin(attemptOf());
    expect(first.unresolved()).toHaveLength(1);
    const second = opened();
    expect(second.unresolved()).toEqual([]);
    expect(second.countOpen()).toMatchObject([{ attempts: 1 }]);
    expect(log.lines).toMatchObject([{ level: 'warn' }]);
    first.close();
    expect(second.unresolved()).toHaveLength(1);
  });
});

describe('the health check', () => {
  it('is good while a write would go through, and changes nothing', () => {
    const store = opened();
    expect(store.check()).toEqual({ ok: true });
    store.close();
    expect(opened().check()).toEqual({ ok: true });
  });

  it('says why a write would not go through', () => {
    const store = opened();
    store.close();
    expect(store.check()).toEqual({ ok: false, reason: expect.stringContaining(file) });
  });
});
