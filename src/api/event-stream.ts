import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Cancel } from '../ports/clock.ts';
import { type Caller, seesSession } from './caller.ts';
import { EventReaders, type EventSources } from './event-readers.ts';
import type { EventTickets } from './event-tickets.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kSessionParams } from './session-schema.ts';

const kAfter = {
  after: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('As the header Last-Event-ID, for those who cannot set it the first time'),
  ticket: z.string().max(64).optional().describe('In the place of a key'),
};
const kQuery = z.strictObject({ session: kSessionParams.shape.id.optional(), ...kAfter });
const kTicket = z.object({ ticket: z.string(), expiresInMs: z.int() }).meta({ id: 'EventTicket' });
const kRoles = ['agent', 'supervisor', 'integrator', 'operator'] as const;

/** What happens, as Server-Sent Events, of all sessions a caller sees or of one; tickets for browsers. @returns what ends the streams. */
export function addEventStream(routes: Routes, sources: EventSources, tickets: EventTickets): Cancel {
  const readers = new EventReaders(sources);
  const stream = {
    200: { what: 'Events as they happen, after those that were missed', type: 'text/event-stream' },
  } as const;
  const common = { tag: 'Events', allow: kRoles, takesTickets: true, answers: stream } as const;

  routes.post(
    '/v1/event-tickets',
    {
      name: 'issueEventTicket',
      tag: 'Events',
      summary: 'A ticket for one stream, since EventSource sends no header',
      allow: kRoles,
      answers: { 201: { what: 'Good for half a minute', json: kTicket } },
    },
    ({ caller, reply }) => reply.code(201).send(tickets.issue(caller)),
  );
  routes.get(
    '/v1/events',
    { ...common, name: 'streamEvents', summary: 'What happens in all sessions', query: kQuery },
    ({ query: { session, after }, ...asked }) => begin(asked, session, after),
  );
  routes.get(
    '/v1/sessions/{id}/events',
    {
      ...common,
      name: 'streamSessionEvents',
      summary: 'What happens in one session',
      params: kSessionParams,
      query: z.strictObject(kAfter),
      problems: ['API_NOT_FOUND'],
    },
    ({ params: { id }, query: { after }, ...asked }) => {
      if (!seesSession(asked.caller, sources.ownersOf(id))) return sendProblem(asked.reply, 404);
      return begin(asked, id, after);
    },
  );

  function begin({ caller, request, reply }: Asking, session: string | undefined, after: number | undefined) {
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    readers.add(reply.raw, { caller, session, after: lastSeen(request) ?? after });
    return reply;
  }

  return () => readers.close();
}

interface Asking {
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function lastSeen({ headers }: FastifyRequest): number | undefined {
  const id = Number(headers['last-event-id']);
  return Number.isInteger(id) && id >= 0 && headers['last-event-id'] !== '' ? id : undefined;
}
