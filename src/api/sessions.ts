import type { FastifyInstance } from 'fastify';
import { maskCardLike } from '../card/card-like.ts';
import { formatMajor, money } from '../money/money.ts';
import type { AttemptRecord, AttemptState, SessionRecord, SessionRecords } from '../ports/store.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';

/** Fields of a running session that the record does not have yet; masked. */
export type LiveSession = (sessionId: string) => object | undefined;

export const kSessionId = /^[\w-]{1,64}$/;

export function addSessions(
  server: FastifyInstance,
  keys: ApiKeys,
  records: Pick<SessionRecords, 'find' | 'attempts'>,
  liveSession: LiveSession,
): void {
  server.get<{ Params: { id: string } }>(
    '/v1/sessions/:id',
    { onRequest: requireKey(keys) },
    async ({ params: { id } }, reply) => {
      const record = kSessionId.test(id) ? records.find(id) : undefined;
      if (!record) return sendProblem(reply, 404);
      const attempts = records.attempts(id);
      return {
        ...sessionView(record),
        ...liveSession(id),
        resolution: resolutionOf(record, attempts),
        submissions: attempts.map(submissionView),
      };
    },
  );
}

/** What an unknown outcome turned out to be after the call; null while nobody knows, and where there was none. */
function resolutionOf({ outcome }: SessionRecord, attempts: readonly AttemptRecord[]): AttemptState | null {
  const last = attempts.at(-1);
  if (outcome !== 'unknown' || !last) return null;
  return last.state === 'UNKNOWN' || last.state === 'SUBMITTING' ? null : last.state;
}

/** Amounts in major units, as they are given to us. */
function sessionView({ sessionId, exponent, ...record }: SessionRecord) {
  const major = (minor: number | null) =>
    minor === null ? null : formatMajor({ ...money(minor, record.currency), exponent });
  return {
    id: sessionId,
    ...record,
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
