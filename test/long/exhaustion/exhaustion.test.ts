import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pay, ruleFor } from '../../src/cli/sweep/payment.ts';
import { StageFeed } from '../../src/cli/sweep/stage-feed.ts';
import { orderOf, Trial } from '../support/trial.ts';

let trial: Trial;
let feed: StageFeed;

beforeAll(async () => {
  trial = await Trial.start({ rule: ruleFor, concurrentCalls: 2 });
  feed = await StageFeed.open(trial.httpUrl, trial.key);
});

afterAll(async () => {
  feed?.close();
  await trial?.stop();
});

/** A payment to which something happens when it comes to a stage for the first time. @returns the result of its session. */
async function paid(stage = '', happens: () => Promise<void> | void = () => {}): Promise<unknown> {
  let happening: Promise<void> | undefined;
  const { sessionId } = await pay(trial, feed, orderOf({}), (now) => {
    if (now === stage) happening ??= Promise.resolve(happens());
  });
  if (stage !== '' && !happening) throw new Error(`the payment never came to ${stage}`);
  await happening;
  return (await trial.get(`/v1/sessions/${sessionId}`))?.['result'];
}

function standing(): number {
  return trial.ledger().filter(({ state }) => state === 'approved').length;
}

it('refuses calls beyond those it admits with 503 and Retry-After, and those it has pay', async () => {
  const refused = { status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) };
  const payments = [
    paid(),
    paid('EXPIRY_ENTRY', async () => {
      for (let offered = 0; offered < 4; offered++) expect(await trial.tryCall()).toEqual(refused);
    }),
  ];
  expect(await Promise.all(payments)).toEqual(['APPROVED', 'APPROVED']);
  expect(standing()).toBe(2);
  expect((await trial.tryCall()).status).toBe(200);
});

it('refuses new calls while the media worker has no file descriptor left, and the one it has pays', async () => {
  const result = await paid('EXPIRY_ENTRY', async () => {
    const lift = trial.exhaustFiles('worker');
    expect(await trial.tryCall()).toEqual({ status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) });
    lift();
    expect((await trial.tryCall()).status).toBe(200);
  });
  expect(result).toBe('APPROVED');
  expect(standing()).toBe(3);
});

it('lives on without file descriptors in control and edge, says the truth of a payment, and pays again with them', async () => {
  const before = [trial.pidOf('control'), trial.pidOf('edge')];
  const lifts: (() => void)[] = [];
  const result = await paid('EXPIRY_ENTRY', () => {
    lifts.push(trial.exhaustFiles('control'), trial.exhaustFiles('edge'));
  }).finally(() => {
    for (const lift of lifts) lift();
  });
  expect(standing() - 3).toBe(result === 'APPROVED' ? 1 : 0);
  const approved = standing();
  expect(await paid()).toBe('APPROVED');
  expect(standing()).toBe(approved + 1);
  expect([trial.pidOf('control'), trial.pidOf('edge')]).toEqual(before);
});

it('sends nothing to the gateway while another process holds the database, says so, and pays once it is let go', async () => {
  const approved = standing();
  const lock = new Database(trial.storeFile);
  const result = await paid('CVV_ENTRY', async () => {
    lock.exec('BEGIN IMMEDIATE');
    await expect
      .poll(async () => (await trial.ready()).checks['store']?.reason)
      .toContain('another process holds it');
    await expect
      .poll(() => trial.logged('payment session ended').length, { timeout: 60_000 })
      .toBeGreaterThan(5);
    lock.exec('ROLLBACK');
  }).finally(() => lock.close());
  expect(result).not.toBe('APPROVED');
  expect(standing()).toBe(approved);
  await expect.poll(() => trial.isReady()).toBe(true);
  expect(await paid()).toBe('APPROVED');
});
