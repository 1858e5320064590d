import { afterAll, beforeAll, expect, it } from 'vitest';
import { figures } from '../../support/figures.ts';
import { KillBench, type KillOutcome } from '../../support/kill-bench.ts';

/** Of the first run, which counts up; with HUSHPAY_TEST_KILLS=1 the one of a run that failed goes again. */
const kSeed = Number(process.env['HUSHPAY_TEST_KILL_SEED'] ?? 1_000);
const kKills = Number(process.env['HUSHPAY_TEST_KILLS'] ?? 200);
/** Servers that are killed side by side; most of a run is waiting. */
const kServers = Math.min(kKills, Number(process.env['HUSHPAY_TEST_KILL_SERVERS'] ?? 3));
/** Pools of connections grow; what a run leaves open comes to more over all of them. */
const kMostFilesMore = 20;

let benches: readonly KillBench[] = [];

beforeAll(async () => {
  benches = await Promise.all(Array.from({ length: kServers }, () => KillBench.open()));
});

afterAll(() => Promise.all(benches.map((bench) => bench.close())));

it(
  `keeps every promise over ${kKills} kills of any process, at any time, under twenty calls that pay (from seed ${kSeed})`,
  async () => {
    const outcomes: KillOutcome[] = [];
    const seeds = Array.from({ length: kKills }, (_, run) => kSeed + run).values();
    const filesMore = await Promise.all(benches.map((bench) => killAll(bench, seeds, outcomes)));
    figures(sentenceOf(outcomes));
    for (const more of filesMore) expect(more).toBeLessThan(kMostFilesMore);
    expect(outcomes).toHaveLength(kKills);
  },
  Math.max(1, kKills) * 120_000,
);

/** @returns how many more files its processes have open at the end. */
async function killAll(bench: KillBench, seeds: Iterable<number>, outcomes: KillOutcome[]): Promise<number> {
  await bench.run(kSeed - 1, 'edge'); // what is opened once is open now
  const filesBefore = bench.openFiles;
  for (const seed of seeds) {
    const outcome = await bench.run(seed);
    outcomes.push(outcome);
    console.log(JSON.stringify(outcome));
  }
  return bench.openFiles - filesBefore;
}

/** For the page of promises: of each process how often it died, and how long it was before things were as they should be. */
function sentenceOf(outcomes: readonly KillOutcome[]): string {
  const of = (part: KillOutcome['part'], value: (outcome: KillOutcome) => number) =>
    outcomes.filter((each) => each.part === part).map(value);
  const back = ({ backMs }: KillOutcome) => backMs;
  return [
    `${outcomes.length} kills`,
    `control ${of('control', back).length}: calls again after ${spread(of('control', back))}`,
    `edge ${of('edge', back).length}: ${spread(of('edge', back))}`,
    `worker ${of('worker', back).length}: silence ${spread(of('worker', ({ gapMs }) => gapMs))}`,
    `every session at its true end after ${spread(outcomes.map(({ trueMs }) => trueMs).filter((ms) => ms > 0))}`,
  ].join('; ');
}

function spread(valuesMs: readonly number[]): string {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const inSeconds = (ms = Number.NaN) => (ms / 1000).toFixed(1);
  return `${inSeconds(sorted[sorted.length >> 1])} s, at most ${inSeconds(sorted.at(-1))} s`;
}
