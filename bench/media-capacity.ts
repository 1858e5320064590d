// What more workers bring, and what becomes of running calls when more are offered than a worker takes.
import { AppError } from '../src/errors.ts';
import { rounded } from './figures.ts';
import { type Figures, figuresOf, kLoadCpu, type Load, measure, startLoad } from './media-load.ts';
import { kServerCpu, launchBenchMedia, openCall, startHushpay } from './media-relays.ts';
import { cpuNsOf } from './processes.ts';

const kSecure = { kind: 'clamped', mode: 'comfort_noise' } as const;
const kFirstLoadPort = 18_000;
const kBatch = 80; // calls that begin together; a load generator for each
const kMoreBatches = 4;
const kSettleMs = 2_500; // the load meter's window is about a second
const kAdmissionSeconds = 90;
const kMaxBusy = 0.8; // of a core: what the configuration has unless told otherwise
const kMostSessions = 2_000;
const kLookUs = 900; // the generators share a core

/** CPU time of a packet with one worker, and with two of them that carry twice as many sessions on two cores. */
export async function measureTwoWorkers(sessions: number, speech: string): Promise<Figures> {
  const both = `${kServerCpu},${kLoadCpu}`;
  const carry = async (workers: number): Promise<Figures> => {
    const load = { sessions: workers * sessions, loadPort: kFirstLoadPort };
    return measure(
      await startHushpay({ ...load, callerForAgent: kSecure, workers }),
      kFirstLoadPort,
      speech,
      { cpus: both },
    );
  };
  const [one, two] = [await carry(1), await carry(2)];
  const nsOf = (figures: Figures) => figures['cpuNsPerPacket'] ?? Number.NaN;
  return {
    oneNsPerPacket: rounded(nsOf(one)),
    twoNsPerPacket: rounded(nsOf(two)),
    // Sessions two cores carry for each that one does, judged by CPU alone: the load shares the cores.
    scaling: rounded((2 * nsOf(one)) / nsOf(two)),
    latePercentOne: rounded(one['latePercent'] ?? Number.NaN),
    latePercentTwo: rounded(two['latePercent'] ?? Number.NaN),
  };
}

/**
 * Calls come until the worker refuses one. Then as many again ask within ten seconds; who is let in talks like the others. Everybody who
 * talks is listened to.
 */
export async function measureAdmission(speech: string): Promise<Figures> {
  const media = await launchBenchMedia({ workers: 1, maxBusy: kMaxBusy });
  const pid = media.pids[0] ?? 0;
  const loads: { readonly pid: number; readonly result: Promise<Load> }[] = [];
  /** Calls that begin together, with packets from the first moment. @returns how many are let in. */
  const come = async (calls: number): Promise<number> => {
    const loadPort = kFirstLoadPort + 2 * loads.length;
    const ports: number[] = [];
    for (let call = 0; call < calls; call++) {
      try {
        const { legs } = await openCall(media, ports.length, loadPort, kSecure);
        ports.push(...legs.map(({ port }) => port));
      } catch (error) {
        if (!isOverload(error)) throw error;
      }
    }
    if (ports.length > 0)
      loads.push(
        startLoad(ports, loadPort, speech, { warmSeconds: 1, seconds: kAdmissionSeconds, lookUs: kLookUs }),
      );
    return ports.length / 2;
  };
  try {
    let admitted = 0;
    let isFull = false;
    while (!isFull && admitted < kMostSessions) {
      const letIn = await come(kBatch);
      admitted += letIn;
      isFull = letIn < kBatch;
      await pause(kSettleMs);
    }
    const [cpuBefore, beganMs] = [cpuNsOf(pid), performance.now()];
    let tickLateMaxMs = 0;
    let admittedLater = 0;
    for (let batch = 0; batch < kMoreBatches; batch++) {
      const [first, last] = [batch, batch + 1].map((n) => Math.round((admitted * n) / kMoreBatches));
      admittedLater += await come((last ?? 0) - (first ?? 0));
      await pause(10_000 / kMoreBatches);
      tickLateMaxMs = Math.max(tickLateMaxMs, ...media.stats().map((stats) => stats.tickLateMaxMs));
    }
    const busyPercent = (cpuNsOf(pid) - cpuBefore) / 1e4 / (performance.now() - beganMs);
    const loadPercent = await percentOf(loads.map((load) => load.pid));
    const results = (await Promise.all(loads.map(({ result }) => result))).map(figuresOf);
    const worst = (name: string) => Math.max(...results.map((figures) => figures[name] ?? Number.NaN));
    return {
      maxBusyPercent: 100 * kMaxBusy,
      admitted,
      offeredLater: admitted,
      admittedLater,
      refused: admitted - admittedLater,
      busyPercent: rounded(busyPercent),
      loadPercent: rounded(loadPercent),
      tickLateMaxMs: rounded(tickLateMaxMs),
      worstGapP99Ms: rounded(worst('gapP99Ms')),
      worstLatePercent: rounded(worst('latePercent')),
      worstMissingPercent: rounded(worst('missingPercent')),
    };
  } finally {
    await media.stop();
  }
}

/** What processes use of a core together: a generator that has to wait for it measures itself. */
async function percentOf(pids: readonly number[]): Promise<number> {
  const cpuNs = () => pids.reduce((sum, pid) => sum + cpuNsOf(pid), 0);
  const [before, beganMs] = [cpuNs(), performance.now()];
  await pause(kSettleMs);
  return (cpuNs() - before) / 1e4 / (performance.now() - beganMs);
}

function isOverload(error: unknown): boolean {
  if (error instanceof AppError && error.code === 'MEDIA_BUSY') return true;
  throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
