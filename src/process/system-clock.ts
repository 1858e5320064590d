import type { Cancel, Clock } from '../ports/clock.ts';

/** The machine's time; `process.hrtime` reads CLOCK_MONOTONIC, as the media workers do. */
export const kSystemClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  date: () => new Date(),
  schedule(delayMs: number, task: () => void): Cancel {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
