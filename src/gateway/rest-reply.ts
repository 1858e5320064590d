import { z } from 'zod';
import type { DeclineClass, FollowUpResult, PaymentRef, SubmitResult } from '../ports/payment-gateway.ts';
import type { QueryResult, RawReply, ReversalResult } from './dialect.ts';
import { accepted, done, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { asLookUp, Outcomes } from './outcome.ts';
import { cleanId, cleanText, worded } from './reply-text.ts';

// Optional fields of a wrong type are left out: they must not cost us a clear verdict.
const kText = z.union([z.string(), z.int()]).transform(String).nullable().catch(null);
const kVerdict = z.object({
  outcome: z.enum(['approved', 'declined', 'error', 'pending']),
  paymentRef: z.string().nullish(),
  attempt: z.number().nullish(),
  transactionId: kText,
  authCode: kText,
  spokenReference: kText,
  declineClass: kText,
  declineCode: kText,
  message: kText,
  token: kText,
  processed: z.boolean().nullable().catch(null),
  // Not lenient: what cannot be read here may be a partial approval.
  approvedAmount: z.object({ value: z.number(), currency: z.string(), exponent: z.number() }).nullish(),
});
const kReversal = z.object({ outcome: z.enum(['reversed', 'nothing_to_reverse', 'failed', 'pending']) });
const kFollowUp = z.object({
  outcome: z.enum(['done', 'accepted', 'refused', 'pending']),
  transactionId: kText,
  message: kText,
});
const kAbsent = z.object({ paymentRef: z.string(), attempt: z.number() });
const kProblem = z.object({ processed: z.boolean().nullable().catch(null), message: kText });

type Verdict = z.output<typeof kVerdict>;

// The gateway refused us, not the card. Not in the list, such as 3xx, 408 and 409: it may have been processed.
const kRefusals = new Set([400, 401, 403, 404, 405, 413, 415, 422]);

/** The verdict of an answer to a submission. Whatever is not clearly something else is unknown. */
export function submitResultOf(reply: RawReply, request: PaymentRef): SubmitResult {
  const json = jsonOf(reply.body);
  const verdict = kVerdict.safeParse(json).data;
  if (verdict && !belongsTo(verdict, request)) return unknown('the answer names another payment');
  if (reply.status >= 200 && reply.status < 300) {
    return verdict
      ? fromVerdict(verdict, request, reply)
      : unknown(`status ${reply.status} without a readable verdict`);
  }
  // A status that says failure and a body that says money moved: nobody knows.
  const contradicts = verdict?.outcome === 'approved' || verdict?.outcome === 'pending';
  if (contradicts) return unknown(worded`status ${reply.status} with outcome ${verdict.outcome}`);
  if (kRefusals.has(reply.status)) return { kind: 'rejected_config', reason: problemOf(reply.status, json) };
  if (verdict) return fromVerdict(verdict, request, reply);
  const problem = kProblem.safeParse(json).data;
  if (reply.status === 429 || (reply.status === 503 && problem?.processed === false)) {
    return { kind: 'transient', reason: problemOf(reply.status, json) };
  }
  return unknown(`status ${reply.status}`);
}

/** The verdict of an answer to a look-up. A 404 that does not name the payment may be a proxy's, and says nothing about it. */
export function queryResultOf(reply: RawReply, ref: PaymentRef): QueryResult {
  if (isAbsence(reply, ref)) return { kind: 'not_found' };
  if (reply.status !== 200) return unknown(`look-up: ${problemOf(reply.status, jsonOf(reply.body))}`);
  const result = submitResultOf(reply, ref);
  switch (result.kind) {
    case 'approved':
    case 'partial':
    case 'unknown':
      return result;
    case 'declined':
      return asLookUp(result);
    default:
      return { kind: 'not_found' };
  }
}

export function reversalResultOf(reply: RawReply, ref: PaymentRef): ReversalResult {
  if (isAbsence(reply, ref)) return 'nothing_to_reverse';
  if (reply.status < 200 || reply.status > 299) return reply.status >= 500 ? 'pending' : 'failed';
  return kReversal.safeParse(jsonOf(reply.body)).data?.outcome ?? 'pending';
}

/** The answer to a capture, a void or a refund. */
export function followUpResultOf(reply: RawReply): FollowUpResult {
  const json = jsonOf(reply.body);
  const told = kFollowUp.safeParse(json).data;
  const isOk = reply.status >= 200 && reply.status < 300;
  if (!isOk || !told) {
    const problem = kProblem.safeParse(json).data;
    if (reply.status === 503 && problem?.processed === false)
      return { kind: 'not_sent', reason: problemOf(reply.status, json) };
    return isOk ? unheard('no readable answer') : followUpByStatus(reply, problem?.message ?? undefined);
  }
  switch (told.outcome) {
    case 'done':
      return done(told.transactionId ?? undefined);
    case 'accepted':
      return accepted(told.transactionId ?? undefined);
    case 'refused':
      return refusal('refused', told.message ?? undefined);
    case 'pending':
      return unheard('pending');
  }
}

function fromVerdict(verdict: Verdict, request: PaymentRef, reply: RawReply): SubmitResult {
  const id = (text: string | null) => (text === null ? undefined : cleanId(text, reply.cardMasked));
  switch (verdict.outcome) {
    case 'approved': {
      const { approvedAmount: part, transactionId, authCode, spokenReference, token } = verdict;
      const told = part && { minor: part.value, currency: part.currency, exponent: part.exponent };
      return new Outcomes(reply).approvedFor(
        request.amount,
        told ?? undefined,
        transactionId ?? undefined,
        authCode ?? undefined,
        spokenReference ?? undefined,
        token ?? undefined,
      );
    }
    case 'declined': {
      if (verdict.declineClass === 'config')
        return { kind: 'rejected_config', reason: declineText(verdict, reply) };
      if (verdict.declineClass === 'transient')
        return { kind: 'transient', reason: declineText(verdict, reply) };
      const code = id(verdict.declineCode) ?? 'unspecified';
      return {
        kind: 'declined',
        class: classOf(verdict.declineClass),
        code,
        transactionId: id(verdict.transactionId) ?? null,
      };
    }
    case 'error':
      if (verdict.declineClass === 'config')
        return { kind: 'rejected_config', reason: declineText(verdict, reply) };
      if (verdict.declineClass === 'transient' || verdict.processed === false) {
        return { kind: 'transient', reason: declineText(verdict, reply) };
      }
      return unknown(`error: ${declineText(verdict, reply)}`);
    case 'pending':
      return unknown('pending');
  }
}

/** A class we do not know is still a decline: `soft` offers another card and nothing more. */
function classOf(name: string | null): DeclineClass {
  switch (name) {
    case 'reenter':
    case 'hard':
    case 'auth_required':
      return name;
    default:
      return 'soft';
  }
}

function declineText(verdict: Verdict, reply: RawReply): string {
  const code = verdict.declineCode === null ? undefined : cleanId(verdict.declineCode, reply.cardMasked);
  return (
    [code, verdict.message === null ? undefined : cleanText(verdict.message)].filter(Boolean).join(' ') ||
    'no reason given'
  );
}

/** Two answers on one kept connection must not be taken for each other; gateways that name the payment let us see it. */
function belongsTo(verdict: Verdict, ref: PaymentRef): boolean {
  return (
    (verdict.paymentRef ?? ref.paymentRef) === ref.paymentRef &&
    (verdict.attempt ?? ref.attempt) === ref.attempt
  );
}

function isAbsence(reply: RawReply, { paymentRef, attempt }: PaymentRef): boolean {
  if (reply.status !== 404) return false;
  const told = kAbsent.safeParse(jsonOf(reply.body)).data;
  return told?.paymentRef === paymentRef && told.attempt === attempt;
}

function problemOf(status: number, json: unknown): string {
  const message = kProblem.safeParse(json).data?.message ?? null;
  return message === null ? `status ${status}` : `status ${status}: ${cleanText(message)}`;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function unknown(reason: string): { readonly kind: 'unknown'; readonly reason: string } {
  return { kind: 'unknown', reason };
}
