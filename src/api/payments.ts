import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskCardLike } from '../card/card-like.ts';
import { formatMajor } from '../money/money.ts';
import { kOpenStates, type Ledger, type LedgerEntry } from '../ports/store.ts';
import { problemIn } from './body-problem.ts';
import { addFollowUps, type FollowUpDesk, viewOf } from './follow-ups.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';

/** What the API may do with payments. */
export interface PaymentDesk {
  readonly ledger: Ledger;
  /** Looks at every open payment now; resolves when each was looked at once. */
  resolveNow(): Promise<void>;
  /** Left out: approved payments are not changed here. */
  readonly followUps?: FollowUpDesk;
}

const kMostListed = 500;

const kListQuery = z.strictObject({
  open: z.enum(['true', 'false']).default('false'),
  limit: z.coerce.number().int().min(1).max(kMostListed).default(50),
});

const kSettleBody = z.strictObject({
  state: z.enum(['APPROVED', 'REVERSED', 'NOT_CHARGED']),
  /** Why, in the person's words: it goes into the audit. */
  note: z.string().trim().min(1).max(500),
  by: z.string().regex(/^[\w.@-]{1,64}$/),
});

/** `GET /v1/payments`, `GET /v1/payments/{ref}`, `POST …/attempts/{n}/settle`, `POST /v1/payments/reconcile`. */
export function addPayments(server: FastifyInstance, keys: ApiKeys, desk: PaymentDesk): void {
  const { ledger, followUps } = desk;
  if (followUps) addFollowUps(server, keys, followUps);
  const withKey = { onRequest: requireKey(keys) };
  server.get('/v1/payments', withKey, async ({ query }, reply) => {
    const asked = kListQuery.safeParse(query);
    if (!asked.success) return sendProblem(reply, 400, problemIn(asked.error, 'query'));
    const { open, limit } = asked.data;
    return { payments: ledger.list(limit, open === 'true' ? kOpenStates : []).map(view) };
  });

  server.get<{ Params: { ref: string } }>('/v1/payments/:ref', withKey, async ({ params }, reply) => {
    const attempts = ledger.payment(params.ref);
    if (attempts.length === 0) return sendProblem(reply, 404);
    const changes = followUps?.journal.book(params.ref).followUps ?? [];
    return { attempts: attempts.map(view), changes: changes.map(viewOf) };
  });

  server.post('/v1/payments/reconcile', withKey, async () => {
    await desk.resolveNow();
    return { open: ledger.list(kMostListed, kOpenStates).map(view) };
  });

  server.post<{ Params: { ref: string; attempt: string } }>(
    '/v1/payments/:ref/attempts/:attempt/settle',
    withKey,
    async ({ params, body }, reply) => {
      const attempt = ledger.payment(params.ref).find((entry) => String(entry.attempt) === params.attempt);
      if (!attempt) return sendProblem(reply, 404);
      const asked = kSettleBody.safeParse(body ?? {});
      if (!asked.success) return sendProblem(reply, 400, problemIn(asked.error, 'body'));
      const { state, note, by } = asked.data;
      if (ledger.settleByHand(attempt, state, { actor: `api:${by}`, note }))
        return { ...view(attempt), state };
      const { state: now } =
        ledger.payment(params.ref).find((entry) => entry.attempt === attempt.attempt) ?? attempt;
      return sendProblem(reply, 409, `the attempt is ${now}; only one in state MANUAL is settled by hand`);
    },
  );
}

/** Amounts in major units; what a peer wrote could be anything. */
function view({ amount, customerId, reference, ...entry }: LedgerEntry) {
  return {
    ...entry,
    amount: formatMajor(amount),
    currency: amount.currency,
    customerId: customerId && maskCardLike(customerId),
    reference: reference && maskCardLike(reference),
  };
}
