import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { AppError, type ErrorCode, kErrorTable } from '../errors.ts';
import type { Log } from '../ports/log.ts';

/** What an answer about something that went wrong looks like (RFC 9457). */
export const kProblem = z
  .object({
    type: z.string().describe('`urn:hushpay:error:` and the code'),
    title: z.string().describe('The HTTP status in words'),
    status: z.int(),
    code: z
      .enum(Object.keys(kErrorTable) as [ErrorCode, ...ErrorCode[]])
      .describe('A row of the table of errors'),
    retry: z.enum(['safe', 'never']).describe('Whether the same request may be sent again'),
    detail: z.string().optional().describe('What is wrong and where; never a value that was sent'),
  })
  .meta({ id: 'Problem' });

/** What a status means where nothing more exact is said. */
const kCodeOf: Readonly<Record<number, ErrorCode>> = {
  400: 'API_BAD_REQUEST',
  401: 'API_UNAUTHORIZED',
  403: 'API_FORBIDDEN',
  404: 'API_NOT_FOUND',
  409: 'API_CONFLICT',
  413: 'API_TOO_LARGE',
  415: 'API_MEDIA_TYPE',
  422: 'API_INVALID',
  429: 'API_TOO_MANY_REQUESTS',
  503: 'API_BUSY',
};

/** Answers with an RFC 9457 problem. @param what - a code of the error table, or a status, which stands for the usual code of it. */
export function sendProblem(reply: FastifyReply, what: number | ErrorCode, detail?: string): FastifyReply {
  const code = typeof what === 'number' ? (kCodeOf[what] ?? 'INTERNAL') : what;
  const { status, retry } = kErrorTable[code];
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: `urn:hushpay:error:${code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code,
      retry,
      ...(detail === undefined ? {} : { detail }),
    });
}

/** Every error is a problem; what went wrong inside stays in the log. */
export function answerProblems(server: FastifyInstance, log: Log): void {
  server.setNotFoundHandler((_, reply) => sendProblem(reply, 404));
  server.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const code = codeOf(error);
    if (kErrorTable[code].status >= 500) {
      log.error({ err: error, route: request.routeOptions.url }, 'HTTP request failed');
    }
    return sendProblem(reply, code);
  });
}

function codeOf(error: { statusCode?: number }): ErrorCode {
  if (error instanceof AppError) return error.code;
  const { statusCode = 500 } = error;
  return kCodeOf[statusCode] ?? (statusCode < 500 ? 'API_BAD_REQUEST' : 'INTERNAL');
}
