import { maskCardLike } from '../card/card-like.ts';
import type { AuditAct } from '../ports/audit.ts';
import type { AttemptJournal, AttemptKey, AttemptRecord, HandVerdict } from '../ports/store.ts';

/** What the journal does, as the audit has it. The object is always `<session>/<attempt>`. */
export function submitted(attempt: AttemptRecord): AuditAct {
  const { paymentRef, merchantId, gateway, amount, brand, last4 } = attempt;
  const merchant = merchantId === null ? {} : { merchantId };
  return {
    actor: 'hushpay',
    action: 'payment.submitted',
    object: objectOf(attempt),
    detail: {
      paymentRef,
      ...merchant,
      gateway,
      amountMinor: amount.minor,
      currency: amount.currency,
      brand,
      last4,
    },
  };
}

export function settled(key: AttemptKey, verdict: Parameters<AttemptJournal['settle']>[1]): AuditAct {
  const { state, transactionId, declineClass, declineCode } = verdict;
  return {
    actor: 'hushpay',
    action: 'payment.settled',
    object: objectOf(key),
    detail: { state, transactionId, declineClass, declineCode },
  };
}

export function settledByHand(
  key: AttemptKey,
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

function objectOf({ sessionId, attempt }: AttemptKey): string {
  return `${sessionId}/${attempt}`;
}
