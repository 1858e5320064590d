import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { EdgeMemory } from '../../../src/edge/memory.ts';
import { EdgeProcessUnderTest, kEdgeSecret } from '../../support/edge-process.ts';
import { kSdp } from '../../support/raw-sip-peer.ts';
import { slopeOf } from '../../support/slope.ts';
import { WireApp } from '../../support/wire-app.ts';

const kScenario = fileURLToPath(new URL('../../fixtures/sipp/edge-uac.xml', import.meta.url));
const kMinutes = Number(process.env['HUSHPAY_SOAK_MINUTES'] ?? 30);
const kCallsPerSecond = 50;
const kSampleMs = 1_000;
const kMinuteMs = 60_000;
/** Until then code is being compiled and every table fills. */
const kWarmUpMinutes = 5;
/** Shorter runs have no slope worth judging. */
const kJudgedMinutes = 15;
/** 3000 calls a minute: 85 bytes kept of each are seen. */
const kMaxHeapSlopeMbPerMinute = 0.25;
/** The collector lets memory grow to several times of what lives in it, over some ten minutes: the second half of the run is judged. */
const kMaxRssSlopeMbPerMinute = 0.5;
const kMaxRssMb = 400;
const kMb = 1024 * 1024;

/** The least of one minute: between collections memory only grows, and what is never freed shows where it is lowest. */
interface Minute {
  readonly minute: number;
  readonly rssMb: number;
  readonly heapMb: number;
  /** Left by a full collection; null in a minute without one. */
  readonly heapLeftMb: number | null;
  readonly dialogs: number;
  readonly timers: number;
}

const hasSipp = spawnSync('sipp', ['-v']).error === undefined;

test.skipIf(!hasSipp)(
  `${kMinutes} min at ${kCallsPerSecond} calls/s leave memory flat (needs SIPp)`,
  async () => {
    const it = await EdgeProcessUnderTest.launch();
    const app = await WireApp.connect(it.edge.appPort, kEdgeSecret, ['invite']);
    app.onRequest = (request) => {
      if (request.message.method === 'INVITE') app.respond(request, '200 OK', kSdp);
      else if (request.message.method !== 'ACK') app.respond(request, '200 OK');
    };
    const soak = new Soak(it);
    const calls = await placeCalls(it.udp.port);
    const minutes = soak.stop();
    const settled = minutes.filter(({ minute }) => minute > kWarmUpMinutes);
    const secondHalf = minutes.filter(({ minute }) => minute > kMinutes / 2);
    const slopes = {
      rssMbPerMinute: slopeOf(secondHalf.map(({ minute, rssMb }) => ({ x: minute, y: rssMb }))),
      heapMbPerMinute: slopeOf(
        settled.flatMap(({ minute, heapLeftMb }) =>
          heapLeftMb === null ? [] : [{ x: minute, y: heapLeftMb }],
        ),
      ),
    };
    console.log(JSON.stringify({ minutes, slopes, stats: it.edge.stats() }));
    expect(calls).toEqual({ exit: 0, aborted: [] }); // no call failed
    if (minutes.length >= kJudgedMinutes) {
      expect(slopes.heapMbPerMinute).toBeLessThan(kMaxHeapSlopeMbPerMinute);
      expect(slopes.rssMbPerMinute).toBeLessThan(kMaxRssSlopeMbPerMinute);
    }
    expect(soak.highestRssMb).toBeLessThan(kMaxRssMb);
    await expect
      .poll(() => leftOver(it), { timeout: 60_000, interval: 1_000 })
      .toEqual({ transactions: 0, dialogs: 0, timers: 0 });
    expect(it.isUnharmed).toBe(true);
    app.close();
    await it.edge.stop();
  },
);

/**
 * A copy of a 200 that comes while SIPp pauses is what a SIPp that stalled, and sent again, has asked for: it must not end the call.
 * What never gets its answer fails by the time.
 * @returns what SIPp says of calls that failed, and its exit code.
 */
async function placeCalls(port: number): Promise<{ exit: unknown; aborted: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-soak-'));
  const errorFile = join(folder, 'errors.log');
  const calls = String(Math.round(kMinutes * 60 * kCallsPerSecond));
  const pace = ['-r', String(kCallsPerSecond), '-m', calls];
  const patience = ['-default_behaviors', 'all,-abortunexp', '-recv_timeout', '40000'];
  const log = ['-trace_err', '-error_file', errorFile];
  const sipp = spawn(
    'sipp',
    [`127.0.0.1:${port}`, '-sf', kScenario, '-i', '127.0.0.1', ...pace, ...patience, ...log, '-nostdin'],
    { stdio: 'ignore' },
  );
  const [exit] = await once(sipp, 'close');
  const errors = existsSync(errorFile) ? readFileSync(errorFile, 'latin1') : '';
  rmSync(folder, { recursive: true });
  return { exit, aborted: errors.split('\n').filter((line) => /Aborting call|timeout/i.test(line)) };
}

function leftOver({ edge }: EdgeProcessUnderTest): object {
  const { transactions, dialogs, timers } = edge.stats() ?? {};
  return { transactions, dialogs, timers };
}

/** Looks at the edge once a second from its making to stop(). */
class Soak {
  highestRssMb = 0;
  readonly #it: EdgeProcessUnderTest;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #minutes: Minute[] = [];
  #samples: EdgeMemory[] = [];

  constructor(it: EdgeProcessUnderTest) {
    this.#it = it;
    this.#timer = setInterval(() => this.#look(), kSampleMs);
  }

  /** @returns the full minutes. */
  stop(): readonly Minute[] {
    clearInterval(this.#timer);
    return this.#minutes;
  }

  #look(): void {
    const memory = this.#it.edge.stats()?.memory;
    if (!memory) return;
    this.#samples.push(memory);
    this.highestRssMb = Math.max(this.highestRssMb, memory.rssBytes / kMb);
    const minute = this.#minutes.length + 1;
    if (performance.now() - this.#startedMs >= minute * kMinuteMs) this.#close(minute);
  }

  #close(minute: number): void {
    const samples = this.#samples;
    this.#samples = [];
    const leastMb = (values: readonly number[]): number =>
      Math.round((Math.min(...values) / kMb) * 100) / 100;
    const before = samples[0]?.collections;
    const left = samples.flatMap(({ collections, heapLeftBytes }) =>
      collections === before || heapLeftBytes === null ? [] : [heapLeftBytes],
    );
    const { dialogs = 0, timers = 0 } = this.#it.edge.stats() ?? {};
    const row: Minute = {
      minute,
      rssMb: leastMb(samples.map(({ rssBytes }) => rssBytes)),
      heapMb: leastMb(samples.map(({ heapBytes }) => heapBytes)),
      heapLeftMb: left.length === 0 ? null : leastMb(left),
      dialogs,
      timers,
    };
    console.log(JSON.stringify(row));
    this.#minutes.push(row);
  }
}
