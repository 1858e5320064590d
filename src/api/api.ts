import fastify, { type FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Reports } from '../ports/reports.ts';
import type { Health } from '../telemetry/health.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { addEventStream, type EventSources } from './event-stream.ts';
import { ApiKeys } from './keys.ts';
import { addLadders, type LadderOf } from './ladders.ts';
import { addMonitoring } from './monitoring.ts';
import { addPages, type PageOptions } from './pages.ts';
import { addPayments, type PaymentDesk } from './payments.ts';
import { answerProblems } from './problem.ts';
import { addReports } from './reports.ts';
import { addSessions, type SessionRoutes } from './sessions.ts';
import { addWebhooks, type WebhookDesk } from './webhooks.ts';

export interface ApiOptions extends SessionRoutes {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Bearer keys that may use /v1. */
  readonly keys: readonly string[];
  readonly payments: PaymentDesk;
  readonly reports: Reports;
  readonly events: EventSources;
  readonly webhooks: WebhookDesk;
  readonly clock: Pick<Clock, 'date'>;
  /** The SIP of a recent call, masked. */
  readonly ladderOf: LadderOf;
  readonly pages: PageOptions;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly health: Pick<Health, 'report'>;
  readonly log: Log;
}

/** The HTTP side. Made by `main`, which starts it once and stops it at the end; a second stop does nothing. */
export interface Api {
  /**
   * @returns the base URL it listens on, such as `http://127.0.0.1:8080`.
   * @throws AppError CFG_PORT_BUSY
   */
  start(): Promise<string>;
  stop(): Promise<void>;
}

const kBodyLimitBytes = 64 * 1024;
const kRequestTimeoutMs = 10_000;

const kHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export function createApi(options: ApiOptions): Api {
  const { host, port, keys, records, payments, reports, events, clock, ladderOf, metrics, health, log } =
    options;
  const server = fastify({
    bodyLimit: kBodyLimitBytes,
    requestTimeout: kRequestTimeoutMs,
    forceCloseConnections: true, // a kept-alive connection does not hold up the end
  });
  server.removeContentTypeParser('text/plain'); // JSON is the one type there is
  server.addHook('onRequest', async (_, reply) => {
    reply.headers(kHeaders);
  });
  answerProblems(server, log);
  addMonitoring(server, metrics, health);
  addPages(server, options.pages, options.currency);
  const apiKeys = new ApiKeys(keys);
  addSessions(server, apiKeys, options);
  addPayments(server, apiKeys, payments);
  addReports(server, apiKeys, reports, clock);
  addEventStream(server, apiKeys, events, clock);
  addWebhooks(server, apiKeys, options.webhooks, clock);
  addLadders(server, apiKeys, records, ladderOf);
  return { start: () => listen(server, host, port), stop: () => server.close() };
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw cause;
    throw new AppError('CFG_PORT_BUSY', busyPort(`${host}:${port}`, code), cause);
  }
}

function busyPort(place: string, code: string): string {
  const reason = {
    EADDRINUSE: 'another program has it',
    EACCES: 'not allowed',
    EADDRNOTAVAIL: 'no such address here',
  }[code];
  return `http.port = ${place}\n      expected: an address and port to listen on (${reason})\n      remedy:   stop the other program, or set http.host and http.port (HUSHPAY_HTTP_HOST, HUSHPAY_HTTP_PORT)`;
}
