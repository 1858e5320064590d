import { z } from 'zod';
import { kReaders } from '../ports/api-roles.ts';
import { type HandVerdict, kOpenStates, type Ledger, type LedgerEntry } from '../ports/store.ts';
import { actorOf, type Caller, merchantsOf, sees } from './caller.ts';
import { addFollowUps, type FollowUpDesk, kChange, viewOf } from './follow-ups.ts';
import { kNext, kPageQuery, pageOf } from './paging.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kSubmission } from './session-schema.ts';
import { attemptView, masked } from './session-view.ts';

/** What the API may do with payments. */
export interface PaymentDesk {
  readonly ledger: Ledger;
  /** Looks at every open payment now; resolves when each was looked at once. */
  resolveNow(): Promise<void>;
  /** A person settled an attempt. */
  onSettled?(sessionId: string, state: HandVerdict): void;
  /** Left out: approved payments are not changed here. */
  readonly followUps?: FollowUpDesk;
}

const kMostListed = 500;

const kListQuery = z.strictObject({
  ...kPageQuery,
  open: z.enum(['true', 'false']).default('false').describe('Only what is not settled'),
});

const kSettleBody = z
  .strictObject({
    state: z.enum(['APPROVED', 'REVERSED', 'NOT_CHARGED']),
    note: z.string().trim().min(1).max(500).describe('Why, in the person’s words: it goes into the audit'),
    by: z.string().regex(/^[\w.@-]{1,64}$/),
  })
  .meta({ id: 'Settlement' });

const kEntry = kSubmission
  .extend({
    sessionId: z.string(),
    customerId: z.string().nullable(),
    reference: z.string().nullable(),
  })
  .meta({ id: 'LedgerEntry' });

const kRefParams = z.object({ ref: z.string().max(64) });

export function addPayments(routes: Routes, desk: PaymentDesk): void {
  const { ledger, followUps } = desk;
  if (followUps) addFollowUps(routes, followUps);
  routes.get(
    '/v1/payments',
    {
      name: 'listPayments',
      tag: 'Payments',
      summary: 'Submissions to the gateway, newest first',
      allow: kReaders,
      query: kListQuery,
      answers: { 200: { what: 'A page', json: z.object({ payments: z.array(kEntry), next: kNext }) } },
    },
    ({ query: { open, limit, cursor }, caller }) => {
      const page = { after: cursor, ...merchantsOf(caller) };
      const found = ledger.list(limit + 1, open === 'true' ? kOpenStates : [], page);
      const { rows, next } = pageOf(found, limit, positionOf);
      return { payments: rows.map(view), next };
    },
  );

  routes.get(
    '/v1/payments/{ref}',
    {
      name: 'getPayment',
      tag: 'Payments',
      summary: 'All attempts of a payment, in order',
      allow: kReaders,
      params: kRefParams,
      answers: {
        200: {
          what: 'The attempts, and what was changed later',
          json: z.object({ attempts: z.array(kEntry), changes: z.array(kChange) }),
        },
      },
      problems: ['API_NOT_FOUND'],
    },
    ({ params: { ref }, caller, reply }) => {
      const attempts = seen(ledger, ref, caller);
      if (attempts.length === 0) return sendProblem(reply, 404);
      const changes = followUps?.journal.book(ref).followUps ?? [];
      return { attempts: attempts.map(view), changes: changes.map(viewOf) };
    },
  );

  routes.post(
    '/v1/payments/reconcile',
    {
      name: 'reconcilePayments',
      tag: 'Payments',
      summary: 'Looks at every open payment now',
      allow: ['operator'],
      answers: { 200: { what: 'What is still open', json: z.object({ open: z.array(kEntry) }) } },
    },
    async ({ caller }) => {
      await desk.resolveNow();
      return { open: ledger.list(kMostListed, kOpenStates, merchantsOf(caller)).map(view) };
    },
  );

  routes.post(
    '/v1/payments/{ref}/attempts/{attempt}/settle',
    {
      name: 'settleAttempt',
      tag: 'Payments',
      summary: 'Ends by hand what nobody else could settle',
      allow: ['operator'],
      params: kRefParams.extend({ attempt: z.coerce.number().int().min(1) }),
      body: kSettleBody,
      answers: { 200: { what: 'The attempt as it is now', json: kEntry } },
      problems: ['API_NOT_FOUND', 'API_CONFLICT', 'API_INVALID'],
    },
    ({ params, body: { state, note, by }, caller, reply }) => {
      const find = () => seen(ledger, params.ref, caller).find((each) => each.attempt === params.attempt);
      const attempt = find();
      if (!attempt) return sendProblem(reply, 404);
      if (ledger.settleByHand(attempt, state, { actor: actorOf(caller, by), note })) {
        desk.onSettled?.(attempt.sessionId, state);
        return view({ ...attempt, state });
      }
      const { state: now } = find() ?? attempt;
      return sendProblem(reply, 409, `the attempt is ${now}; only one in state MANUAL is settled by hand`);
    },
  );
}

/** A payment of somebody else's merchant is as one there is not. */
function seen(ledger: Ledger, ref: string, caller: Caller): readonly LedgerEntry[] {
  return ledger.payment(ref).filter(({ merchantId }) => sees(caller, merchantId));
}

function positionOf({ sentAt, sessionId, attempt }: LedgerEntry) {
  return { at: sentAt, id: `${sessionId}/${attempt}` };
}

function view({ customerId, reference, ...attempt }: LedgerEntry) {
  return { ...attemptView(attempt), customerId: masked(customerId), reference: masked(reference) };
}
