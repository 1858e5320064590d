import { afterAll, beforeAll, expect, it } from 'vitest';
import { pay } from '../../src/cli/sweep/payment.ts';
import { StageFeed } from '../../src/cli/sweep/stage-feed.ts';
import { holdingOf, orderOf, Trial } from '../support/trial.ts';

const kAdmitted = 3;
const kRefused = { status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) };

let trial: Trial;
let feed: StageFeed;

beforeAll(async () => {
  trial = await Trial.start({ concurrentCalls: kAdmitted, rule: () => ({ kind: 'approve' }) });
  feed = await StageFeed.open(trial.httpUrl, trial.key);
});

afterAll(async () => {
  feed?.close();
  await trial?.stop();
});

const filesOfWorker = (): number => holdingOf(trial.pidOf('worker') ?? 0).files;

it('refuses twice the calls it admits with 503 and Retry-After, and those too for which no port can be opened; the calls it has pay', async () => {
  const before = filesOfWorker();
  const keyed = Array.from({ length: kAdmitted }, () => Promise.withResolvers<void>());
  const payments = keyed.map(({ resolve }) =>
    pay(trial, feed, orderOf({}), (stage) => {
      if (stage === 'EXPIRY_ENTRY') resolve();
    }),
  );
  await Promise.race([Promise.all(keyed.map(({ promise }) => promise)), Promise.all(payments)]);
  const extra = await Promise.all(keyed.map(() => trial.tryCall()));
  expect(extra).toEqual(extra.map(() => kRefused));
  await Promise.all(payments);
  expect(trial.ledger().map(({ state }) => state)).toEqual(payments.map(() => 'approved'));

  await expect.poll(filesOfWorker).toBe(before); // those of calls that are over are closed a little later
  const lift = trial.exhaustFiles('worker');
  expect(await trial.tryCall()).toEqual(kRefused);
  lift();
  expect((await trial.tryCall()).status).toBe(200);
});
