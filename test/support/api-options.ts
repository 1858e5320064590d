import type { ApiOptions } from '../../src/api/api.ts';
import type { PaymentSessions } from '../../src/ports/payment-sessions.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { FakeLog } from './fake-log.ts';

/** What the API of a server shows in which nothing has happened, apart from what a test puts into it. */
export function apiOptions(some: Partial<ApiOptions> & Pick<ApiOptions, 'keys'>): ApiOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    records: { find: () => undefined, attempts: () => [] },
    payments: {
      ledger: { list: () => [], payment: () => [], settleByHand: () => false },
      resolveNow: async () => undefined,
    },
    sessions: sessionsOf({}),
    currency: 'USD',
    pages: { folder: '', embedIn: [], softphone: null },
    ladderOf: async () => undefined,
    reports: { read: async () => ({ quarterHours: [], durations: {}, stages: [], results: [] }) },
    events: {
      log: { eventsAfter: () => [], newestEventId: () => 0 },
      feed: { listen: () => () => undefined },
    },
    webhooks: { names: [], outbox: emptyOutbox(), hurry: () => undefined },
    clock: { date: () => new Date() },
    metrics: createMetrics(),
    health: new Health(),
    log: new FakeLog(),
    ...some,
  };
}

/** Sessions that are not there. */
export function sessionsOf(some: Partial<PaymentSessions>): PaymentSessions {
  return {
    prepare: () => undefined,
    view: () => undefined,
    act: async () => ({ kind: 'unknown_session' }),
    identified: () => ({ kind: 'unknown_session' }),
    ...some,
  };
}

function emptyOutbox(): ApiOptions['webhooks']['outbox'] {
  return { deliveries: () => [], replay: () => false };
}
