import type { Durations, QuarterHour } from '../../src/ports/reports.ts';

const kNone: Durations = { sessions: 0, durationMs: 0, activeMs: 0 };

/** So many sessions that took so long each, ten seconds of it to identify the caller. */
export function lasting(sessions: number, eachMs: number): Durations {
  return { sessions, durationMs: sessions * eachMs, activeMs: sessions * Math.max(0, eachMs - 10_000) };
}

/** A quarter of an hour in which nothing happened, apart from this. */
export function quarterOf(
  startsAt: string,
  {
    outcomes,
    ...some
  }: Partial<Omit<QuarterHour, 'outcomes'>> & { outcomes?: Partial<QuarterHour['outcomes']> },
): QuarterHour {
  return {
    startMs: Date.parse(startsAt),
    ...{ entered: 0, active: 0, attempted: 0, attemptedSessions: 0, agentsLost: 0 },
    hangUps: { before: 0, inFlight: 0, after: 0 },
    ...{ charged: {}, voided: {}, refunded: {}, reserved: {} },
    outcomes: {
      success: kNone,
      declined: kNone,
      abandoned: kNone,
      failed: kNone,
      unknown: kNone,
      ...outcomes,
    },
    ...some,
  };
}
