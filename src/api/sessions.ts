import type { FastifyInstance, FastifyReply } from 'fastify';
import { maskCardLike } from '../card/card-like.ts';
import { formatMajor, money } from '../money/money.ts';
import {
  type ActionResult,
  kClampedBy,
  type PaymentSessions,
  type SessionAction,
} from '../ports/payment-sessions.ts';
import type { AttemptRecord, SessionRecord, SessionRecords } from '../ports/store.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';
import { readActions, readIdentification, readSession } from './session-bodies.ts';

export const kSessionId = /^[\w-]{1,64}$/;

export interface SessionRoutes {
  readonly records: Pick<SessionRecords, 'find' | 'attempts'>;
  /** Sessions that wait for their calls or run. */
  readonly sessions: PaymentSessions;
  /** What payments are made in. */
  readonly currency: string;
}

type ById = { Params: { id: string } };

export function addSessions(server: FastifyInstance, keys: ApiKeys, routes: SessionRoutes): void {
  const onRequest = requireKey(keys);
  server.post('/v1/sessions', { onRequest }, async ({ body }, reply) => prepare(routes, body, reply));
  server.get<ById>('/v1/sessions/:id', { onRequest }, async ({ params: { id } }, reply) => {
    return viewOf(routes, id) ?? sendProblem(reply, 404);
  });
  server.post<ById>('/v1/sessions/:id/actions', { onRequest }, async ({ params: { id }, body }, reply) =>
    act(routes, id, body, reply),
  );
  server.post<ById>('/v1/sessions/:id/idv', { onRequest }, async ({ params: { id }, body }, reply) =>
    identified(routes, id, body, reply),
  );
}

function prepare({ sessions, currency }: SessionRoutes, body: unknown, reply: FastifyReply) {
  const asked = readSession(body, currency);
  if (asked.kind === 'wrong') return sendProblem(reply, 422, asked.detail);
  const prepared = sessions.prepare(asked.value);
  if (!prepared) return sendProblem(reply, 503, 'too many sessions wait for their calls');
  return reply.code(201).header('location', `/v1/sessions/${prepared.id}`).send(prepared);
}

/** The verdict of an application a caller was given to. */
function identified(routes: SessionRoutes, id: string, body: unknown, reply: FastifyReply) {
  if (!kSessionId.test(id)) return sendProblem(reply, 404);
  const said = readIdentification(body);
  if (said.kind === 'wrong') return sendProblem(reply, 422, said.detail);
  return answerTo(routes.sessions.identified(id, said.value), routes, id, reply);
}

/** The session as it is when the action was done, or why it was not. */
async function act(routes: SessionRoutes, id: string, body: unknown, reply: FastifyReply) {
  const { sessions, currency } = routes;
  if (!kSessionId.test(id)) return sendProblem(reply, 404);
  const asked = readActions(body, currency);
  if (asked.kind === 'wrong') return sendProblem(reply, 422, asked.detail);
  for (const action of asked.value) {
    const answer = await sessions.act(id, action satisfies SessionAction, 'api');
    if (answer.kind !== 'done') return answerTo(answer, routes, id, reply);
  }
  return viewOf(routes, id) ?? { id };
}

function answerTo(answer: ActionResult, routes: SessionRoutes, id: string, reply: FastifyReply) {
  switch (answer.kind) {
    case 'done':
      return viewOf(routes, id) ?? { id };
    case 'conflict':
      return sendProblem(reply, 409, answer.reason);
    case 'unknown_session':
      return routes.records.find(id) ? sendProblem(reply, 409, 'the call is over') : sendProblem(reply, 404);
  }
}

/** What is known of a session: its row, and over it what goes on now. */
function viewOf({ records, sessions }: SessionRoutes, id: string): object | undefined {
  if (!kSessionId.test(id)) return undefined;
  const record = records.find(id);
  const live = sessions.view(id);
  if (!record && !live) return undefined;
  return {
    id,
    ...(record && sessionView(record)),
    ...live,
    submissions: records.attempts(id).map(submissionView),
  };
}

/** Amounts in major units, as they are given to us. */
function sessionView({ sessionId, exponent, ...record }: SessionRecord) {
  const major = (minor: number | null) =>
    minor === null ? null : formatMajor({ ...money(minor, record.currency), exponent });
  return {
    id: sessionId,
    ...record,
    clampedBy: kClampedBy[record.topology],
    customerId: masked(record.customerId),
    merchantId: masked(record.merchantId),
    reference: masked(record.reference),
    amountRequested: major(record.amountRequested),
    amountCharged: major(record.amountCharged),
  };
}

/** What a peer wrote into call data could be anything. */
function masked(text: string | null): string | null {
  return text === null ? null : maskCardLike(text);
}

function submissionView({ sessionId: _, amount, ...attempt }: AttemptRecord) {
  return { ...attempt, amount: formatMajor(amount), currency: amount.currency };
}
