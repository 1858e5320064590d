import { changeDetail } from '../../main/open-payments.ts';
import type { LaneNeeds } from '../../main/payment-lanes.ts';
import type { EventDetail } from '../../ports/live-events.ts';
import type { Store } from '../../store/store.ts';

/** Keeps an event: a server on this store tells its webhooks with whatever happens next, or when it starts. */
export function tell(store: Store, sessionId: string, type: string, detail: EventDetail): void {
  store.append({ sessionId, at: new Date().toISOString(), type, detail });
}

/** What comes of payments that are looked at or changed here, as the server tells it. */
export function listeners(store: Store): Required<Pick<LaneNeeds, 'onResolved' | 'onChanged'>> {
  return {
    onResolved: (_gateway, { attempt, state }) =>
      tell(store, attempt.sessionId, 'resolved', { resolution: state }),
    onChanged: (record) => tell(store, record.sessionId, 'changed', changeDetail(record)),
  };
}
