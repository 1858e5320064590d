import type { ApiOptions } from '../../src/api/api.ts';
import { type ApiKey, hashOfKey } from '../../src/api/keys.ts';
import { kApiRoles } from '../../src/ports/api-roles.ts';
import type { KeptAnswer, KeptAnswers, KnownRequest, RequestName } from '../../src/ports/kept-answers.ts';
import type { PaymentSessions } from '../../src/ports/payment-sessions.ts';
import { kNoClamp, type ReportRows, type ReportScope, type Reports } from '../../src/ports/reports.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { FakeLog } from './fake-log.ts';

/** A key as text may do everything. */
interface SomeOptions extends Partial<Omit<ApiOptions, 'keys' | 'records'>> {
  readonly keys: readonly (string | ApiKey)[];
  readonly records?: Partial<ApiOptions['records']>;
}

export function apiKeyOf(key: string, some: Partial<ApiKey> = {}): ApiKey {
  return {
    name: key,
    sha256: hashOfKey(key),
    certificateSha256: null,
    roles: kApiRoles,
    merchants: null,
    agentIds: [],
    requestsPerMinute: 100_000,
    ...some,
  };
}

/** What the API of a server shows in which nothing has happened, apart from what a test puts into it. */
export function apiOptions({ keys, records, payments, ...some }: SomeOptions): ApiOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    keys: keys.map((key) => (typeof key === 'string' ? apiKeyOf(key) : key)),
    tokens: null,
    tls: null,
    answers: new FakeAnswers(),
    payments: {
      ledger: { list: () => [], payment: () => [], settleByHand: () => false },
      resolveNow: async () => undefined,
      followUps: {
        request: async () => ({ kind: 'no_such_payment' }),
        journal: { book: () => ({ attempts: [], followUps: [] }), settleByHand: () => false },
      },
      ...payments,
    },
    sessions: sessionsOf({}),
    currencyOf: (merchantId) => (merchantId === 'paris' ? 'EUR' : 'USD'),
    pages: { folder: '', embedIn: [], softphone: null },
    ladderOf: async () => undefined,
    audit: {
      entriesOf: () => [],
      page: () => [],
      verify: async () => ({ ok: true, entries: 0, head: '0:' }),
    },
    reports: reportsOf({}),
    events: {
      log: { eventsAfter: () => [], newestEventId: () => 0 },
      feed: { listen: () => () => undefined },
    },
    webhooks: { webhooks: [], outbox: emptyOutbox(), hurry: () => undefined },
    clock: kSystemClock,
    metrics: createMetrics(),
    health: new Health(),
    log: new FakeLog(),
    ...some,
    records: {
      find: (id) => records?.find?.(id),
      attempts: (id) => records?.attempts?.(id) ?? [],
      sessions: (page, filter) => records?.sessions?.(page, filter) ?? [],
    },
  };
}

/** A report of nothing, apart from this. */
export function reportsOf(
  some: Partial<ReportRows>,
  onRead: (scope: ReportScope) => void = () => undefined,
): Reports {
  return {
    read: async (scope) => {
      onRead(scope);
      return { quarterHours: [], clamp: kNoClamp, durations: {}, stages: [], results: [], ...some };
    },
    journeys: async (scope) => {
      onRead(scope);
      return { steps: [], errors: [] };
    },
  };
}

/** Sessions that are not there. */
export function sessionsOf(some: Partial<PaymentSessions>): PaymentSessions {
  return {
    prepare: () => undefined,
    ids: () => [],
    view: () => undefined,
    act: async () => ({ kind: 'unknown_session' }),
    identified: () => ({ kind: 'unknown_session' }),
    ...some,
  };
}

function emptyOutbox(): ApiOptions['webhooks']['outbox'] {
  return { deliveries: () => [], replay: () => false };
}

/** Forgets with the test. */
class FakeAnswers implements KeptAnswers {
  readonly #kept = new Map<string, { digest: string; answer?: KeptAnswer }>();

  begin({ caller, key }: RequestName, digest: string): KnownRequest {
    const known = this.#kept.get(`${caller} ${key}`);
    if (!known) {
      this.#kept.set(`${caller} ${key}`, { digest });
      return { kind: 'new' };
    }
    if (known.digest !== digest) return { kind: 'another' };
    return known.answer ? { kind: 'answered', answer: known.answer } : { kind: 'begun', isOurs: true };
  }

  finish({ caller, key }: RequestName, answer: KeptAnswer): void {
    const known = this.#kept.get(`${caller} ${key}`);
    if (known) known.answer = answer;
  }

  forget({ caller, key }: RequestName): void {
    this.#kept.delete(`${caller} ${key}`);
  }
}
