import { formatMajor } from '../money/money.ts';
import type { EventDetail } from '../ports/live-events.ts';
import type { FollowUpRecord, OpenCount } from '../ports/store.ts';

/** What pages and integrations are told of a capture, void or refund. */
export function changeDetail({ kind, key, state, amount }: FollowUpRecord): EventDetail {
  return { change: kind, key, state, amount: formatMajor(amount), currency: amount.currency };
}

/** For /readyz: calls can be taken all the same. Names no gateway: it may be somebody else's merchant's. */
export function strandedState(stranded: readonly OpenCount[]): { ok: true; detail?: string } {
  const count = stranded.reduce((sum, { attempts, changes }) => sum + attempts + changes, 0);
  if (count === 0) return { ok: true };
  const what = count === 1 ? '1 open payment or change' : `${count} open payments or changes`;
  return {
    ok: true,
    detail: `${what} went by a gateway that is not configured any more: hushpay payments list --open`,
  };
}
