// How many sessions one core carries: more and more of them over a relay, until packets come late or the sound does.
import { rounded } from './figures.ts';
import { type Figures, measure } from './media-load.ts';
import type { Relay } from './media-relays.ts';

const kMostBad = 1; // % of the packets that are missing, or more than 20 ms late
const kMostLatencyMs = 5; // p99, beyond the delay the relay has for a reason
const kMost = 4_000;
const kGrowth = 1.4;
const kFine = 0.06; // of the result: nearer is noise
const kTries = 2; // other work on the machine can only make a point worse
/** All calls begin at once, which no day brings: what piled up then has gone when the measure begins. */
const kPoint = { warmSeconds: 8, seconds: 5, probes: 40 };

/** What is loaded, and from where the search begins. */
export interface Candidate {
  readonly name: string;
  /** Milliseconds by which it delays on purpose. */
  readonly delayMs: number;
  readonly from: number;
  start(sessions: number): Promise<Relay>;
}

/** @returns the largest load that is carried well, and what it was like there; zeros if not even a small one is. */
export async function measureSaturation(
  candidate: Candidate,
  loadPort: number,
  speech: string,
): Promise<Figures> {
  let best: Figures = { sessions: 0 };
  let lost = kMost; // the least that was not carried
  const carries = async (sessions: number): Promise<boolean> => {
    for (let attempt = 0; attempt < kTries; attempt++) {
      const figures = await pointOf(candidate, sessions, loadPort, speech);
      const isGood = isCarried(figures, candidate.delayMs);
      process.stderr.write(`${candidate.name} ${sessions} ${isGood} ${JSON.stringify(figures)}\n`);
      if (!isGood) continue;
      best = { sessions, ...pick(figures) };
      return true;
    }
    lost = sessions;
    return false;
  };
  let next = candidate.from;
  while (next < kMost && (await carries(next))) next = Math.ceil(next * kGrowth);
  while (best['sessions'] === 0 && lost > 20) await carries(Math.floor(lost / kGrowth));
  for (;;) {
    const sessions = best['sessions'] ?? 0;
    if (sessions === 0 || lost - sessions <= kFine * sessions) return best;
    await carries((sessions + lost) >> 1);
  }
}

/** @returns nothing of a relay that broke under the load. */
async function pointOf(
  candidate: Candidate,
  sessions: number,
  loadPort: number,
  speech: string,
): Promise<Figures> {
  try {
    return await measure(await candidate.start(sessions), loadPort, speech, kPoint);
  } catch (error) {
    process.stderr.write(`${candidate.name} ${sessions}: ${String(error)}\n`);
    return {};
  }
}

function isCarried(figures: Figures, delayMs: number): boolean {
  const of = (name: string) => figures[name] ?? Number.NaN;
  return of('missingPercent') + of('latePercent') < kMostBad && of('latencyP99Ms') - delayMs < kMostLatencyMs;
}

function pick(figures: Figures): Figures {
  const names = ['cpuNsPerPacket', 'cpuPercent', 'missingPercent', 'latePercent', 'latencyP99Ms', 'gapP99Ms'];
  return Object.fromEntries(names.map((name) => [name, rounded(figures[name] ?? Number.NaN)]));
}
