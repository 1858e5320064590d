import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { ApiRole } from '../ports/api-roles.ts';
import { problemIn } from './body-problem.ts';
import type { Caller } from './caller.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import type { Idempotency } from './idempotency.ts';
import { sendProblem } from './problem.ts';

/** What a route answers with one status. */
export interface Answer {
  readonly what: string;
  /** JSON of this shape; left out: another type of content. */
  readonly json?: z.ZodType;
  readonly type?:
    | 'text/plain'
    | 'text/csv'
    | 'text/html'
    | 'text/javascript'
    | 'text/event-stream'
    | 'image/svg+xml';
}

/** What is said of a route: it is checked, and documented, by this. */
export interface RouteSpec {
  /** Its name for generated clients. */
  readonly name: string;
  readonly summary: string;
  readonly tag:
    | 'Sessions'
    | 'Events'
    | 'Payments'
    | 'Reports'
    | 'Audit'
    | 'Webhooks'
    | 'Monitoring'
    | 'Documentation'
    | 'Pages';
  /** Who may; `everybody` needs no key. */
  readonly allow: 'everybody' | readonly [ApiRole, ...ApiRole[]];
  /** A ticket in the query does for the key. */
  readonly takesTickets?: true;
  /** A journal knows its requests by their idempotency keys: no answer is kept besides. */
  readonly isJournaled?: true;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Besides those every route may answer with. */
  readonly problems?: readonly ErrorCode[];
}

export interface Route extends RouteSpec {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI writes it: `/v1/sessions/{id}`. */
  readonly path: string;
}

/** A request that was understood, of somebody who may send it. */
export interface Asked<R extends RouteSpec> {
  readonly params: Of<R['params']>;
  readonly query: Of<R['query']>;
  readonly body: Of<R['body']>;
  readonly caller: CallerOf<R>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type Of<S> = S extends z.ZodType ? z.output<S> : undefined;
type CallerOf<R extends RouteSpec> = R['allow'] extends 'everybody' ? undefined : Caller;

/** The routes of the API: each is added once, with what it takes and gives, and both holds for requests and for the documentation. */
export class Routes {
  readonly all: Route[] = [];
  readonly #server: FastifyInstance;
  readonly #gatekeeper: Gatekeeper;
  readonly #idempotency: Idempotency;
  readonly #callers = new WeakMap<FastifyRequest, Caller>();

  constructor(server: FastifyInstance, gatekeeper: Gatekeeper, idempotency: Idempotency) {
    this.#server = server;
    this.#gatekeeper = gatekeeper;
    this.#idempotency = idempotency;
  }

  /** @param handle - gives the body of the 200, or answers by itself and gives the reply. */
  get<const R extends RouteSpec>(path: string, spec: R, handle: (asked: Asked<R>) => unknown): void {
    this.#add({ method: 'GET', path, ...spec }, handle);
  }

  /** As {@link get}. */
  post<const R extends RouteSpec>(path: string, spec: R, handle: (asked: Asked<R>) => unknown): void {
    this.#add({ method: 'POST', path, ...spec }, handle);
  }

  #add<R extends RouteSpec>(route: Route & R, handle: (asked: Asked<R>) => unknown): void {
    this.all.push(route);
    this.#server.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      ...(route.method === 'GET' && { exposeHeadRoute: false }),
      onRequest: async (request, reply) => this.#admit(route, request, reply),
      handler: async (request, reply) => this.#handle(route, handle, request, reply),
      onSend: async (request, reply, payload) => this.#idempotency.finish(request, reply, payload),
    });
  }

  async #admit(
    route: Route,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply | undefined> {
    if (route.allow === 'everybody') return undefined;
    const admission = { allow: route.allow, takesTickets: route.takesTickets === true };
    const caller = await this.#gatekeeper.admit(request, reply, admission);
    if (!caller) return reply;
    this.#callers.set(request, caller);
    return undefined;
  }

  async #handle<R extends RouteSpec>(
    route: Route & R,
    handle: (asked: Asked<R>) => unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    const params = route.params?.safeParse(request.params);
    if (params && !params.success) return sendProblem(reply, 404);
    const query = (route.query ?? kNothing).safeParse(request.query);
    if (!query.success) return sendProblem(reply, 400, problemIn(query.error, 'query'));
    const body = route.body?.safeParse(request.body ?? {});
    if (body && !body.success) return sendProblem(reply, 422, problemIn(body.error, 'body'));
    const caller = this.#callers.get(request);
    const isKept = route.method === 'POST' && !route.isJournaled;
    if (isKept && caller && !this.#idempotency.begin(request, reply, caller)) return reply;
    // What was checked against the schemas of the route is of their types.
    const asked = { params: params?.data, query: query.data, body: body?.data, caller, request, reply };
    return handle(asked as unknown as Asked<R>);
  }
}

const kNothing = z.strictObject({});
