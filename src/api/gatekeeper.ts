import { TLSSocket } from 'node:tls';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiRole } from '../ports/api-roles.ts';
import type { Clock } from '../ports/clock.ts';
import type { Caller } from './caller.ts';
import type { EventTickets } from './event-tickets.ts';
import type { ApiKeys } from './keys.ts';
import { sendProblem } from './problem.ts';
import { RateLimit } from './rate-limit.ts';

/** Reads the tokens of an identity provider. */
export interface TokenReader {
  /** @returns undefined for one that proves nothing. Never rejects. */
  read(token: string): Promise<Caller | undefined>;
}

/** What may prove who somebody is. */
export interface Proofs {
  readonly keys: ApiKeys;
  /** Null: no identity provider is asked. */
  readonly tokens: TokenReader | null;
  readonly tickets: EventTickets;
}

/** Who may use a route, and whether a ticket does for a key there. */
export interface Admission {
  readonly allow: readonly ApiRole[];
  readonly takesTickets: boolean;
}

const kWrongPerMinute = 60;

/** Stands before every route that is not for everybody: who is it, may they, and not too often. */
export class Gatekeeper {
  readonly #proofs: Proofs;
  readonly #limit: RateLimit;

  constructor(proofs: Proofs, clock: Pick<Clock, 'now'>) {
    this.#proofs = proofs;
    this.#limit = new RateLimit(clock);
  }

  /** @returns undefined when the request was refused: then it has its answer. */
  async admit(
    request: FastifyRequest,
    reply: FastifyReply,
    { allow, takesTickets }: Admission,
  ): Promise<Caller | undefined> {
    const caller = (takesTickets && this.#byTicket(request)) || (await this.#identify(request));
    if (!caller) {
      const waitS = this.#limit.take(`wrong ${request.ip}`, kWrongPerMinute);
      if (waitS > 0) return void tooMany(reply, waitS);
      reply.header('www-authenticate', 'Bearer');
      return void sendProblem(reply, 401);
    }
    const waitS = this.#limit.take(`caller ${caller.name}`, caller.requestsPerMinute);
    if (waitS > 0) return void tooMany(reply, waitS);
    if (allow.some((role) => caller.roles.has(role))) return caller;
    return void sendProblem(reply, 403, `for the roles ${allow.join(', ')}`);
  }

  #byTicket({ query }: FastifyRequest): Caller | undefined {
    const { ticket } = query as { readonly ticket?: unknown };
    return typeof ticket === 'string' ? this.#proofs.tickets.redeem(ticket) : undefined;
  }

  async #identify({ headers, raw }: FastifyRequest): Promise<Caller | undefined> {
    const { keys, tokens } = this.#proofs;
    const offered = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (offered === undefined) return this.#byCertificate(raw.socket);
    return keys.holderOf(offered) ?? (await tokens?.read(offered));
  }

  #byCertificate(socket: unknown): Caller | undefined {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    const { fingerprint256 } = socket.getPeerCertificate();
    if (!fingerprint256) return undefined;
    return this.#proofs.keys.ownerOf(Buffer.from(fingerprint256.replaceAll(':', ''), 'hex'));
  }
}

function tooMany(reply: FastifyReply, waitS: number): FastifyReply {
  reply.header('retry-after', String(waitS));
  return sendProblem(reply, 429, `ask again in ${waitS} s`);
}
