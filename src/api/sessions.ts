import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { kReaders } from '../ports/api-roles.ts';
import type { ActionResult, PaymentSessions, SessionAction } from '../ports/payment-sessions.ts';
import type { SessionList, SessionRecord, SessionRecords } from '../ports/store.ts';
import { segmentOf } from '../report/segment.ts';
import { type Caller, merchantsOf, openerOf, sees, seesSession } from './caller.ts';
import { kNext, kPageQuery, pageOf } from './paging.ts';
import { sendProblem } from './problem.ts';
import { kSegment } from './report-schema.ts';
import type { Routes } from './routes.ts';
import {
  kActionBody,
  kIdentificationBody,
  kSessionBody,
  readActions,
  readSession,
} from './session-bodies.ts';
import { kCall, kOutcome, kPrepared, kSession, kSessionParams, kSessionRow } from './session-schema.ts';
import { callView, ownersIn, ownersOf, rowView, sessionView } from './session-view.ts';

export interface SessionRoutes {
  readonly records: Pick<SessionRecords, 'find' | 'attempts'> & SessionList;
  /** Sessions that wait for their calls or run. */
  readonly sessions: PaymentSessions;
  /** What payments to a merchant are made in; null: to nobody in particular. */
  currencyOf(merchantId: string | null): string;
}

const kListQuery = z.strictObject({
  ...kPageQuery,
  topology: kSessionRow.shape.topology.optional(),
  outcome: kOutcome.optional(),
  customerId: z.string().max(64).optional(),
  merchantId: z.string().max(64).optional(),
  reference: z.string().max(64).optional(),
  callId: z.string().max(256).optional(),
});

/** What is known of one session, to those who see its merchant. */
export function addSessions(routes: Routes, parts: SessionRoutes): void {
  const session = { 200: { what: 'The session as it is now', json: kSession } };
  const ofOne = { tag: 'Sessions', params: kSessionParams } as const;
  routes.post(
    '/v1/sessions',
    {
      name: 'prepareSession',
      tag: 'Sessions',
      summary: 'Prepares a payment before its call has come',
      allow: ['agent', 'integrator'],
      body: kSessionBody,
      answers: { 201: { what: 'It waits an hour for its call', json: kPrepared } },
      problems: ['API_INVALID', 'API_BUSY'],
    },
    ({ body, caller, reply }) => prepare(parts, body, caller, reply),
  );
  routes.get(
    '/v1/sessions',
    {
      name: 'listSessions',
      tag: 'Sessions',
      summary: 'Sessions whose call was taken, newest first',
      allow: kReaders,
      query: kListQuery,
      answers: {
        200: { what: 'A page', json: z.object({ sessions: z.array(kSessionRow), next: kNext }) },
      },
    },
    ({ query, caller }) => {
      const { rows, next } = page(parts, query, caller);
      return { sessions: rows.map(rowView), next };
    },
  );
  routes.get(
    '/v1/sessions/{id}',
    {
      ...ofOne,
      name: 'getSession',
      summary: 'What is known of a session, and what goes on in it now',
      allow: ['agent', ...kReaders],
      answers: session,
      problems: ['API_NOT_FOUND'],
    },
    ({ params: { id }, caller, reply }) => seen(parts, id, caller) ?? sendProblem(reply, 404),
  );
  routes.post(
    '/v1/sessions/{id}/actions',
    {
      ...ofOne,
      name: 'actOnSession',
      summary: 'Does what an agent asks for',
      allow: ['agent', 'supervisor', 'integrator'],
      body: kActionBody,
      answers: session,
      problems: ['API_NOT_FOUND', 'API_CONFLICT', 'API_INVALID'],
    },
    ({ params: { id }, body, caller, reply }) => act(parts, id, body, caller, reply),
  );
  routes.post(
    '/v1/sessions/{id}/idv',
    {
      ...ofOne,
      name: 'tellIdentification',
      summary: 'Tells who the caller is, for an application a caller was given to',
      allow: ['agent', 'integrator'],
      body: kIdentificationBody,
      answers: session,
      problems: ['API_NOT_FOUND', 'API_CONFLICT', 'API_INVALID'],
    },
    ({ params: { id }, body, caller, reply }) => {
      if (!seen(parts, id, caller)) return sendProblem(reply, 404);
      return answerTo(parts.sessions.identified(id, body.result), parts, id, reply);
    },
  );
  routes.get(
    '/v1/sessions/{id}/segment',
    {
      ...ofOne,
      name: 'getSegment',
      summary: 'The part of a conversation a session is',
      allow: kReaders,
      answers: { 200: { what: 'The segment', json: kSegment } },
      problems: ['API_NOT_FOUND'],
    },
    ({ params: { id }, caller, reply }) => {
      const record = parts.records.find(id);
      return record && seesSession(caller, ownersOf(record)) ? segmentOf(record) : sendProblem(reply, 404);
    },
  );
  routes.get(
    '/v1/segments',
    {
      name: 'listSegments',
      tag: 'Sessions',
      summary: 'Segments of conversations, newest first; of one call with `callId`',
      allow: kReaders,
      query: kListQuery,
      answers: { 200: { what: 'A page', json: z.object({ segments: z.array(kSegment), next: kNext }) } },
    },
    ({ query, caller }) => {
      const { rows, next } = page(parts, query, caller);
      return { segments: rows.map(segmentOf), next };
    },
  );
  routes.get(
    '/v1/calls',
    {
      name: 'listCalls',
      tag: 'Sessions',
      summary: 'Sessions whose call is up now',
      allow: ['agent', 'supervisor', 'integrator', 'operator'],
      answers: { 200: { what: 'All of them', json: z.object({ calls: z.array(kCall) }) } },
    },
    ({ caller }) => ({ calls: calls(parts, caller) }),
  );
}

