import { afterAll, beforeAll, expect, it } from 'vitest';
import { KillBench, type KillOutcome } from '../../support/kill-bench.ts';

/** Of the first run, which counts up; with HUSHPAY_TEST_KILLS=1 the one of a run that failed goes again. */
const kSeed = Number(process.env['HUSHPAY_TEST_KILL_SEED'] ?? 1_000);
const kKills = Number(process.env['HUSHPAY_TEST_KILLS'] ?? 200);
/** Pools of connections grow; what a run leaves open comes to more over all of them. */
const kMostFilesMore = 20;

let bench: KillBench;

beforeAll(async () => {
  bench = await KillBench.open();
});

afterAll(() => bench?.close());

it(
  `keeps every promise over ${kKills} kills of any process, at any time, under twenty calls that pay (seed ${kSeed})`,
  async () => {
    await bench.run(kSeed - 1, 'edge'); // what is opened once is open now
    const filesBefore = bench.openFiles;
    const outcomes: KillOutcome[] = [];
    for (let run = 0; run < kKills; run++) {
      const outcome = await bench.run(kSeed + run);
      outcomes.push(outcome);
      console.log(JSON.stringify(outcome));
    }
    console.log(JSON.stringify(summaryOf(outcomes)));
    expect(bench.openFiles - filesBefore).toBeLessThan(kMostFilesMore);
  },
  Math.max(1, kKills) * 120_000,
);

function summaryOf(outcomes: readonly KillOutcome[]): object {
  const parts = ['control', 'edge', 'worker'] as const;
  const results: Record<string, number> = {};
  for (const outcome of outcomes) {
    for (const [result, count] of Object.entries(outcome.results))
      results[result] = (results[result] ?? 0) + count;
  }
  const of = (part: KillOutcome['part']) => outcomes.filter((each) => each.part === part);
  return {
    kills: outcomes.length,
    results,
    ...Object.fromEntries(
      parts.map((part) => [
        part,
        {
          kills: of(part).length,
          backMs: spread(of(part).map(({ backMs }) => backMs)),
          trueMs: spread(of(part).map(({ trueMs }) => trueMs)),
          gapMs: spread(of(part).map(({ gapMs }) => gapMs)),
        },
      ]),
    ),
  };
}

function spread(values: readonly number[]): { median: number; worst: number } {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 };
}
