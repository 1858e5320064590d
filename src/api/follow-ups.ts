import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { maskCardLike } from '../card/card-like.ts';
import { formatMajor } from '../money/money.ts';
import type { FollowUpPlan, FollowUpRequest } from '../ports/follow-ups.ts';
import { kFollowUpKinds } from '../ports/payment-gateway.ts';
import type { FollowUpJournal, FollowUpRecord } from '../ports/store.ts';
import { problemIn } from './body-problem.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';

/** Who changes approved payments, and what was changed. */
export interface FollowUpDesk {
  request(request: FollowUpRequest): Promise<FollowUpPlan>;
  readonly journal: Pick<FollowUpJournal, 'book' | 'settleByHand'>;
}

const kWho = {
  /** Why, in the person's words: it goes into the audit. */
  note: z.string().trim().min(1).max(500),
  by: z.string().regex(/^[\w.@-]{1,64}$/),
};
const kBody = z.strictObject({
  ...kWho,
  amount: z
    .string()
    .regex(/^\d{1,10}(\.\d{1,4})?$/, 'expects an amount in major units such as "10.50"')
    .optional(),
});
const kSettle = z.strictObject({ ...kWho, state: z.enum(['DONE', 'NOT_DONE']) });
const kKey = z.string().regex(/^[\x21-\x7e]{8,64}$/);

/** `POST /v1/payments/{ref}/capture|void|refund`, `POST /v1/payments/{ref}/changes/{key}/settle`. */
export function addFollowUps(server: FastifyInstance, keys: ApiKeys, desk: FollowUpDesk): void {
  const withKey = { onRequest: requireKey(keys) };
  for (const kind of kFollowUpKinds) {
    server.post<{ Params: { ref: string } }>(
      `/v1/payments/:ref/${kind}`,
      withKey,
      async ({ params, body, headers }, reply) => {
        const asked = kBody.safeParse(body ?? {});
        if (!asked.success) return sendProblem(reply, 400, problemIn(asked.error, 'body'));
        const key = kKey.safeParse(headers['idempotency-key']);
        if (!key.success)
          return sendProblem(reply, 400, 'Idempotency-Key: expects 8 to 64 characters, new for every change');
        const { amount = null, note, by } = asked.data;
        const request = {
          paymentRef: params.ref,
          kind,
          amount,
          note,
          actor: `api:${by}`,
          requestKey: key.data,
        };
        const plan = await desk.request(request);
        if (plan.kind === 'no_such_payment') return sendProblem(reply, 404);
        if (plan.kind === 'not_possible') return sendProblem(reply, 409, plan.reason);
        const problem = problemOf(plan.record);
        if (problem) return sendProblem(reply, problem.status, problem.detail);
        return reply.code(plan.record.state === 'DONE' ? 200 : 202).send(viewOf(plan.record));
      },
    );
  }

  server.post<{ Params: { ref: string; key: string } }>(
    '/v1/payments/:ref/changes/:key/settle',
    withKey,
    async ({ params, body }, reply) => {
      const record = desk.journal.book(params.ref).followUps.find(({ key }) => key === params.key);
      if (!record) return sendProblem(reply, 404);
      const asked = kSettle.safeParse(body ?? {});
      if (!asked.success) return sendProblem(reply, 400, problemIn(asked.error, 'body'));
      const { state, note, by } = asked.data;
      if (desk.journal.settleByHand(record.key, state, { actor: `api:${by}`, note }))
        return { ...viewOf(record), state };
      return sendProblem(reply, 409, `it is ${record.state}; only one in state MANUAL is settled by hand`);
    },
  );
}

/** Nothing was changed, and why. */
function problemOf({ state, reason, kind }: FollowUpRecord) {
  if (state === 'REFUSED') return { status: 409, detail: `the gateway refused the ${kind}: ${reason}` };
  if (state === 'NOT_SENT' || state === 'NOT_DONE')
    return { status: 503, detail: `nothing was changed (${reason}); ask again with another Idempotency-Key` };
  return undefined;
}

/** Amounts in major units. */
export function viewOf({ amount, note, ...record }: FollowUpRecord) {
  return { ...record, note: maskCardLike(note), amount: formatMajor(amount), currency: amount.currency };
}
