import type { Cancel, Clock } from '../ports/clock.ts';

/** The clock of the edge process. */
export const kSystemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  schedule(delayMs: number, task: () => void): Cancel {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
