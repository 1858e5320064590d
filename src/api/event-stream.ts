import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Cancel } from '../ports/clock.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import { type Caller, type Owners, seesSession } from './caller.ts';
import type { EventTickets } from './event-tickets.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kSessionParams } from './session-schema.ts';

/** Where events come from. */
export interface EventSources {
  readonly log: Pick<EventLog, 'eventsAfter' | 'newestEventId'>;
  readonly feed: { listen(listener: (event: LiveEvent) => void): Cancel };
  /** Undefined: there is no such session. */
  ownersOf(sessionId: string): Owners | undefined;
}

const kHeartbeatMs = 15_000;
/** More was missed than this: the page starts afresh. */
const kLongestBacklog = 1000;
/** What a reader may owe us before it is let go; it comes back with the id of what it has. */
const kMostUnreadBytes = 256 * 1024;
const kRetryMs = 2000;

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
  const open = new Set<Stream>();
  const ownersOf = askedOnce(sources);
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

  function begin({ caller, request, reply }: Reader, session: string | undefined, after: number | undefined) {
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    const stream = new Stream(reply.raw, (event) => {
      if (session !== undefined && event.sessionId !== session) return false;
      const seesAll = caller.merchants === null && caller.agents === null;
      return seesAll || seesSession(caller, ownersOf(event));
    });
    open.add(stream);
    reply.raw.on('close', () => {
      stream.close();
      open.delete(stream);
    });
    stream.start(sources, session, lastSeen(request) ?? after);
    return reply;
  }

  return () => {
    for (const each of open) each.close();
  };
}

interface Reader {
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Whose session an event is of; hundreds of readers ask about the same one. */
function askedOnce(sources: Pick<EventSources, 'ownersOf'>): (event: LiveEvent) => Owners | undefined {
  let last: { readonly event: LiveEvent; readonly owners: Owners | undefined } | undefined;
  return (event) => {
    if (last?.event !== event) last = { event, owners: sources.ownersOf(event.sessionId) };
    return last.owners;
  };
}

function lastSeen({ headers }: FastifyRequest): number | undefined {
  const id = Number(headers['last-event-id']);
  return Number.isInteger(id) && id >= 0 && headers['last-event-id'] !== '' ? id : undefined;
}

/** One reader. */
class Stream {
  readonly #response: ServerResponse;
  readonly #isFor: (event: LiveEvent) => boolean;
  #cancel: Cancel = () => undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  /** @param isFor - whether the reader may, and wants to, hear of it. */
  constructor(response: ServerResponse, isFor: (event: LiveEvent) => boolean) {
    this.#response = response;
    this.#isFor = isFor;
  }

  /** @param after - what the reader has seen; undefined: it wants what comes. */
  start({ log, feed }: EventSources, sessionId: string | undefined, after: number | undefined): void {
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    this.#write(`retry: ${kRetryMs}\n\n`);
    if (after !== undefined) this.#catchUp(log, sessionId, after);
    // No event can come in between: nothing here waits.
    this.#cancel = feed.listen((event) => this.#send(event));
    this.#heartbeat = setInterval(() => this.#write(': still here\n\n'), kHeartbeatMs);
    this.#heartbeat.unref();
  }

  close(): void {
    this.#cancel();
    clearInterval(this.#heartbeat);
    this.#response.end();
  }

  #catchUp(log: EventSources['log'], sessionId: string | undefined, after: number): void {
    const missed = log.eventsAfter(after, kLongestBacklog + 1, sessionId);
    // An id of another database, or too long ago: what the page has is worth nothing.
    if (missed.length > kLongestBacklog || after > log.newestEventId()) {
      this.#write(`id: ${log.newestEventId()}\nevent: reset\ndata: {}\n\n`);
      return;
    }
    for (const event of missed) this.#send(event);
  }

  #send(event: LiveEvent): void {
    if (!this.#isFor(event)) return;
    const { id, type, detail, sessionId, at } = event;
    const data = JSON.stringify({ sessionId, at, ...detail });
    this.#write(`${id === null ? '' : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    this.#response.write(text);
    if (this.#response.writableLength > kMostUnreadBytes) this.#response.destroy();
  }
}
