import { setTimeout as later } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kCarriers, kCourses, pay, ruleFor } from '../../../src/cli/sweep/payment.ts';
import { StageFeed } from '../../../src/cli/sweep/stage-feed.ts';
import { figures } from '../../support/figures.ts';
import { type Drift, MinuteTable } from '../../support/minute-table.ts';
import { orderOf, Trial } from '../../support/trial.ts';

const kMinutes = Number(process.env['HUSHPAY_TEST_SOAK_MINUTES'] ?? 60);
/** What the trunk may have at a time. The more, the sooner everything has been done that is compiled or kept when it is done first. */
const kAdmitted = Number(process.env['HUSHPAY_TEST_SOAK_CALLS'] ?? 60);
const kSampleEveryMs = 10_000;
/** Code is compiled, tables and pools fill. */
const kWarmUpMinutes = Math.min(15, kMinutes / 3);
/** Shorter runs have no slope worth judging, and do not say that anything was level. */
const kJudgedMinutes = 40;
const kLeaves = kMinutes < kJudgedMinutes ? 'leave nothing behind' : 'leave memory, handles and timers level';
/** A payment that has begun has ended by then (payment.session.maxMs), or hangs. */
const kLastPaymentMs = 11 * 60_000;
const kLimitMs = kMinutes * 60_000 + kLastPaymentMs + 5 * 60_000;

/**
 * What may rise in an hour: 1 % of the mean, as R5 of the promises says, or so many where a garbage collector swings by more than that
 * within minutes. A heap holds what the collector has not come to; what is kept for good is in the resident memory, too.
 */
const kMostDrift: Readonly<Record<string, { readonly share: number; readonly least: number }>> = {
  'control.rssMb': { share: 0.01, least: 2 },
  'control.heapMb': { share: 0.01, least: 4 },
  'edge.rssMb': { share: 0.01, least: 2 },
  'edge.heapLeftMb': { share: 0.01, least: 4 },
  'worker.rssMb': { share: 0.01, least: 0.3 },
};
/**
 * How far the floor of what is counted may rise from the first ten minutes that are judged to the last ten. With 48 calls to and fro a count swings by
 * ten from minute to minute, and a slope by two an hour either way; what is never given back raises the floor.
 */
const kMostRise: Readonly<Record<string, number>> = {
  'control.files': 2,
  'control.timers': 4,
  'control.handles': 4,
  'edge.files': 2,
  'worker.files': 2,
};

/** Eight of ten legs: conferences have two, and so has a call that passes through, of which one is ours to place. */
const kEight = ['ivr', 'ivr', 'ivr', 'ivr', 'guest', 'conference', 'inline'] as const;

let trial: Trial;
let feed: StageFeed;

beforeEach(async () => {
  const eights = Math.max(1, Math.round(kAdmitted / 10));
  trial = await Trial.start({ phones: eights, rule: ruleFor, concurrentCalls: kAdmitted });
  feed = await StageFeed.open(trial.httpUrl, trial.key);
});

afterEach(async () => {
  feed.close();
  await trial.stop();
});

