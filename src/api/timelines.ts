import { z } from 'zod';
import { maskCardLike } from '../card/card-like.ts';
import { legsOf, type SessionLeg } from '../ladder/session-legs.ts';
import { kLanes, timelineOf } from '../ladder/timeline.ts';
import { kReaders } from '../ports/api-roles.ts';
import type { AuditEntry } from '../ports/audit.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import type { FollowUpRecord, SessionRecord } from '../ports/store.ts';
import { kAuditEntry } from './audit.ts';
import { seesSession } from './caller.ts';
import type { LadderOf } from './ladders.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kSessionParams, kWhen } from './session-schema.ts';
import { ownersIn, type SessionSources } from './session-view.ts';

/** Where the parts of a timeline come from. */
export interface TimelineParts {
  readonly sources: SessionSources;
  readonly ladderOf: LadderOf;
  readonly events: Pick<EventLog, 'eventsAfter'>;
  readonly audit: { entriesOf(sessionId: string): readonly AuditEntry[] };
  /** What was done about a payment later. */
  followUpsOf(paymentRef: string): readonly FollowUpRecord[];
}

const kMostEvents = 1000;

const kTimeline = z
  .object({
    legs: z
      .array(
        z.object({
          role: z.string(),
          callId: z.string(),
          peer: z.string().nullable().describe('Its far end; null when its SIP is not kept any more'),
          joinedAt: kWhen,
          leftAt: kWhen.nullable().describe('Null while it is there'),
          codec: z.string().nullable(),
          media: z
            .record(z.string(), z.number())
            .nullable()
            .describe(
              'What it was like, and `clamp…` of what was kept from who listened to it; null until then',
            ),
        }),
      )
      .describe('In the order they came'),
    entries: z.array(
      z.object({
        at: kWhen,
        lane: z.enum(kLanes),
        kind: z
          .enum(['sent', 'received', 'note'])
          .describe('Of SIP: `sent` by the far end, `received` by it'),
        text: z.string(),
        leg: z.int().nullable().describe('Which of `legs` it is about; null: none in particular'),
      }),
    ),
    audit: z.array(kAuditEntry),
  })
  .meta({ id: 'Timeline' });

/** `GET /v1/sessions/{id}/timeline`: all that happened in a session, in one order. */
export function addTimelines(routes: Routes, parts: TimelineParts): void {
  const { sources, ladderOf, events, audit, followUpsOf } = parts;
  routes.get(
    '/v1/sessions/{id}/timeline',
    {
      name: 'getTimeline',
      tag: 'Sessions',
      summary: 'SIP, media, conversation, gateway and audit of a session in one order, masked',
      allow: kReaders,
      params: kSessionParams,
      answers: { 200: { what: 'The timeline', json: kTimeline } },
      problems: ['API_NOT_FOUND'],
    },
    async ({ params: { id }, caller, reply }) => {
      if (!seesSession(caller, ownersIn(sources, id))) return sendProblem(reply, 404);
      const record = sources.records.find(id);
      const told = events.eventsAfter(0, kMostEvents, id);
      const legs = legsIn(told, record);
      const ladders = await Promise.all(legs.map(({ callId }) => ladderOf(callId)));
      const acts = audit.entriesOf(id);
      return {
        legs: legs.map((leg, at) => ({
          ...leg,
          callId: maskCardLike(leg.callId),
          peer: ladders[at]?.peer ?? null,
        })),
        entries: timelineOf({
          legs,
          ladders,
          events: told,
          attempts: sources.records.attempts(id),
          followUps: record ? followUpsOf(record.paymentRef) : [],
          audit: acts,
        }),
        audit: acts,
      };
    },
  );
}

/** Where no leg is told of any more, the row still knows the customer's. */
function legsIn(events: readonly LiveEvent[], record: SessionRecord | undefined): readonly SessionLeg[] {
  const legs = legsOf(events);
  if (legs.length > 0 || !record) return legs;
  const { callId, startedAt: joinedAt, endedAt: leftAt, media } = record;
  return [{ role: 'customer', callId, joinedAt, leftAt, codec: null, media }];
}
