import type { Figures, Grouping } from './report.ts';

/** What a plot is drawn of: one place on its axis per period. */
export interface Series {
  readonly names: readonly string[];
  readonly entered: readonly number[];
  readonly successful: readonly number[];
  readonly unsuccessful: readonly number[];
}

const kStepMs: Readonly<Partial<Record<Grouping, number>>> = { quarter: 900_000, hour: 3_600_000 };

/**
 * Puts periods onto an axis. Reports leave out periods in which nothing began; of quarters and hours these are filled in with
 * nothing, so that time goes on evenly.
 * @param toMs - where the axis ends, epoch.
 */
export function seriesOf(periods: readonly Figures[], by: Grouping, fromMs: number, toMs: number): Series {
  const stepMs = kStepMs[by];
  const filled = stepMs === undefined ? named(periods, by) : evenly(periods, stepMs, fromMs, toMs);
  return {
    names: filled.map(([name]) => name),
    entered: filled.map(([, figures]) => figures?.entered ?? 0),
    successful: filled.map(([, figures]) => figures?.successful ?? 0),
    unsuccessful: filled.map(([, figures]) => figures?.unsuccessful ?? 0),
  };
}

type Place = readonly [string, Figures | undefined];

function named(periods: readonly Figures[], by: Grouping): readonly Place[] {
  return periods.map((figures) => [by === 'day' ? figures.period.slice(5) : figures.period, figures]);
}

function evenly(periods: readonly Figures[], stepMs: number, fromMs: number, toMs: number): readonly Place[] {
  const byStart = new Map(periods.map((figures) => [Date.parse(figures.period), figures]));
  const count = Math.max(1, Math.ceil((toMs - fromMs) / stepMs));
  return Array.from({ length: count }, (_, at) => {
    const startMs = fromMs + at * stepMs;
    return [clockOf(startMs), byStart.get(startMs)];
  });
}

function clockOf(ms: number): string {
  const time = new Date(ms);
  return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
}

/** Share of the change, such as 0.25 for a quarter more; null where there is nothing to compare with. */
export function changeOf(now: number | null, before: number | null | undefined): number | null {
  if (now === null || before === null || before === undefined || before === 0) return null;
  return (now - before) / before;
}
