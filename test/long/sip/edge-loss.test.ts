import { expect, test } from 'vitest';
import { callThroughLoss } from '../../support/loss-run.ts';

const kCalls = 2_000;

test(`${kCalls} calls through 10 % loss each way: every call that RFC 3261 can save is saved`, async () => {
  const { ends, relay, edge } = await callThroughLoss({ calls: kCalls, perSecond: 50, seed: 11 });
  const count = (end: string): number => ends.filter((each) => each === end).length;
  console.log(
    JSON.stringify({
      lost: relay.lost,
      passed: relay.passed,
      byUs: count('ended by us'),
      byThem: count('ended by them'),
    }),
  );
  expect(ends.filter((end) => end.startsWith('failed'))).toEqual([]);
  expect(relay.lost / (relay.lost + relay.passed)).toBeGreaterThan(0.08);
  expect(edge.isUnharmed).toBe(true);
});
