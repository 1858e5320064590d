const kMinuteMs = 60_000;
/** What was found after a restart gets so long at least, however old it is. */
const kLeastWatchMs = 60 * kMinuteMs;
const kLastLookAfterMs = 24 * 60 * kMinuteMs;
const kLooksAfterMs = [...[1, 5, 15, 60, 6 * 60].map((minutes) => minutes * kMinuteMs), kLastLookAfterMs];

/** Younger than this, a request may still be on its way: nothing that is not found is believed. */
export const kFirstLookAfterMs = kMinuteMs;
/** How often the journal is read for what a dead process left. */
export const kRescanMs = kMinuteMs;
/** Rows found then belong to a dead process only if no request can be as old as this. */
export const kOrphanAfterMs = 10 * kMinuteMs;

/** When something open is looked at. After the last look it needs a person. */
export interface LookTimes {
  /** What the looks count from, on the clock. */
  readonly sinceMs: number;
  readonly looksMs: readonly number[];
}

/** Of what has become unknown now. @param mostMs - no look is later. */
export function looksFrom(nowMs: number, mostMs = kLastLookAfterMs): LookTimes {
  return { sinceMs: nowMs, looksMs: looksUntil(Math.min(kLastLookAfterMs, mostMs)) };
}

/**
 * Of what another process left so long ago. The first look is a minute after it was sent, or now; the others count from there, and end as if nothing had
 * come between. @param mostMs - as of {@link looksFrom}.
 */
export function looksOfOld(nowMs: number, ageMs: number, mostMs = kLastLookAfterMs): LookTimes {
  const countedMs = Math.min(ageMs, kFirstLookAfterMs);
  const endMs = Math.max(kLeastWatchMs, Math.min(kLastLookAfterMs, mostMs) - (ageMs - countedMs));
  return { sinceMs: nowMs - countedMs, looksMs: looksUntil(endMs) };
}

function looksUntil(endMs: number): readonly number[] {
  return [...kLooksAfterMs.filter((lookMs) => lookMs < endMs), endMs];
}

/** Where nobody can be asked: the end alone. */
export function endOf({ sinceMs, looksMs }: LookTimes): LookTimes {
  return { sinceMs, looksMs: looksMs.slice(-1) };
}

export function waitForNext({ sinceMs, looksMs }: LookTimes, lookedAtAgeMs: number, nowMs: number): number {
  const afterMs = looksMs.find((ageMs) => ageMs > lookedAtAgeMs) ?? lastLookOf({ looksMs });
  return Math.max(0, sinceMs + afterMs - nowMs);
}

/** How old it is then. */
export function lastLookOf({ looksMs }: Pick<LookTimes, 'looksMs'>): number {
  return looksMs.at(-1) ?? kLastLookAfterMs;
}
