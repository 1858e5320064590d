import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import type { SyncFile } from '../../../src/store/group-sync.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kDeclined = {
  state: 'DECLINED',
  transactionId: null,
  declineClass: 'soft',
  declineCode: '51',
  doneAt: '2026-11-21T12:01:02.000Z',
} as const;

let directory: string;
let file: string;
let store: Store;
/** What waits for the disk. */
let waiting: ((error: Error | null) => void)[];

const byHand: SyncFile = (_fd, done) => void waiting.push(done);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-durability-'));
  file = join(directory, 'hushpay.sqlite');
  waiting = [];
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

function opened(sync: SyncFile = byHand): Store {
  store = openStore({ file, log: new FakeLog(), isCheckpointed: true, sync });
  return store;
}

/** Opens a session and begins its first attempt. */
function begun(name: string): Promise<void> {
  store.open(sessionOf({ sessionId: name, paymentRef: name }));
  return store.begin(attemptOf({ sessionId: name, paymentRef: name, idempotencyKey: `${name}01` }));
}

async function disk(error: Error | null = null): Promise<void> {
  await settle();
  waiting.shift()?.(error);
  await settle();
}

describe('a durable write', () => {
  it('is over when the disk has it, not when the row is there', async () => {
    opened();
    let isOver = false;
    const write = begun('P1').then(() => {
      isOver = true;
    });
    await settle();
    expect(store.attempts('P1')).toHaveLength(1);
    expect(isOver).toBe(false);
    await disk();
    await write;
  });

  it('shares one writing of the disk with whoever comes while another is under way', async () => {
    opened();
    const first = begun('P0');
    await settle();
    const others = Array.from({ length: 50 }, (_, index) => begun(`Q${index}`));
    await settle();
    expect(waiting).toHaveLength(1);
    await disk();
    await first;
    expect(waiting).toHaveLength(1); // all fifty
    await disk();
    await Promise.all(others);
    expect(waiting).toHaveLength(0);
  });

  it('that came while the disk was being written is not taken for a part of it', async () => {
    opened();
    const first = begun('P1');
    await settle();
    let isOver = false;
    const second = begun('P2').then(() => {
      isOver = true;
    });
    await disk();
    await first;
    expect(isOver).toBe(false);
    await disk();
    await second;
  });

  it('that the disk would not keep is refused, as is every later one, and nothing is left open', async () => {
    opened();
    const write = begun('P1').catch((error: unknown) => error);
    await disk(new Error('EIO: i/o error, fdatasync'));
    expect(await write).toMatchObject({ code: 'STORE_FAILED' });
    expect(store.attempts('P1')).toMatchObject([{ state: 'NOT_SENT' }]);
    await expect(begun('P2')).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(store.countOpen()).toEqual([]);
    expect(store.check()).toEqual({ ok: false, reason: expect.stringContaining('EIO') });
  });
});

it('sends nothing to the gateway before the disk has the intent, tells no verdict before it has the verdict', async () => {
  opened();
  store.open(sessionOf({ sessionId: 'P1' }));
  const clock = new FakeClock();
  const gateway = new FakeGateway(clock);
  const policy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
  const payments = new JournaledPayments({ gateway, journal: store, clock, log: new FakeLog(), policy });
  const progress = { onFlushed: () => undefined, onUnknown: () => undefined };
  let verdict: string | undefined;
  void payments.submit('P1', requestOf(), cardOf({ pan: '4242424242424242' }), progress).then(({ kind }) => {
    verdict = kind;
  });
  await clock.advance(10_000);
  expect(gateway.calls).toEqual([]);
  await disk();
  await clock.advance(10_000);
  expect(gateway.calls).toMatchObject([{ op: 'submit' }]);
  expect(verdict).toBeUndefined();
  await disk();
  await clock.advance(0);
  expect(verdict).toBe('approved');
  await payments.stop();
});

it('keeps, whenever the power fails, every write that was over, and nothing half', async () => {
  /** How much of the log the disk is sure to have; the rest may be lost. */
  let keptBytes = 0;
  opened((_fd, done) => {
    const bytes = statSync(`${file}-wal`).size;
    setImmediate(() => {
      keptBytes = bytes;
      done(null);
    });
  });
  const over = new Map<string, 'SUBMITTING' | 'DECLINED'>();
  const writes: Promise<unknown>[] = [];
  for (let payment = 0; payment < 40; payment++) {
    const name = `P${payment}`;
    const key = { sessionId: name, attempt: 1 };
    const paying = begun(name)
      .then(() => over.set(name, 'SUBMITTING'))
      .then(() => store.settle(key, kDeclined))
      .then(() => over.set(name, 'DECLINED'));
    writes.push(paying);
    if (payment % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    expectKept(afterPowerFailure(payment, keptBytes), over);
  }
  await Promise.all(writes);
  expectKept(afterPowerFailure(99, keptBytes), over);
});

function afterPowerFailure(run: number, keptBytes: number): string {
  const copy = join(directory, `after-${run}.sqlite`);
  copyFileSync(file, copy);
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  truncateSync(`${copy}-wal`, keptBytes);
  return copy;
}

function expectKept(copy: string, over: ReadonlyMap<string, string>): void {
  const found = openStore({
    file: copy,
    auditKeyFile: join(directory, 'audit.key'),
    log: new FakeLog(),
  });
  for (const [name, state] of over) {
    const [row] = found.attempts(name);
    expect(row, name).toBeDefined();
    if (state === 'DECLINED') expect(row?.state, name).toBe('DECLINED');
  }
  expect(found.audit.verify().ok).toBe(true);
  found.close();
}
