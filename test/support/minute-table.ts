import { slopeOf } from './slope.ts';
import { holdingOf, type Part, sumOf, type Trial } from './trial.ts';

const kMinuteMs = 60_000;
const kFloorMinutes = 10;
const kMb = 1024 * 1024;

/** What is looked at, by name: `control.rssMb`, `edge.timers`. */
export type Sample = Readonly<Record<string, number>>;

/** The least of each figure within a minute: between collections and calls figures only rise, and what is never given back shows where they are lowest. */
export interface Minute {
  readonly minute: number;
  readonly least: Sample;
}

/** How far a figure rose in an hour. */
export interface Drift {
  readonly mean: number;
  readonly perHour: number;
  /** Share of the mean. */
  readonly perHourShare: number;
}

const kParts: readonly Part[] = ['control', 'edge', 'worker'];

/** Memory, open files, threads and timers of the three processes now. */
export async function lookAt(trial: Trial): Promise<Sample> {
  const text = await (await fetch(`${trial.httpUrl}/metrics`)).text();
  const held = kParts.flatMap((part) => {
    const { rssMb, files, threads } = holdingOf(trial.pidOf(part) ?? 0);
    return [
      [`${part}.rssMb`, rssMb],
      [`${part}.files`, files],
      [`${part}.threads`, threads],
    ] as const;
  });
  return {
    ...Object.fromEntries(held),
    'control.heapMb': sumOf(text, 'nodejs_heap_size_used_bytes') / kMb,
    'control.timers': sumOf(text, 'nodejs_active_resources', '"Timeout"'),
    'control.handles': sumOf(text, 'nodejs_active_handles'),
    'edge.heapMb': sumOf(text, 'sip_edge_memory_bytes', '"heap"') / kMb,
    // unknown before the first full collection
    'edge.heapLeftMb': sumOf(text, 'sip_edge_memory_bytes', '"heap_left"') / kMb || Number.NaN,
    'edge.timers': sumOf(text, 'sip_edge_objects', '"timers"'),
    'edge.dialogs': sumOf(text, 'sip_edge_objects', '"dialogs"'),
    'worker.sessions': sumOf(text, 'media_sessions'),
    calls: sumOf(text, 'sip_calls_active'),
  };
}

/** Looks at a server again and again, from start() to stop(), and tells each full minute. */
export class MinuteTable {
  readonly minutes: Minute[] = [];
  readonly #trial: Trial;
  readonly #everyMs: number;
  readonly #onMinute: (minute: Minute) => void;
  #samples: Sample[] = [];
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(trial: Trial, everyMs: number, onMinute: (minute: Minute) => void) {
    this.#trial = trial;
    this.#everyMs = everyMs;
    this.#onMinute = onMinute;
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => void this.#look(), this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** By least squares over the minutes behind the warm-up. */
  drifts(warmUpMinutes: number): Readonly<Record<string, Drift>> {
    const judged = this.minutes.filter(({ minute }) => minute > warmUpMinutes);
    const names = Object.keys(judged[0]?.least ?? {});
    return Object.fromEntries(names.map((name) => [name, driftOf(name, judged)]));
  }

  /** How far the floor of each figure rose: where it was lowest in the last ten minutes, less where it was in the first ten behind the warm-up. */
  rises(warmUpMinutes: number): Sample {
    const judged = this.minutes.filter(({ minute }) => minute > warmUpMinutes).map(({ least }) => least);
    const first = leastOf(judged.slice(0, kFloorMinutes));
    const last = leastOf(judged.slice(-kFloorMinutes));
    return Object.fromEntries(
      Object.entries(last).map(([name, value]) => [name, value - (first[name] ?? 0)]),
    );
  }

  async #look(): Promise<void> {
    const sample = await lookAt(this.#trial).catch(() => undefined); // a server that has gone is missed by its calls
    if (sample) this.#samples.push(sample);
    const minute = this.minutes.length + 1;
    if (performance.now() - this.#startedMs < minute * kMinuteMs || this.#samples.length === 0) return;
    const closed = { minute, least: leastOf(this.#samples) };
    this.#samples = [];
    this.minutes.push(closed);
    this.#onMinute(closed);
  }
}

function leastOf(samples: readonly Sample[]): Sample {
  const names = Object.keys(samples[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const least = Math.min(...samples.map((sample) => sample[name] ?? Number.NaN).filter(Number.isFinite));
      return [name, Math.round(least * 100) / 100];
    }),
  );
}

function driftOf(name: string, minutes: readonly Minute[]): Drift {
  const points = minutes
    .map(({ minute, least }) => ({ x: minute / 60, y: least[name] ?? Number.NaN }))
    .filter(({ y }) => Number.isFinite(y));
  const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const perHour = slopeOf(points);
  const rounded = (value: number) => Math.round(value * 1000) / 1000;
  return {
    mean: rounded(mean),
    perHour: rounded(perHour),
    perHourShare: mean === 0 ? 0 : rounded(perHour / mean),
  };
}
