import { afterAll, beforeAll, expect, it } from 'vitest';
import { KillBench } from '../support/kill-bench.ts';

const kSeed = 9_000;

let bench: KillBench;

beforeAll(async () => {
  bench = await KillBench.open();
});

afterAll(() => bench?.close());

it.each([
  ['worker', kSeed],
  ['edge', kSeed + 1],
  ['control', kSeed + 2],
] as const)('keeps every promise when the %s is killed under twenty calls that pay (seed %i)', async (part, seed) => {
  const outcome = await bench.run(seed, part);
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
  expect(Object.keys(outcome.results).length).toBeGreaterThan(0);
});
