import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import { EventTickets } from './event-tickets.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';
import { kSessionId } from './sessions.ts';

/** Where events come from. */
export interface EventSources {
  readonly log: Pick<EventLog, 'eventsAfter' | 'newestEventId'>;
  readonly feed: { listen(listener: (event: LiveEvent) => void): Cancel };
}

const kHeartbeatMs = 15_000;
/** More was missed than this: the page starts afresh. */
const kLongestBacklog = 1000;
/** What a reader may owe us before it is let go; it comes back with the id of what it has. */
const kMostUnreadBytes = 256 * 1024;
const kRetryMs = 2000;

const kQuery = z.strictObject({
  session: z.string().regex(kSessionId).optional(),
  /** As the header Last-Event-ID, for those who cannot set it the first time. */
  after: z.coerce.number().int().min(0).optional(),
  ticket: z.string().max(64).optional(),
});

/** `GET /v1/events`: what happens, as Server-Sent Events, of all sessions or of one; `POST /v1/event-tickets` for browsers. */
export function addEventStream(
  server: FastifyInstance,
  keys: ApiKeys,
  sources: EventSources,
  clock: Pick<Clock, 'date'>,
): void {
  const tickets = new EventTickets(clock);
  const open = new Set<Stream>();
  server.post('/v1/event-tickets', { onRequest: requireKey(keys) }, async (_, reply) =>
    reply.code(201).send(tickets.issue()),
  );
  server.get('/v1/events', async (request, reply) => {
    const query = kQuery.safeParse(request.query);
    if (!query.success) return sendProblem(reply, 400, 'session, after or ticket: not understood');
    const { session, after, ticket } = query.data;
    const isAllowed =
      ticket === undefined ? keys.accepts(request.headers.authorization) : tickets.redeem(ticket);
    if (!isAllowed) return unauthorized(reply);
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    const stream = new Stream(reply.raw, session);
    open.add(stream);
    reply.raw.on('close', () => {
      stream.close();
      open.delete(stream);
    });
    stream.start(sources, lastSeen(request) ?? after);
  });
  server.addHook('preClose', async () => {
    for (const stream of open) stream.close();
  });
}

function unauthorized(reply: FastifyReply): FastifyReply {
  reply.header('www-authenticate', 'Bearer');
  return sendProblem(reply, 401);
}

function lastSeen({ headers }: FastifyRequest): number | undefined {
  const id = Number(headers['last-event-id']);
  return Number.isInteger(id) && id >= 0 && headers['last-event-id'] !== '' ? id : undefined;
}

/** One reader. */
class Stream {
  readonly #response: ServerResponse;
  readonly #sessionId: string | undefined;
  #cancel: Cancel = () => undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, sessionId: string | undefined) {
    this.#response = response;
    this.#sessionId = sessionId;
  }

  /** @param after - what the reader has seen; undefined: it wants what comes. */
  start({ log, feed }: EventSources, after: number | undefined): void {
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    this.#write(`retry: ${kRetryMs}\n\n`);
    if (after !== undefined) this.#catchUp(log, after);
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

  #catchUp(log: EventSources['log'], after: number): void {
    const missed = log.eventsAfter(after, kLongestBacklog + 1, this.#sessionId);
    // An id of another database, or too long ago: what the page has is worth nothing.
    if (missed.length > kLongestBacklog || after > log.newestEventId()) {
      this.#write(`id: ${log.newestEventId()}\nevent: reset\ndata: {}\n\n`);
      return;
    }
    for (const event of missed) this.#send(event);
  }

  #send(event: LiveEvent): void {
    if (this.#sessionId !== undefined && event.sessionId !== this.#sessionId) return;
    const { id, type, detail, sessionId, at } = event;
    const data = JSON.stringify({ sessionId, at, ...detail });
    this.#write(`${id === null ? '' : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`);
  }

  #write(text: string): void {
    this.#response.write(text);
    if (this.#response.writableLength > kMostUnreadBytes) this.#response.destroy();
  }
}
