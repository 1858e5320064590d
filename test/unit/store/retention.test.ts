import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/ports/clock.ts';
import { Retention } from '../../../src/store/retention.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kOld = '2025-01-01T00:00:00.000Z';
const kNew = '2026-11-21T11:00:00.000Z';
const kBefore = '2026-01-01T00:00:00.000Z';
const kDays = { sessions: 30, events: 30, deliveries: 30, audit: 365 };
const kApproved = { state: 'APPROVED', transactionId: 'T1', declineClass: null, declineCode: null } as const;

let directory: string;
let file: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-retention-'));
  file = join(directory, 'hushpay.sqlite');
  store = openStore({ file, log: new FakeLog() });
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

function session(
  name: string,
  startedAt: string,
  state: 'APPROVED' | 'UNKNOWN' | 'MANUAL' = 'APPROVED',
): void {
  const ended = { result: 'APPROVED', outcome: 'success' } as const;
  store.open(sessionOf({ sessionId: name, paymentRef: name, startedAt, ...ended }));
  void store.begin(attemptOf({ sessionId: name, paymentRef: name, idempotencyKey: `${name}01` }));
  void store.settle({ sessionId: name, attempt: 1 }, { ...kApproved, state, doneAt: startedAt });
}

/** As somebody does who has the database and not the key. */
function tamper(...statements: readonly string[]): void {
  const database = new Database(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

describe('what is kept long enough', () => {
  it('goes, with what belongs to it, and the audit says so first', () => {
    session('old', kOld);
    session('new', kNew);
    expect(store.retire('sessions', kBefore, 100, true)).toBe(1);
    expect([store.find('old'), store.attempts('old')]).toEqual([undefined, []]);
    expect(store.find('new')).toBeDefined();
    const last = [...store.audit.entries()].at(-1);
    expect(last).toMatchObject({
      action: 'retention.deleted',
      object: 'sessions',
      detail: { before: kBefore },
    });
    expect(store.retire('sessions', kBefore, 100, true)).toBe(0);
    expect([...store.audit.entries()].at(-1)).toEqual(last); // nothing was done, nothing is said
  });

  it.each(['UNKNOWN', 'MANUAL'] as const)('stays while an attempt of it is %s', (state) => {
    session('old', kOld, state);
    expect(store.retire('sessions', kBefore, 100, true)).toBe(0);
    expect(store.find('old')).toBeDefined();
  });

  it('stays while an integration has not been told of it', () => {
    for (const sessionId of ['a', 'b', 'c']) store.append({ sessionId, at: kOld, type: 'ended', detail: {} });
    store.outbox.fill('crm', [], 2, kNew);
    expect(store.retire('events', kBefore, 100, true)).toBe(2);
    expect(store.eventsAfter(0, 10)).toMatchObject([{ sessionId: 'c' }]);
  });

  it('stays while a message waits to be delivered', () => {
    const message = { type: 'payment.completed', sessionId: 'a', body: '{}' } as const;
    store.outbox.fill('crm', [message, message], 0, kOld);
    const [first] = store.outbox.due(kNew, kNew, 10);
    store.outbox.settle(first?.id ?? 0, {
      state: 'delivered',
      lastAnswer: '200',
      nextAt: null,
      doneAt: kOld,
    });
    expect(store.retire('deliveries', kBefore, 100, true)).toBe(1);
    expect(store.outbox.countWaiting()).toBe(1);
  });
});

describe('the audit', () => {
  const kSoon = '2100-01-01T00:00:00.000Z'; // everything is older than that

  beforeEach(() => {
    for (let act = 1; act <= 10; act++)
      store.record({ actor: 'a', action: 'b', object: `${act}`, detail: {} });
  });

  it('can be verified after its oldest entries were let go of, also while they are still being deleted', () => {
    const { seq, mac } = store.audit.head();
    expect(store.retire('audit', kSoon, 4, true)).toBe(4);
    expect(store.audit.verify()).toMatchObject({ ok: true, entries: 1 });
    expect(store.retire('audit', kSoon, 4, false)).toBe(4);
    expect(store.retire('audit', kSoon, 4, false)).toBe(2);
    store.record({ actor: 'a', action: 'b', object: '11', detail: {} });
    expect(store.audit.verify({ seq, mac })).toMatchObject({ ok: true, entries: 2 });
    expect([...store.audit.entries()]).toMatchObject([
      { seq: 11, action: 'audit.trimmed', detail: { through: 10 } },
      { seq: 12, object: '11' },
    ]);
  });

  it('says of an anchor among them that it can no longer be verified', () => {
    store.retire('audit', kSoon, 100, true);
    expect(store.audit.verify({ seq: 3, mac: 'x' })).toMatchObject({ ok: false, seq: 3 });
    expect(store.audit.verify({ seq: 10, mac: 'x' })).toMatchObject({ ok: false, seq: 10 });
  });

  it('shows entries that somebody else took away', () => {
    const database = new Database(file);
    const mac = database.prepare('SELECT mac FROM audit WHERE seq = 6').pluck().get();
    database.close();
    tamper(`INSERT INTO audit_base VALUES (1, 6, '${mac}')`, 'DELETE FROM audit WHERE seq <= 6');
    expect(store.audit.verify()).toMatchObject({
      ok: false,
      seq: 6,
      reason: expect.stringContaining('gone'),
    });
  });

  it('shows that more was taken away than was let go of', () => {
    store.retire('audit', kSoon, 100, true);
    for (let act = 1; act <= 3; act++) store.record({ actor: 'a', action: 'b', object: 'c', detail: {} });
    const database = new Database(file);
    const mac = database.prepare('SELECT mac FROM audit WHERE seq = 12').pluck().get();
    database.close();
    tamper(`UPDATE audit_base SET seq = 12, mac = '${mac}'`, 'DELETE FROM audit WHERE seq <= 12');
    expect(store.audit.verify()).toMatchObject({ ok: false, seq: 12 });
  });

  it('is deleted by nobody before it was let go of', () => {
    expect(() => tamper('DELETE FROM audit WHERE seq = 1')).toThrow('never deleted');
  });
});

it('goes a little at a time, hour after hour, and goes on after a disk that failed', async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  const left: Record<string, number> = { sessions: 250, events: 0, deliveries: 3, audit: 0 };
  let isBroken = false;
  const retire: Store['retire'] = (what, before, limit, isFirst) => {
    if (isBroken) throw new Error('disk full');
    const rows = Math.min(limit, left[what] ?? 0);
    left[what] = (left[what] ?? 0) - rows;
    if (rows > 0) asked.push(`${clock.now()} ${what} ${before.slice(0, 10)} ${rows} ${isFirst}`);
    return rows;
  };
  const log = new FakeLog();
  const retention = new Retention({ retire }, { ...kDays, audit: null }, clock, log);
  retention.start();
  await clock.advance(61_000);
  expect(asked).toEqual([
    '60000 sessions 2026-10-22 100 true',
    '60050 sessions 2026-10-22 100 false',
    '60100 sessions 2026-10-22 50 false',
    '60100 deliveries 2026-10-22 3 true',
  ]);
  isBroken = true;
  await clock.advance(3_600_000);
  expect(log.text).toContain('could not be deleted');
  isBroken = false;
  left['events'] = 1;
  await clock.advance(3_600_000);
  expect(asked.at(-1)).toMatch(/^7\d+ events/);
  retention.stop();
  expect(clock.pending).toBe(0);
});

it('is not made old by a date that is set ahead, nor kept for one that was ahead and is put right', async () => {
  const clock = new FakeClock();
  const set = { byMs: 0 };
  const date = () => new Date(clock.date().getTime() + set.byMs);
  const asked: string[] = [];
  const retire = (_what: string, before: string) => {
    asked.push(before);
    return 0;
  };
  const seen = { ...clockOf(clock), date };
  const retention = new Retention(
    { retire },
    { ...kDays, events: null, deliveries: null, audit: null },
    seen,
    new FakeLog(),
  );
  retention.start();
  set.byMs = 1_000 * 86_400_000;
  await clock.advance(60_000);
  set.byMs = -2 * 86_400_000;
  await clock.advance(3_600_000);
  retention.stop();
  expect(asked).toEqual(['2026-10-22T12:01:00.000Z', '2026-10-20T13:01:00.000Z']);
});

function clockOf(clock: FakeClock): Clock {
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    schedule: (delayMs, task) => clock.schedule(delayMs, task),
  };
}
