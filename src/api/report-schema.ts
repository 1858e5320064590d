import { z } from 'zod';
import { kTopologies } from '../ports/payment-sessions.ts';
import { isZone, kPeriods, type Period } from '../report/period.ts';
import { kOutcome, kWhen } from './session-schema.ts';

const kCount = z.int().min(0);
const kSums = z.record(z.string(), z.int());
const kByOutcome = <S extends z.ZodType>(each: S) =>
  z.object({ success: each, declined: each, abandoned: each, failed: each, unknown: each });

/** What every report is asked for by. */
export const kScopeQuery = {
  from: z.string().optional().describe('Date in the zone, or instant with offset; left out: midnight'),
  to: z.string().optional().describe('As `from`, not included; left out: now'),
  zone: z.string().default('UTC').refine(isZone, 'expected an IANA time zone such as Europe/Berlin'),
  merchant: z.string().max(64).optional(),
  topology: z.string().max(32).optional(),
};

export const kSegment = z
  .object({
    type: z.literal('payment-ivr'),
    sessionId: z.string(),
    callId: z.string().describe('SIP Call-ID of the customer’s leg'),
    mode: z.enum(kTopologies),
    start: kWhen,
    end: kWhen.nullable(),
    result: z.string().nullable(),
    outcome: kOutcome.nullable(),
  })
  .meta({ id: 'Segment' });

export const kJourneys = z
  .object({
    from: kWhen,
    to: kWhen,
    steps: z
      .array(
        z.object({
          stage: z.string(),
          sessions: kCount.describe('That came to it'),
          visits: kCount,
          lost: kCount.describe('That ended in it, and not with a payment'),
          averageMs: kCount.nullable().describe('Mean over the visits that have ended'),
          ...{ p50Ms: kCount.nullable(), p95Ms: kCount.nullable() },
        }),
      )
      .describe('In the order callers come through them'),
    errors: z.array(z.object({ field: z.string(), error: z.string(), count: kCount, sessions: kCount })),
  })
  .meta({ id: 'Journeys' });

export const kClampFigures = z
  .object({
    sessions: kCount.describe('In which somebody was not to hear keys'),
    ...{ tonePresses: kCount, eventPresses: kCount, otherPresses: kCount },
    guardEvents: kCount.describe('Alarms that no key followed'),
    armedMs: z.number(),
    clampedMs: z.number(),
    missingMs: z.number(),
    worstResidualDbm0: z.number().nullable().describe('Strongest trace of any press; -99: there was none'),
  })
  .meta({ id: 'ClampFigures' });

export const kPeriod = z.enum(kPeriods as [Period, ...Period[]]);

export const kFigures = z
  .object({
    period: z.string(),
    entered: kCount.describe('Sessions that began; always successful + unsuccessful + active'),
    successful: kCount,
    unsuccessful: kCount,
    active: kCount,
    outcomes: kByOutcome(kCount),
    attempted: kCount.describe('Submissions to the gateway'),
    attemptedSessions: kCount,
    hangUps: z.object({ before: kCount, inFlight: kCount, after: kCount, all: kCount }),
    agentsLost: kCount.describe('Sessions whose agent hung up while they were paid'),
    averageDurationMs: kByOutcome(kCount.nullable()),
    averageActiveMs: kByOutcome(kCount.nullable()).describe('Without the time it took to identify callers'),
    charged: kSums.describe('Gross: sales and captures, in minor units by currency'),
    voided: kSums.describe('Of that: taken back before it was settled'),
    refunded: kSums.describe('Of that: given back'),
    net: kSums.describe('What is left of it'),
    reserved: kSums.describe('Authorized, and neither captured nor voided'),
  })
  .meta({ id: 'Figures' });

export const kReport = z
  .object({
    from: kWhen,
    to: kWhen,
    zone: z.string(),
    by: kPeriod,
    total: kFigures,
    before: kFigures.optional().describe('Of the period before, as long as this one'),
    parts: z
      .array(z.object({ part: z.string().describe('Empty: of nobody'), total: kFigures }))
      .optional()
      .describe('Of each merchant or topology, with `split`'),
    clamp: kClampFigures,
    durations: z.partialRecord(kOutcome, z.object({ p50Ms: kCount, p95Ms: kCount })),
    periods: z.array(kFigures),
    results: z.array(
      z.object({
        result: z.string(),
        outcome: kOutcome,
        sessions: kCount,
        averageMs: kCount.nullable(),
        ...{ p50Ms: kCount.nullable(), p95Ms: kCount.nullable() },
      }),
    ),
    stages: z.array(z.object({ stage: z.string(), outcome: kOutcome, sessions: kCount })),
  })
  .meta({ id: 'Report' });
