import { appendFileSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Caller } from '../../../src/phone/caller.ts';
import { kSystemClock } from '../../../src/process/system-clock.ts';
import { kStoreFile } from '../../../src/store/store.ts';
import { canMount } from '../../support/mortal-bench.ts';
import { PayingTrial } from '../../support/paying-trial.ts';
import type { Trial, TrialOptions } from '../../support/trial.ts';

const kDiskBytes = 6 * 1024 * 1024;
const kBallastBytes = 4_096;
const kMostCalls = 100;

let paying: PayingTrial;
let trial: Trial;

async function start(options: TrialOptions = {}): Promise<void> {
  paying = await PayingTrial.start(options);
  trial = paying.trial;
}

afterEach(async () => {
  await paying?.stop();
});

describe('a server that', () => {
  beforeEach(() => start());

  it('has no file descriptors left in control lives on, says the truth of a payment, and pays again with them', async () => {
    const before = [trial.pidOf('control'), trial.pidOf('edge')];
    const lifts: (() => void)[] = [];
    const result = await paying
      .paid('EXPIRY_ENTRY', () => {
        lifts.push(trial.exhaustFiles('control'));
      })
      .finally(() => {
        for (const lift of lifts) lift();
      });
    expect(paying.standing).toBe(result === 'APPROVED' ? 1 : 0);
    const approved = paying.standing;
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(approved + 1);
    expect([trial.pidOf('control'), trial.pidOf('edge')]).toEqual(before);
  });

  it('finds its database locked sends nothing to the gateway, says why, and pays once it is let go', async () => {
    const lock = new Database(trial.storeFile);
    const result = await paying
      .paid('CVV_ENTRY', async () => {
        lock.exec('BEGIN IMMEDIATE');
        await expect
          .poll(async () => (await trial.ready()).checks['store']?.reason)
          .toContain('another process holds it');
        await expect
          .poll(() => readFileSync(trial.logFile, 'utf8').includes('could not journal an attempt'))
          .toBe(true);
        lock.exec('ROLLBACK');
      })
      .finally(() => lock.close());
    expect(result).not.toBe('APPROVED');
    expect(paying.standing).toBe(0);
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paying.paid()).toBe('APPROVED');
  });

  it.each(['worker', 'edge'] as const)(
    'has no memory left in its %s has another one, and says so',
    async (part) => {
      const before = trial.pidOf(part);
      trial.exhaustMemory(part);
      await callsUntil(() => trial.logged('child process died').length > 0);
      await expect.poll(() => trial.isReady()).toBe(true);
      expect(trial.pidOf(part)).not.toBe(before);
      expect(await paying.paid()).toBe('APPROVED');
    },
  );
});

describe.skipIf(!canMount())('on a small disk of its own (needs user namespaces)', () => {
  beforeEach(() => start({ disk: kDiskBytes }));

  it('sends nothing to the gateway without room for the intent, keeps its calls, says why, and pays once there is room', async () => {
    const ballast = join(trial.insideView, 'ballast');
    const result = await paying.paid('EXPIRY_ENTRY', async () => {
      fill(ballast);
      await expect
        .poll(async () => (await trial.ready()).checks['store']?.reason)
        .toContain('the disk is full');
      expect((await trial.tryCall()).status).toBe(200);
    });
    expect(result).not.toBe('APPROVED');
    expect(paying.standing).toBe(0);
    expect(openRows(), 'what the disk has of sessions').toBeGreaterThan(0);
    rmSync(ballast);
    await expect.poll(openRows).toBe(0);
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(1);
  });
});

/** Calls that stay, one after the other, until it has happened. */
async function callsUntil(hasHappened: () => boolean): Promise<void> {
  const callers: Caller[] = [];
  try {
    for (let call = 0; call < kMostCalls && !hasHappened(); call++) {
      const caller = await Caller.open({ clock: kSystemClock, server: trial.sip });
      callers.push(caller);
      await trial.dial(caller).catch(() => undefined); // what it is for is to be one too many
    }
    await expect.poll(hasHappened).toBe(true);
  } finally {
    await Promise.all(callers.map((caller) => caller.leave().catch(() => undefined)));
  }
}

/** Sessions that have not ended by what is on the disk, which SQLite reads by no path but the server's own: of a copy. */
function openRows(): number {
  const copy = join(trial.dataDir, kStoreFile);
  for (const suffix of ['', '-wal']) copyFileSync(join(trial.insideView, kStoreFile + suffix), copy + suffix);
  const database = new Database(copy);
  try {
    return Number(database.prepare('SELECT count(*) FROM session WHERE result IS NULL').pluck().get());
  } finally {
    database.close();
  }
}

/** To the last byte. */
function fill(file: string): void {
  try {
    for (;;) appendFileSync(file, Buffer.alloc(kBallastBytes));
  } catch {
    // full
  }
}
