import { Server as TlsServer } from 'node:tls';
import fastify, { type FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeptAnswers } from '../ports/kept-answers.ts';
import type { Log } from '../ports/log.ts';
import type { Reports } from '../ports/reports.ts';
import type { Health } from '../telemetry/health.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type AuditDesk, addAudit } from './audit.ts';
import { addDocumentation } from './documentation.ts';
import type { EventSources } from './event-readers.ts';
import { addEventStream } from './event-stream.ts';
import { EventTickets } from './event-tickets.ts';
import { Gatekeeper, type TokenReader } from './gatekeeper.ts';
import { Idempotency } from './idempotency.ts';
import { type ApiKey, ApiKeys } from './keys.ts';
import { addLadders, type LadderOf } from './ladders.ts';
import { addLive } from './live.ts';
import { addMonitoring } from './monitoring.ts';
import { addPages, type PageOptions } from './pages.ts';
import { addPayments, type PaymentDesk } from './payments.ts';
import { answerProblems } from './problem.ts';
import { addReports } from './reports.ts';
import { type Route, Routes } from './routes.ts';
import { ownersIn } from './session-view.ts';
import { addSessions, type SessionRoutes } from './sessions.ts';
import { addTimelines, type TimelineParts } from './timelines.ts';
import { addWebhooks, type WebhookDesk } from './webhooks.ts';

export interface ApiOptions extends SessionRoutes {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Who may use /v1. */
  readonly keys: readonly ApiKey[];
  /** Null: no identity provider is asked. */
  readonly tokens: TokenReader | null;
  /** Null: plain HTTP. */
  readonly tls: HttpTls | null;
  readonly answers: KeptAnswers;
  readonly payments: PaymentDesk;
  readonly reports: Reports;
  readonly events: Omit<EventSources, 'ownersOf'>;
  readonly webhooks: WebhookDesk;
  readonly clock: Pick<Clock, 'now' | 'date'>;
  /** The SIP of a recent call, masked. */
  readonly ladderOf: LadderOf;
  readonly audit: TimelineParts['audit'] & AuditDesk;
  readonly pages: PageOptions;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly health: Pick<Health, 'report'>;
  readonly log: Log;
}

/** As PEM. */
export interface HttpTls {
  readonly cert: string;
  readonly key: string;
  /** Authorities of client certificates; null: those of the system. */
  readonly ca: string | null;
  readonly clients: 'ignored' | 'wanted' | 'required';
}

/** The HTTP side. Made by `main`, which starts it once and stops it at the end; a second stop does nothing. */
export interface Api {
  /**
   * @returns the base URL it listens on, such as `http://127.0.0.1:8080`.
   * @throws AppError CFG_PORT_BUSY
   */
  start(): Promise<string>;
  /**
   * Other keys and another certificate from now on. Streams end, since the key of each may have gone; readers come back with what they have.
   * @throws if the certificate cannot be used: then nothing is changed.
   */
  replace(secrets: Pick<ApiOptions, 'keys' | 'tls'>): void;
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
  const { host, port } = options;
  const { server, replace, closeStreams } = buildServer(options);
  server.addHook('preClose', async () => closeStreams());
  return { start: () => listen(server, host, port), replace, stop: () => server.close() };
}

/** All routes there are, as they are documented. */
export function apiRoutes(options: ApiOptions): readonly Route[] {
  return buildServer(options).routes.all;
}

/** What the server really listens to, such as `GET /livez`. */
export function servedRoutes(options: ApiOptions): readonly string[] {
  return buildServer(options).served;
}

function buildServer(options: ApiOptions) {
  const { records, sessions, payments, reports, events, clock, ladderOf, metrics, health, log } = options;
  const server = fastify({
    bodyLimit: kBodyLimitBytes,
    requestTimeout: kRequestTimeoutMs,
    forceCloseConnections: true, // a kept-alive connection does not hold up the end
    ...(options.tls && { https: tlsOptions(options.tls) }),
  }) as FastifyInstance;
  server.removeContentTypeParser('text/plain'); // JSON is the one type there is
  server.addHook('onRequest', async (_, reply) => {
    reply.headers(kHeaders);
  });
  const served: string[] = [];
  server.addHook('onRoute', ({ method, url }) => void served.push(`${String(method)} ${url}`));
  answerProblems(server, log);
  const tickets = new EventTickets(clock);
  const keys = new ApiKeys(options.keys);
  const proofs = { keys, tokens: options.tokens, tickets };
  const idempotency = new Idempotency(options.answers, clock, log);
  const routes = new Routes(server, new Gatekeeper(proofs, clock), idempotency);
  const sources = { records, sessions };
  addSessions(routes, options);
  addLadders(routes, sources, ladderOf);
  const followUpsOf = (paymentRef: string) => payments.followUps?.journal.book(paymentRef).followUps ?? [];
  addTimelines(routes, { sources, ladderOf, events: events.log, audit: options.audit, followUpsOf });
  const ownersOf = (sessionId: string) => ownersIn(sources, sessionId);
  const closeStreams = addEventStream(routes, { ...events, ownersOf }, tickets);
  addPayments(routes, payments);
  addReports(routes, reports, clock);
  addLive(routes, { sources, reports, health, clock });
  addAudit(routes, options.audit);
  addWebhooks(routes, options.webhooks, clock);
  addMonitoring(routes, metrics, health);
  addPages(routes, options.pages, options.currencyOf(null));
  addDocumentation(routes);
  const replace: Api['replace'] = (secrets) => {
    if (secrets.tls && server.server instanceof TlsServer) {
      server.server.setSecureContext(contextOf(secrets.tls));
    }
    keys.replace(secrets.keys);
    tickets.clear();
    closeStreams();
  };
  return { server, routes, served, replace, closeStreams };
}

function contextOf({ cert, key, ca }: HttpTls) {
  return { cert, key, minVersion: 'TLSv1.2' as const, ...(ca !== null && { ca }) };
}

function tlsOptions(tls: HttpTls) {
  const { clients } = tls;
  return {
    ...contextOf(tls),
    requestCert: clients !== 'ignored',
    rejectUnauthorized: clients === 'required',
  };
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
