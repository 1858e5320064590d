import type { Clock } from '../../src/ports/clock.ts';

const kHourMs = 3_600_000;
const kClockTroubles: readonly ClockTrouble['kind'][] = ['set ahead', 'set back', 'stopped'];

/** What happens to the clocks of a process: the date is set, or all of it stands still for a while, as when a machine is suspended. */
export interface ClockTrouble {
  readonly kind: 'set ahead' | 'set back' | 'stopped';
  readonly atMs: number;
  readonly byMs: number;
}

/** One of them, by chance. */
export function clockTrouble(
  random: () => number,
  pick: <T>(from: readonly T[]) => T | undefined,
): ClockTrouble {
  const kind = pick(kClockTroubles) ?? 'stopped';
  const byMs = pick([kHourMs / 60, kHourMs, 30 * kHourMs]) ?? kHourMs;
  return {
    kind,
    atMs: Math.floor(random() * 60_000),
    byMs: kind === 'stopped' ? Math.min(byMs, kHourMs) : byMs,
  };
}

/** Tasks of a dead process do not run. */
export function mortal(clock: Clock, isDead: () => boolean): Clock {
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    schedule: (delayMs, task) => clock.schedule(delayMs, () => void (isDead() || task())),
  };
}

/** The clock as a process sees it that something happens to, counted from `startedMs`. */
export function troubled(clock: Clock, startedMs: number, trouble: ClockTrouble | null): Clock {
  if (trouble === null) return clock;
  const { kind, atMs, byMs } = trouble;
  const beginMs = startedMs + atMs;
  if (kind !== 'stopped') {
    const set = () => (clock.now() < beginMs ? 0 : kind === 'set ahead' ? byMs : -byMs);
    return { ...clock, date: () => new Date(clock.date().getTime() + set()) };
  }
  /** What has been slept away by then. */
  const lostMs = (nowMs: number) => Math.min(byMs, Math.max(0, nowMs - beginMs));
  return {
    now: () => clock.now() - lostMs(clock.now()),
    date: () => clock.date(),
    schedule(delayMs, task) {
      const nowMs = clock.now();
      const sleepsThrough = nowMs + delayMs > beginMs && nowMs < beginMs + byMs;
      return clock.schedule(delayMs + (sleepsThrough ? byMs - lostMs(nowMs) : 0), task);
    },
  };
}
