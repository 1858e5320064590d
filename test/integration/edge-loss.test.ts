import { expect, test } from 'vitest';
import { callThroughLoss } from '../support/loss-run.ts';

test('40 calls through 10 % loss each way are all set up and ended', async () => {
  const { ends, relay, edge } = await callThroughLoss({ calls: 40, perSecond: 40, seed: 3 });
  expect(ends.filter((end) => end.startsWith('failed'))).toEqual([]);
  expect(relay.lost).toBeGreaterThan(0);
  expect(edge.isUnharmed).toBe(true);
});
