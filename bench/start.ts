// What a start costs: from `bin/hushpay serve` to the line that says it takes calls, with the code an earlier start has compiled and without.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess } from '../test/support/server-process.ts';
import { median, rounded } from './figures.ts';
import { usageOf } from './processes.ts';

const kRounds = 9;

interface Start {
  readonly readyMs: number;
  readonly controlCpuMs: number;
}

export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-bench-start-'));
  const kept = join(folder, 'kept');
  const nowhere = join(folder, 'missing', 'kept'); // not made: its parent is not there
  try {
    await start(kept); // fills it
    const [without, withKept]: [Start[], Start[]] = [[], []];
    for (let round = 0; round < kRounds; round++) {
      without.push(await start(nowhere));
      withKept.push(await start(kept));
    }
    const before = mediansOf(without);
    const after = mediansOf(withKept);
    return {
      rounds: kRounds,
      compiledEachTime: before,
      kept: after,
      readyRatio: rounded(after.readyMs / before.readyMs),
      controlCpuRatio: rounded(after.controlCpuMs / before.controlCpuMs),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function start(cacheDirectory: string): Promise<Start> {
  const begunMs = performance.now();
  const server = await startServerProcess({ CACHE_DIRECTORY: cacheDirectory });
  const readyMs = performance.now() - begunMs;
  const controlCpuMs = usageOf(server.pid).cpuMs;
  await server.stop();
  return { readyMs, controlCpuMs };
}

function mediansOf(starts: readonly Start[]): Start {
  return {
    readyMs: rounded(median(starts.map(({ readyMs }) => readyMs))),
    controlCpuMs: rounded(median(starts.map(({ controlCpuMs }) => controlCpuMs))),
  };
}
