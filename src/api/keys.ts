import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problem.ts';

/** Bearer keys, kept as hashes; comparing takes as long whatever is wrong. */
export class ApiKeys {
  readonly #hashes: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#hashes = keys.map(hashOf);
  }

  /** @param authorization - value of the header field, if there is one. */
  accepts(authorization: string | undefined): boolean {
    const offered = hashOf(/^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
    // No early end: all are compared.
    return this.#hashes.reduce((found, hash) => timingSafeEqual(hash, offered) || found, false);
  }
}

/** The `onRequest` of a route that wants a key. */
export function requireKey(keys: ApiKeys) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    if (keys.accepts(request.headers.authorization)) return undefined;
    reply.header('www-authenticate', 'Bearer');
    return sendProblem(reply, 401);
  };
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
