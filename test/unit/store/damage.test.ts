import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../src/store/store.ts';
import { damageBeneath, kDamages, overwritePages, rootPageOf } from '../../support/damage.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kRows = 40;

let directory: string;
let file: string;
let open: Store | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-damage-'));
  file = join(directory, 'hushpay.sqlite');
});

afterEach(() => {
  open?.close();
  open = undefined;
  rmSync(directory, { recursive: true });
});

/** As a server opens it. */
function opened(): Store {
  open = openStore({ file, log: new FakeLog(), isRead: true, sync: (_, done) => done(null) });
  return open;
}

async function filled(): Promise<Store> {
  const store = opened();
  for (let row = 0; row < kRows; row++) {
    const key = { sessionId: `S${row}`, paymentRef: `P${row}` };
    store.open(sessionOf(key));
    await store.begin(attemptOf({ ...key, idempotencyKey: `K${row}` }));
  }
  return store;
}

describe('a file with books', () => {
  it.each(kDamages)('is refused, by name and untouched, when $name', async ({ says, damage }) => {
    (await filled()).close();
    damage(file);
    const before = readFileSync(file);
    expect(() => opened()).toThrow(expect.objectContaining({ code: 'CFG_UNREADABLE_FILE' }));
    expect(() => opened()).toThrow(says);
    expect(() => opened()).toThrow(file);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('and a log whose process was killed is left as it is when it is refused, and so is the log', async () => {
    (await filled()).close();
    opened().open(sessionOf({ sessionId: 'in the log' }));
    const [killed, log] = [`${file}.killed`, `${file}.killed-wal`];
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, killed + suffix);
    overwritePages(killed, [rootPageOf(file, 'delivery')]);
    expect(statSync(log).size).toBeGreaterThan(0);
    const before = [readFileSync(killed), readFileSync(log)];
    const options = { log: new FakeLog(), isRead: true, file: killed };
    expect(() => openStore(options)).toThrow('damaged');
    expect([readFileSync(killed), readFileSync(log)].map((bytes, at) => before[at]?.equals(bytes))).toEqual([
      true,
      true,
    ]);
  });

  it('is made anew where there is none, whatever lies beside it', async () => {
    (await filled()).close();
    rmSync(file);
    expect(opened().unresolved()).toEqual([]);
  });

  it('is made where an empty one was prepared, and no books were kept before', () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, '');
    expect(opened().check()).toEqual({ ok: true });
  });
});

describe('a file that is damaged beneath the process', () => {
  it('takes no intent any more once that is found, says so, and takes what was begun', async () => {
    const store = await filled();
    damageBeneath(file, ['session']);
    expect(() => store.find('S7')).toThrow('damaged');
    expect(store.check()).toEqual({ ok: false, reason: expect.stringContaining('restore it from a backup') });
    await expect(async () =>
      store.begin(attemptOf({ sessionId: 'S1', attempt: 2, idempotencyKey: 'X' })),
    ).rejects.toThrow('damaged');
    const verdict = { transactionId: 'T1', declineClass: null, declineCode: null, doneAt: null } as const;
    await store.settle({ sessionId: 'S2', attempt: 1 }, { ...verdict, state: 'APPROVED' });
    expect(store.attempts('S2')).toMatchObject([{ state: 'APPROVED' }]);
  });
});
