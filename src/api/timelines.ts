import { z } from 'zod';
import { kLanes, timelineOf } from '../ladder/timeline.ts';
import { kReaders } from '../ports/api-roles.ts';
import type { AuditEntry } from '../ports/audit.ts';
import type { EventLog } from '../ports/live-events.ts';
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
}

const kMostEvents = 1000;

const kTimeline = z
  .object({
    peer: z
      .string()
      .nullable()
      .describe('Far end of the customer’s leg; null when its SIP is not kept any more'),
    entries: z.array(
      z.object({
        at: kWhen,
        lane: z.enum(kLanes),
        kind: z
          .enum(['sent', 'received', 'note'])
          .describe('Of SIP: `sent` by the far end, `received` by it'),
        text: z.string(),
      }),
    ),
    audit: z.array(kAuditEntry),
  })
  .meta({ id: 'Timeline' });

/** `GET /v1/sessions/{id}/timeline`: all that happened in a session, in one order. */
export function addTimelines(routes: Routes, { sources, ladderOf, events, audit }: TimelineParts): void {
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
      const ladder = record && (await ladderOf(record.callId));
      const acts = audit.entriesOf(id);
      const entries = timelineOf({
        ladder,
        events: events.eventsAfter(0, kMostEvents, id),
        attempts: sources.records.attempts(id),
        audit: acts,
      });
      return { peer: ladder?.peer ?? null, entries, audit: acts };
    },
  );
}
