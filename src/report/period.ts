import { DateTime, IANAZone } from 'luxon';

/** How sessions are put together. `total`: all of them. */
export type Period = 'quarter' | 'hour' | 'day' | 'week' | 'month' | 'total';

export const kPeriods: readonly Period[] = ['quarter', 'hour', 'day', 'week', 'month', 'total'];

export function isZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

/**
 * When a day begins or an instant is.
 * @param text - a date such as `2026-10-25`, which begins in the zone, or an instant with its offset (RFC 3339).
 * @returns epoch ms; undefined if it is neither.
 */
export function instantOf(text: string, zone: string): number | undefined {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text);
  if (!isDate && !/T.*(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const time = DateTime.fromISO(text, { zone });
  return time.isValid ? time.toMillis() : undefined;
}

/**
 * The range before one, as long: days by the calendar where it begins and ends with days, however long they are; else to the millisecond.
 * @param fromMs - epoch; until before `toMs`.
 */
export function rangeBefore(fromMs: number, toMs: number, zone: string): { fromMs: number; toMs: number } {
  const [from, to] = [fromMs, toMs].map((ms) => DateTime.fromMillis(ms, { zone }));
  const days = from && to && isMidnight(from) && isMidnight(to) ? to.diff(from, 'days').days : 0;
  if (!from || days < 1 || !Number.isInteger(days)) return { fromMs: 2 * fromMs - toMs, toMs: fromMs };
  return { fromMs: from.minus({ days }).toMillis(), toMs: fromMs };
}

function isMidnight(time: DateTime): boolean {
  return time.toMillis() === time.startOf('day').toMillis();
}

/** Midnight before, in the zone. */
export function dayOf(nowMs: number, zone: string): number {
  return DateTime.fromMillis(nowMs, { zone }).startOf('day').toMillis();
}

/**
 * What a moment is counted under, as people write it there: `2026-10-25T02:00+01:00`, `2026-10-25`, `2026-W43`, `2026-10`. The hour that clocks
 * go through twice has two names.
 */
export function nameOf(ms: number, period: Period, zone: string): string {
  const time = DateTime.fromMillis(ms, { zone });
  switch (period) {
    case 'quarter':
      return time.toFormat("yyyy-MM-dd'T'HH:mmZZ");
    case 'hour':
      return time.toFormat("yyyy-MM-dd'T'HH:00ZZ");
    case 'day':
      return time.toFormat('yyyy-MM-dd');
    case 'week':
      return time.toFormat("kkkk-'W'WW");
    case 'month':
      return time.toFormat('yyyy-MM');
    case 'total':
      return 'total';
  }
}
