import { maskCardLike } from '../card/card-like.ts';
import type { AuditAct } from '../ports/audit.ts';
import type { AttemptJournal, AttemptRecord, HandVerdict } from '../ports/store.ts';

type Key = Pick<AttemptRecord, 'sessionId' | 'attempt'>;

/** What the journal does, as the audit has it. The object is always `<session>/<attempt>`. */
export function submitted(attempt: AttemptRecord): AuditAct {
  const { paymentRef, gateway, amount, brand, last4 } = attempt;
  return {
    actor: 'hushpay',
    action: 'payment.submitted',
    object: objectOf(attempt),
    detail: { paymentRef, gateway, amountMinor: amount.minor, currency: amount.currency, brand, last4 },
  };
}

export function settled(key: Key, verdict: Parameters<AttemptJournal['settle']>[1]): AuditAct {
  const { state, transactionId, declineClass, declineCode } = verdict;
  return {
    actor: 'hushpay',
    action: 'payment.settled',
    object: objectOf(key),
    detail: { state, transactionId, declineClass, declineCode },
  };
}

export function settledByHand(
  key: Key,
  state: HandVerdict,
  { actor, note }: { readonly actor: string; readonly note: string },
): AuditAct {
  return {
    actor,
    action: 'payment.settled_by_hand',
    object: objectOf(key),
    detail: { state, note: maskCardLike(note) },
  };
}

function objectOf({ sessionId, attempt }: Key): string {
  return `${sessionId}/${attempt}`;
}