function prepare(
  { sessions, currencyOf }: SessionRoutes,
  body: z.output<typeof kSessionBody>,
  caller: Caller,
  reply: FastifyReply,
) {
  const merchantId = body.merchantId ?? onlyMerchantOf(caller);
  const asked = readSession(body, currencyOf(merchantId));
  if (asked.kind === 'wrong') return sendProblem(reply, 422, asked.detail);
  if (!sees(caller, merchantId)) return sendProblem(reply, 403, 'merchantId: none of yours');
  const agents = [openerOf(caller), ...(body.agentId === undefined ? [] : [body.agentId])];
  const prepared = sessions.prepare({ ...asked.value, merchantId, agents });
  if (!prepared) return sendProblem(reply, 503, 'too many sessions wait for their calls');
  return reply.code(201).header('location', `/v1/sessions/${prepared.id}`).send(prepared);
}

/** Who acts for one merchant need not say so. */
function onlyMerchantOf({ merchants }: Caller): string | null {
  return merchants?.size === 1 ? ([...merchants][0] ?? null) : null;
}

function page({ records }: SessionRoutes, query: z.output<typeof kListQuery>, caller: Caller) {
  const { limit, cursor, merchantId, ...filter } = query;
  const found = records.sessions({ limit: limit + 1, after: cursor, ...listed(caller, merchantId) }, filter);
  return pageOf(found, limit, ({ startedAt: at, sessionId: id }: SessionRecord) => ({ at, id }));
}

/** Of a merchant that somebody does not see there is nothing. */
function listed(caller: Caller, merchantId: string | undefined): { readonly merchants?: readonly string[] } {
  if (merchantId === undefined) return merchantsOf(caller);
  return { merchants: sees(caller, merchantId) ? [merchantId] : [] };
}

/** The session as it is when the action was done, or why it was not. */
async function act(
  parts: SessionRoutes,
  id: string,
  body: z.output<typeof kActionBody>,
  caller: Caller,
  reply: FastifyReply,
) {
  const { sessions, currencyOf } = parts;
  if (!seen(parts, id, caller)) return sendProblem(reply, 404);
  const asked = readActions(body, currencyOf(ownersIn(parts, id)?.merchantId ?? null));
  if (asked.kind === 'wrong') return sendProblem(reply, 422, asked.detail);
  for (const action of asked.value) {
    const answer = await sessions.act(id, action satisfies SessionAction, caller.name);
    if (answer.kind !== 'done') return answerTo(answer, parts, id, reply);
  }
  return sessionView(parts, id) ?? { id, submissions: [] };
}

function answerTo(answer: ActionResult, parts: SessionRoutes, id: string, reply: FastifyReply) {
  switch (answer.kind) {
    case 'done':
      return sessionView(parts, id) ?? { id, submissions: [] };
    case 'conflict':
      return sendProblem(reply, 409, answer.reason);
    case 'unknown_session':
      return parts.records.find(id) ? sendProblem(reply, 409, 'the call is over') : sendProblem(reply, 404);
  }
}

/** A session that somebody else sees is as one there is not. */
function seen(parts: SessionRoutes, id: string, caller: Caller): object | undefined {
  return seesSession(caller, ownersIn(parts, id)) ? sessionView(parts, id) : undefined;
}

function calls(parts: SessionRoutes, caller: Caller): object[] {
  return parts.sessions
    .ids()
    .flatMap((id) => (seesSession(caller, ownersIn(parts, id)) ? (callView(parts, id) ?? []) : []));
}
