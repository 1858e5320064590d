import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Log } from '../ports/log.ts';

/** Answers with an RFC 9457 problem. */
export function sendProblem(reply: FastifyReply, status: number, detail?: string): FastifyReply {
  const title = STATUS_CODES[status] ?? 'Error';
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title, status, ...(detail === undefined ? {} : { detail }) });
}

/** Every error is a problem; what went wrong inside stays in the log. */
export function answerProblems(server: FastifyInstance, log: Log): void {
  server.setNotFoundHandler((_, reply) => sendProblem(reply, 404));
  server.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error, route: request.routeOptions.url }, 'HTTP request failed');
    return sendProblem(reply, status >= 400 ? status : 500);
  });
}
