import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pay } from '../../../src/cli/sweep/payment.ts';
import { StageFeed } from '../../../src/cli/sweep/stage-feed.ts';
import { Caller } from '../../../src/phone/caller.ts';
import { kSystemClock } from '../../../src/process/system-clock.ts';
import { canMount } from '../../support/mortal-bench.ts';
import { orderOf, Trial, type TrialOptions } from '../../support/trial.ts';

const kDiskBytes = 6 * 1024 * 1024;
const kBallastBytes = 4_096;
const kMostCalls = 100;

let trial: Trial;
let feed: StageFeed;

async function start(options: TrialOptions = {}): Promise<void> {
  trial = await Trial.start({ rule: () => ({ kind: 'approve' }), ...options });
  feed = await StageFeed.open(trial.httpUrl, trial.key);
}

afterEach(async () => {
  feed?.close();
  await trial?.stop();
});

/** A payment to which something happens when it comes to a stage for the first time. @returns the result of its session. */
async function paid(stage = '', happens: () => Promise<void> | void = () => {}): Promise<unknown> {
  let happening: Promise<void> | undefined;
  const { sessionId } = await pay(trial, feed, orderOf({}), (now) => {
    if (now !== stage || happening) return;
    happening = (async () => happens())();
    happening.catch(() => {}); // awaited below
  });
  if (stage !== '' && !happening) throw new Error(`the payment never came to ${stage}`);
  await happening;
  return (await trial.get(`/v1/sessions/${sessionId}`))?.['result'];
}

/** What the bank has charged is what callers were told. */
function standing(): number {
  return trial.ledger().filter(({ state }) => state === 'approved').length;
}

describe('a server that', () => {
  beforeEach(() => start());

  it('has no file descriptors left in control lives on, says the truth of a payment, and pays again with them', async () => {
    const before = [trial.pidOf('control'), trial.pidOf('edge')];
    const lifts: (() => void)[] = [];
    const result = await paid('EXPIRY_ENTRY', () => {
      lifts.push(trial.exhaustFiles('control'));
    }).finally(() => {
      for (const lift of lifts) lift();
    });
    expect(standing()).toBe(result === 'APPROVED' ? 1 : 0);
    const approved = standing();
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paid()).toBe('APPROVED');
    expect(standing()).toBe(approved + 1);
    expect([trial.pidOf('control'), trial.pidOf('edge')]).toEqual(before);
  });

  it('finds its database locked sends nothing to the gateway, says why, and pays once it is let go', async () => {
    const lock = new Database(trial.storeFile);
    const result = await paid('CVV_ENTRY', async () => {
      lock.exec('BEGIN IMMEDIATE');
      await expect
        .poll(async () => (await trial.ready()).checks['store']?.reason)
        .toContain('another process holds it');
      await expect
        .poll(() => readFileSync(trial.logFile, 'utf8').includes('could not journal an attempt'))
        .toBe(true);
      lock.exec('ROLLBACK');
    }).finally(() => lock.close());
    expect(result).not.toBe('APPROVED');
    expect(standing()).toBe(0);
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paid()).toBe('APPROVED');
  });

  it.each(['worker', 'edge'] as const)(
    'has no memory left in its %s has another one, and says so',
    async (part) => {
      const before = trial.pidOf(part);
      trial.exhaustMemory(part);
      await callsUntil(() => trial.logged('child process died').length > 0);
      await expect.poll(() => trial.isReady()).toBe(true);
      expect(trial.pidOf(part)).not.toBe(before);
      expect(await paid()).toBe('APPROVED');
    },
  );
});

describe.skipIf(!canMount())('on a small disk of its own (needs user namespaces)', () => {
  beforeEach(() => start({ disk: kDiskBytes }));

  it('sends nothing to the gateway without room for the intent, keeps its calls, says why, and pays once there is room', async () => {
    const ballast = join(trial.insideView, 'ballast');
    const result = await paid('EXPIRY_ENTRY', async () => {
      fill(ballast);
      await expect
        .poll(async () => (await trial.ready()).checks['store']?.reason)
        .toContain('the disk is full');
      expect((await trial.tryCall()).status).toBe(200);
    });
    expect(result).not.toBe('APPROVED');
    expect(standing()).toBe(0);
    rmSync(ballast);
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paid()).toBe('APPROVED');
    expect(standing()).toBe(1);
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

/** To the last byte. */
function fill(file: string): void {
  try {
    for (;;) appendFileSync(file, Buffer.alloc(kBallastBytes));
  } catch {
    // full
  }
}
