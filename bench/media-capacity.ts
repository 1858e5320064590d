// What more workers bring, and what becomes of running calls when more are offered than a worker takes.
import { AppError } from '../src/errors.ts';
import { rounded } from './figures.ts';
import { type Figures, figuresOf, kLoadCpu, type Load, measure, startLoad } from './media-load.ts';
import { kServerCpu, launchBenchMedia, openCall, startHushpay } from './media-relays.ts';
import { cpuNsOf } from './processes.ts';

const kSecure = { kind: 'clamped', mode: 'comfort_noise' } as const;
const kFirstLoadPort = 18_000;
const kBatch = 40; // sessions that begin together
const kSettleMs = 2_500; // the load meter's window is about a second
const kAdmissionSeconds = 60;
const kMaxBusy = 0.4; // of a core, as others want the machine too
const kMostSessions = 1_000;

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

/** Calls come until the worker refuses one; then as many again ask in vain, and the running ones are listened to. */
export async function measureAdmission(speech: string): Promise<Figures> {
  const media = await launchBenchMedia({ workers: 1, maxBusy: kMaxBusy });
  const pid = media.pids[0] ?? 0;
  try {
    const loads: { readonly result: Promise<Load> }[] = [];
    let admitted = 0;
    let isFull = false;
    while (!isFull && admitted < kMostSessions) {
      const loadPort = kFirstLoadPort + 2 * loads.length;
      const ports: number[] = [];
      while (ports.length < 2 * kBatch && !isFull) {
        try {
          ports.push(
            ...(await openCall(media, ports.length, loadPort, kSecure)).legs.map(({ port }) => port),
          );
          admitted++;
        } catch (error) {
          isFull = isOverload(error);
        }
      }
      if (ports.length > 0) loads.push(startLoad(ports, loadPort, speech, { seconds: kAdmissionSeconds }));
      await pause(kSettleMs);
    }
    const [cpuBefore, beganMs] = [cpuNsOf(pid), performance.now()];
    let refused = 0;
    let extra = 0;
    for (let offered = 0; offered < admitted; offered++) {
      try {
        await media.open();
        extra++;
      } catch (error) {
        if (isOverload(error)) refused++;
      }
      await pause(10_000 / admitted);
    }
    const busyPercent = (cpuNsOf(pid) - cpuBefore) / 1e4 / (performance.now() - beganMs);
    const results = (await Promise.all(loads.map(({ result }) => result))).map(figuresOf);
    const worst = (name: string) => Math.max(...results.map((figures) => figures[name] ?? Number.NaN));
    return {
      maxBusyPercent: 100 * kMaxBusy,
      admitted,
      refused,
      admittedLater: extra,
      busyPercent: rounded(busyPercent),
      worstGapP99Ms: rounded(worst('gapP99Ms')),
      worstLatePercent: rounded(worst('latePercent')),
      worstMissingPercent: rounded(worst('missingPercent')),
    };
  } finally {
    await media.stop();
  }
}

function isOverload(error: unknown): boolean {
  if (error instanceof AppError && error.code === 'MEDIA_BUSY') return true;
  throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
