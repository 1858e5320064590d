import type { Cancel, Clock } from '../ports/clock.ts';

// The event loop counts from the whole millisecond before now(), so its timers fire up to one early; `schedule` never does.
const kTimerEarlyMs = 1;

/** The machine's time; `process.hrtime` reads CLOCK_MONOTONIC, as the media workers do. */
export const kSystemClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  date: () => new Date(),
  schedule(delayMs: number, task: () => void): Cancel {
    const timer = setTimeout(task, Math.ceil(delayMs) + kTimerEarlyMs);
    return () => clearTimeout(timer);
  },
};
