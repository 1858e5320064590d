import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../ports/clock.ts';
import type { KeptAnswers, RequestName } from '../ports/kept-answers.ts';
import type { Log } from '../ports/log.ts';
import type { Caller } from './caller.ts';
import { sendProblem } from './problem.ts';

export const kIdempotencyKey = /^[\x21-\x7e]{1,128}$/;

/**
 * A POST that carries `Idempotency-Key` is done once: sent again within a day it gets the answer the first one got, with
 * `Idempotency-Replayed: true`. With another body, or to another place, it is refused.
 */
export class Idempotency {
  readonly #answers: KeptAnswers;
  readonly #clock: Pick<Clock, 'date'>;
  readonly #log: Log;
  readonly #open = new WeakMap<FastifyRequest, RequestName>();

  constructor(answers: KeptAnswers, clock: Pick<Clock, 'date'>, log: Log) {
    this.#answers = answers;
    this.#clock = clock;
    this.#log = log;
  }

  /** @returns whether the request is to be done; if not, it has its answer. */
  begin(request: FastifyRequest, reply: FastifyReply, caller: Caller): boolean {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return true;
    if (typeof key !== 'string' || !kIdempotencyKey.test(key)) {
      sendProblem(reply, 400, 'Idempotency-Key: expects 1 to 128 printable characters');
      return false;
    }
    const name = { caller: caller.name, key };
    const known = this.#answers.begin(name, digestOf(request), this.#clock.date().toISOString());
    switch (known.kind) {
      case 'new':
        this.#open.set(request, name);
        return true;
      case 'another':
        sendProblem(reply, 'API_KEY_REUSED', 'another request was made with this Idempotency-Key');
        return false;
      case 'begun':
        sendProblem(
          reply,
          known.isOurs ? 'API_IN_PROGRESS' : 'API_OUTCOME_UNKNOWN',
          known.isOurs
            ? 'the first request is being worked on'
            : 'the server stopped while it worked on it: look what became of it',
        );
        return false;
      case 'answered': {
        const { status, contentType, location, body } = known.answer;
        if (location !== null) reply.header('location', location);
        reply.header('idempotency-replayed', 'true').code(status).type(contentType).send(body);
        return false;
      }
    }
  }

  /** Keeps the answer. A 503 says that nothing was done, so the next one is new. Never throws. */
  finish(request: FastifyRequest, reply: FastifyReply, payload: unknown): void {
    const name = this.#open.get(request);
    if (!name) return;
    try {
      if (reply.statusCode === 503) {
        this.#answers.forget(name);
        return;
      }
      const location = reply.getHeader('location');
      this.#answers.finish(name, {
        status: reply.statusCode,
        contentType: String(reply.getHeader('content-type') ?? ''),
        location: typeof location === 'string' ? location : null,
        body: typeof payload === 'string' ? payload : '',
      });
    } catch (error) {
      this.#log.error({ err: error }, 'an answer was not kept: the same request would be refused');
    }
  }
}

function digestOf({ method, url, body }: FastifyRequest): string {
  return createHash('sha256')
    .update(`${method} ${url}\n${JSON.stringify(body) ?? ''}`)
    .digest('base64url');
}