it(
  `payments of every course for ${kMinutes} minutes at 80 % of ${kAdmitted} calls ${kLeaves}`,
  async () => {
    const table = new MinuteTable(trial, kSampleEveryMs, (minute) => console.log(JSON.stringify(minute)));
    await expect.poll(() => trial.metric('media_ports_free')).toBeGreaterThan(0); // the worker's first figures
    const portsFree = await trial.metric('media_ports_free');
    table.start();
    const paid = await payAll(performance.now() + kMinutes * 60_000);
    table.stop();
    const drifts = table.drifts(kWarmUpMinutes);
    const rises = table.rises(kWarmUpMinutes);
    console.log(JSON.stringify({ minutes: kMinutes, admitted: kAdmitted, paid, drifts, rises }));

    expect(paid.failures).toEqual([]);
    const refs = [...new Set(trial.ledger().map(({ paymentRef }) => paymentRef))];
    expect(refs.filter((ref) => trial.bank.bank.netCharges(ref) > 1)).toEqual([]);
    await expect
      .poll(left, { timeout: 60_000, interval: 500 })
      .toMatchObject({ calls: 0, sessions: 0, dialogs: 0 });
    await expect
      .poll(() => trial.metric('media_ports_free'), { timeout: 60_000, interval: 500 })
      .toBe(portsFree);
    expect(trial.temporaryFiles).toEqual([]);
    expect(trial.logged('child process died')).toEqual([]);
    if (kMinutes < kJudgedMinutes) return;
    figures(sentenceOf(paid.payments, drifts));
    for (const [name, { share, least }] of Object.entries(kMostDrift)) {
      const { mean, perHour } = drifts[name] ?? { mean: Number.NaN, perHour: Number.NaN };
      expect(perHour, `${name} in an hour`).toBeLessThan(Math.max(share * mean, least));
    }
    for (const [name, most] of Object.entries(kMostRise))
      expect(rises[name], `the floor of ${name}`).toBeLessThanOrEqual(most);
  },
  kLimitMs,
);

/** For the page of promises: how much there was to do, and what the memory of each process did meanwhile. */
function sentenceOf(payments: number, drifts: Readonly<Record<string, Drift>>): string {
  const memory = ['control', 'edge', 'worker'].map((part) => {
    const { mean, perHour } = drifts[`${part}.rssMb`] ?? { mean: Number.NaN, perHour: Number.NaN };
    return `${part} ${mean.toFixed(1)} MB and ${perHour < 0 ? '−' : '+'}${Math.abs(perHour).toFixed(1)} an hour`;
  });
  return `${payments} payments in ${kMinutes} minutes, all as they should be; ${memory.join(', ')}`;
}

async function left(): Promise<{ calls: number; sessions: number; dialogs: number; timers: number }> {
  return {
    calls: await trial.metric('sip_calls_active'),
    sessions: await trial.metric('media_sessions'),
    dialogs: await trial.metric('sip_edge_objects', '"dialogs"'),
    timers: await trial.metric('sip_edge_objects', '"timers"'),
  };
}

interface Paid {
  readonly payments: number;
  readonly failures: readonly string[];
}

/** Every payer goes on to the next payment until the time has come. One that hangs is a failure and keeps nobody waiting. */
async function payAll(untilMs: number): Promise<Paid> {
  let payments = 0;
  const failures: string[] = [];
  const underWay = new Map<number, string>();
  const payer = async (topology: (typeof kEight)[number], index: number): Promise<void> => {
    const phone = topology === 'inline' ? Math.floor(index / kEight.length) : -1;
    for (let turn = index; performance.now() < untilMs; turn++) {
      const course = kCourses[turn % kCourses.length];
      const carrier = kCarriers[Math.floor(turn / kCourses.length) % kCarriers.length];
      const order = orderOf({ topology, phone, ...(course && { course }), ...(carrier && { carrier }) });
      const at = (where: string): void =>
        void underWay.set(index, `${topology}, ${course}, ${carrier}: ${where}`);
      at('is prepared');
      await pay(trial, feed, order, at, (role) => at(`the ${role} dials`)).then(
        () => payments++,
        (error: Error) => failures.push(`${topology}, ${course}: ${error.message}`),
      );
      feed.received.splice(0); // nobody searches it here
      if (phone >= 0) trial.phones[phone]?.rtp.packets.splice(0);
    }
    underWay.delete(index);
  };
  const payers = trial.phones.flatMap((_, eight) =>
    kEight.map((each, at) => ({ each, index: eight * kEight.length + at })),
  );
  const done = Promise.all(payers.map(({ each, index }) => payer(each, index)));
  await Promise.race([done, later(untilMs - performance.now() + kLastPaymentMs, undefined, { ref: false })]);
  const hanging = [...underWay.values()].map((where) => `hangs: ${where}`);
  return { payments, failures: [...failures, ...hanging] };
}
