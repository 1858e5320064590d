import type { FollowUpResult } from '../ports/payment-gateway.ts';
import type { RawReply } from './dialect.ts';
import { believed, byStatus } from './outcome.ts';
import { cleanId, cleanText } from './reply-text.ts';

type Kind<K extends FollowUpResult['kind']> = Extract<FollowUpResult, { readonly kind: K }>;

/** The gateway has done it. @param id - its own name of the change. */
export function done(id?: string): Kind<'done'> {
  return { kind: 'done', transactionId: id === undefined ? null : (cleanId(id, false) ?? null) };
}

/** The gateway has taken the order; what came of it is told elsewhere. */
export function accepted(id?: string): Kind<'accepted'> {
  return { ...done(id), kind: 'accepted' };
}

/** Certain that nothing changed. @param told - the gateway's own words. */
export function refusal(code: string, told?: string): Kind<'refused'> {
  return { kind: 'refused', reason: told ? `${cleanText(code)}: ${cleanText(told)}` : cleanText(code) };
}

export function unheard(reason: string): Kind<'unknown'> {
  return { kind: 'unknown', reason };
}

/**
 * The answer to a change that is sent again under its key, to learn what became of it. That this request was refused (its token is no longer
 * good, a proxy has no route, the payment is refunded already) says nothing of the first one: only the gateway's own verdict does.
 */
export function answeredAgain(reply: RawReply, read: (reply: RawReply) => FollowUpResult): FollowUpResult {
  const result = believed(reply, read);
  const isVerdict = reply.status >= 200 && reply.status < 300;
  return result.kind === 'refused' && !isVerdict ? unheard(`look-up: ${result.reason}`) : result;
}

/** What a status alone says of a change. */
export function followUpByStatus({ status }: RawReply, told?: string): FollowUpResult {
  const plain = byStatus(status);
  switch (plain.kind) {
    case 'rejected_config':
      return refusal(`status ${status}`, told);
    case 'transient':
      return { kind: 'not_sent', reason: plain.reason };
    default:
      return unheard(plain.reason);
  }
}
