import { afterAll, beforeAll, expect, it } from 'vitest';
import { KillBench } from '../support/kill-bench.ts';

const kSeed = 9_000;
const kCalls = 20;
const kStepWithAllUp = 70;

let bench: KillBench;

beforeAll(async () => {
  bench = await KillBench.open();
});

afterAll(() => bench?.close());

it.each([
  ['edge', kSeed],
  ['control', kSeed + 1],
] as const)(
  'keeps every promise when the %s is killed under twenty calls that pay (seed %i)',
  async (part, seed) => {
    const outcome = await bench.run(seed, part, kStepWithAllUp);
    const sessions = Object.values(outcome.results).reduce((sum, count) => sum + count, 0);
    expect(sessions).toBeGreaterThan(kCalls / 2);
  },
);

it(`cuts no call when the worker is killed and SIGTERM comes under twenty calls that pay (seed ${kSeed + 2})`, async () => {
  const { refused, failures, exit, results } = await bench.drain(kSeed + 2);
  expect(refused).toEqual({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
  expect({ failures, exit }).toEqual({ failures: [], exit: 0 });
  expect(results['APPROVED']).toBeGreaterThan(kCalls / 4);
  expect(Object.keys(results).join()).not.toMatch(/SYSTEM_ERROR|HANGUP|UNKNOWN/);
});
