import { z } from 'zod';
import { maskCardLike } from '../card/card-like.ts';
import { formatMajor } from '../money/money.ts';
import type { FollowUpPlan, FollowUpRequest } from '../ports/follow-ups.ts';
import { kFollowUpKinds } from '../ports/payment-gateway.ts';
import type { FollowUpJournal, FollowUpRecord } from '../ports/store.ts';
import { actorOf, type Caller, sees } from './caller.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kMajor, kWhen } from './session-schema.ts';

/** Who changes approved payments, and what was changed. */
export interface FollowUpDesk {
  request(request: FollowUpRequest): Promise<FollowUpPlan>;
  readonly journal: Pick<FollowUpJournal, 'book' | 'settleByHand'>;
  /** A person settled a change. */
  onSettled?(record: FollowUpRecord): void;
}

const kWho = {
  note: z.string().trim().min(1).max(500).describe('Why, in the person’s words: it goes into the audit'),
  by: z.string().regex(/^[\w.@-]{1,64}$/),
};
const kBody = z
  .strictObject({
    ...kWho,
    amount: z
      .string()
      .regex(/^\d{1,10}(\.\d{1,4})?$/, 'expects an amount in major units such as "10.50"')
      .optional()
      .describe('Left out: all there is'),
  })
  .meta({ id: 'ChangeRequest' });
const kSettle = z
  .strictObject({ ...kWho, state: z.enum(['DONE', 'NOT_DONE']) })
  .meta({ id: 'ChangeSettlement' });
const kKey = z.string().regex(/^[\x21-\x7e]{8,64}$/);
const kText = z.string().nullable();

export const kChangeStates = z.enum([
  ...(['SUBMITTING', 'DONE', 'ACCEPTED', 'REFUSED'] as const),
  ...(['NOT_SENT', 'NOT_DONE', 'UNKNOWN', 'MANUAL'] as const),
]);

export const kChange = z
  .object({
    key: z.string(),
    requestKey: z.string().describe('The Idempotency-Key it was asked for with'),
    sessionId: z.string(),
    attempt: z.int(),
    paymentRef: z.string(),
    kind: z.enum(kFollowUpKinds),
    state: kChangeStates,
    amount: kMajor,
    currency: z.string(),
    gateway: z.string(),
    transactionId: kText,
    reason: kText.describe('Why it was refused or not sent'),
    actor: z.string(),
    note: z.string(),
    sentAt: kWhen,
    doneAt: kWhen.nullable(),
  })
  .meta({ id: 'Change' });

const kRefParams = z.object({ ref: z.string().max(64) });

/** Captures, voids and refunds of approved payments. Their journal knows a request that comes again, over crashes too. */
export function addFollowUps(routes: Routes, desk: FollowUpDesk): void {
  for (const kind of kFollowUpKinds) {
    routes.post(
      `/v1/payments/{ref}/${kind}`,
      {
        name: `${kind}Payment`,
        tag: 'Payments',
        summary: `Asks the gateway for a ${kind} of an approved payment; needs an Idempotency-Key of 8 to 64 characters`,
        allow: ['integrator', 'operator'],
        isJournaled: true,
        params: kRefParams,
        body: kBody,
        answers: {
          200: { what: 'It is done', json: kChange },
          202: { what: 'It is accepted, or its outcome is not known yet', json: kChange },
        },
        problems: ['API_NOT_FOUND', 'API_CONFLICT', 'API_BUSY'],
      },
      async ({ params: { ref }, body, caller, request, reply }) => {
        if (!isSeen(desk, ref, caller)) return sendProblem(reply, 404);
        const key = kKey.safeParse(request.headers['idempotency-key']);
        if (!key.success) {
          return sendProblem(reply, 400, 'Idempotency-Key: expects 8 to 64 characters, new for every change');
        }
        const { amount = null, note, by } = body;
        const actor = actorOf(caller, by);
        const plan = await desk.request({ paymentRef: ref, kind, amount, note, actor, requestKey: key.data });
        if (plan.kind === 'no_such_payment') return sendProblem(reply, 404);
        if (plan.kind === 'not_possible') return sendProblem(reply, 409, plan.reason);
        const problem = problemOf(plan.record);
        if (problem) return sendProblem(reply, problem.status, problem.detail);
        return reply.code(plan.record.state === 'DONE' ? 200 : 202).send(viewOf(plan.record));
      },
    );
  }

  routes.post(
    '/v1/payments/{ref}/changes/{key}/settle',
    {
      name: 'settleChange',
      tag: 'Payments',
      summary: 'Ends a change by hand that nobody else could settle',
      allow: ['operator'],
      params: kRefParams.extend({ key: z.string().max(64) }),
      body: kSettle,
      answers: { 200: { what: 'The change as it is now', json: kChange } },
      problems: ['API_NOT_FOUND', 'API_CONFLICT'],
    },
    ({ params, body: { state, note, by }, caller, reply }) => {
      const record = isSeen(desk, params.ref, caller)
        ? desk.journal.book(params.ref).followUps.find(({ key }) => key === params.key)
        : undefined;
      if (!record) return sendProblem(reply, 404);
      if (desk.journal.settleByHand(record.key, state, { actor: actorOf(caller, by), note })) {
        desk.onSettled?.({ ...record, state });
        return { ...viewOf(record), state };
      }
      return sendProblem(reply, 409, `it is ${record.state}; only one in state MANUAL is settled by hand`);
    },
  );
}

/** A payment of somebody else's merchant is as one there is not. */
function isSeen({ journal }: FollowUpDesk, ref: string, caller: Caller): boolean {
  return journal.book(ref).attempts.some(({ merchantId }) => sees(caller, merchantId));
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
