import fc from 'fast-check';
import { expect, it } from 'vitest';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { PaymentGateway } from '../../../src/ports/payment-gateway.ts';
import type { AttemptState } from '../../../src/ports/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import {
  FakeGateway,
  type QueryScript,
  type ReverseScript,
  type SubmitScript,
} from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kSession = 'S1';
const kRunCount = 500;
const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const kProgress = { onFlushed: () => undefined, onUnknown: () => undefined };
const kUntilResolvedMs = 7 * 3_600_000; // five looks: more than the scripts can spoil
// States in which a further attempt of the payment cannot charge twice.
const kHarmless: ReadonlySet<AttemptState> = new Set(['DECLINED', 'NOT_SENT', 'REJECTED_CONFIG']);

const delayMs = fc.constantFrom(0, 0, 50, 2500, 9000, 31_000);
const decline = { kind: 'declined', class: 'soft', code: '51', transactionId: null } as const;
const submitScript: fc.Arbitrary<SubmitScript> = fc.oneof(
  fc.record(
    {
      decide: fc.constantFrom('approve' as const, 'approve' as const, decline),
      lose: fc.constantFrom('request' as const, 'answer' as const),
      afterMs: delayMs,
      arrivesAfterMs: fc.integer({ min: 0, max: 15_000 }),
      throws: fc.boolean(),
    },
    { requiredKeys: ['decide'] },
  ),
  fc.record({
    refuse: fc.constantFrom(
      { kind: 'not_sent' as const, reason: 'refused' },
      { kind: 'transient' as const, reason: '503' },
      { kind: 'rejected_config' as const, reason: '401' },
    ),
    afterMs: delayMs,
  }),
);
const queryScript: fc.Arbitrary<QueryScript> = fc.record({
  answer: fc.constantFrom('truth', 'lost', 'not_found'),
  afterMs: delayMs,
});
const reverseScript: fc.Arbitrary<ReverseScript> = fc.record({
  answer: fc.constantFrom('truth', 'failed', 'pending', 'done_unheard'),
  afterMs: delayMs,
});
const scenario = fc.record({
  idempotency: fc.constantFrom('key' as const, 'none' as const),
  submits: fc.array(submitScript, { maxLength: 8 }),
  queries: fc.array(queryScript, { maxLength: 8 }),
  reverses: fc.array(reverseScript, { maxLength: 4 }),
  /** When the caller, or a bug, submits again: milliseconds after the one before. */
  againAfterMs: fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 3 }),
  wipeAtMs: fc.option(fc.integer({ min: 0, max: 60_000 })),
  dieAtMs: fc.option(fc.integer({ min: 0, max: 60_000 })),
  diskFullMs: fc.option(fc.tuple(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 1, max: 20_000 }))),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

it('leaves at most one net charge per payment under any faults, and ends every attempt', {
  timeout: 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(scenario, play), { numRuns: kRunCount });
});

async function play(script: Scenario): Promise<void> {
  const clock = new FakeClock();
  const store = new FakeStore();
  const wrongs: string[] = [];
  const gateway = scripted(clock, store, script, wrongs);
  const life = { over: false };
  const parts = { journal: store, log: new FakeLog(), policy: kPolicy };
  const first = new JournaledPayments({
    ...parts,
    clock: mortalClock(clock, life),
    gateway: mortal(gateway, life),
  });
  first.start();
  const verdicts: (string | undefined)[] = [];
  const card = cardOf({ pan: '4242424242424242' });
  at(clock, script.wipeAtMs, () => card.wipe());
  fillDisk(clock, store, script.diskFullMs);
  let second: JournaledPayments | undefined;
  at(clock, script.dieAtMs, () => {
    life.over = true;
    second = new JournaledPayments({ ...parts, clock, gateway });
    second.start();
  });
  for (const [index, waitMs] of [0, ...script.againAfterMs].entries()) {
    await clock.advance(waitMs);
    if (life.over) break;
    const request = requestOf({ attempt: index + 1 });
    void first.submit(kSession, request, card, kProgress).then(({ kind }) => {
      verdicts[index] = kind;
    });
  }
  await clock.advance(kUntilResolvedMs);
  await (second ?? first).stop();
  expect(wrongs).toEqual([]);
  judge(gateway, store, verdicts, life.over);
}

function judge(
  gateway: FakeGateway,
  store: FakeStore,
  verdicts: readonly (string | undefined)[],
  died: boolean,
): void {
  const charges = gateway.netCharges(requestOf().paymentRef);
  expect(gateway.mostNetCharges).toBeLessThanOrEqual(1);
  const rows = store.attempts(kSession);
  for (const row of rows) expect(row.state).not.toMatch(/SUBMITTING|UNKNOWN|MANUAL/);
  expect(charges).toBe(rows.filter((row) => row.state === 'APPROVED').length);
  if (died) return;
  expect(gateway.mostAtOnce).toBeLessThanOrEqual(1);
  expect(charges).toBe(verdicts.filter((verdict) => verdict === 'approved').length);
}

/** The gateway of the script; notes every submission that should not have been. (What it threw would be swallowed.) */
function scripted(clock: FakeClock, store: FakeStore, script: Scenario, wrongs: string[]): FakeGateway {
  const gateway = new FakeGateway(clock, script.idempotency);
  gateway.submits.push(...script.submits);
  gateway.queries.push(...script.queries);
  gateway.reverses.push(...script.reverses);
  const submit = gateway.submit.bind(gateway);
  let unheard: string | undefined;
  gateway.submit = async (request, card, context) => {
    for (const { attempt, state } of store.attempts(kSession)) {
      const isOwn = attempt === request.attempt;
      if (isOwn ? state !== 'SUBMITTING' : !kHarmless.has(state))
        wrongs.push(`sent while ${attempt} is ${state}`);
    }
    if (!store.attempts(kSession).some(({ attempt }) => attempt === request.attempt))
      wrongs.push('sent unjournaled');
    const isReplay = unheard === request.idempotencyKey;
    if (unheard !== undefined && !(isReplay && script.idempotency === 'key'))
      wrongs.push('sent again after unknown');
    unheard = request.idempotencyKey;
    const result = await submit(request, card, context);
    if (result.kind !== 'unknown' && !isReplay) unheard = undefined;
    if (result.kind === 'approved' || result.kind === 'declined') unheard = undefined;
    return result;
  };
  const query = gateway.query.bind(gateway);
  gateway.query = async (ref) => {
    const found = await query(ref);
    if (found.kind === 'approved' || found.kind === 'declined') unheard = undefined;
    return found;
  };
  return gateway;
}

function fillDisk(clock: FakeClock, store: FakeStore, fromFor: readonly [number, number] | null): void {
  if (fromFor === null) return;
  const [fromMs, forMs] = fromFor;
  at(clock, fromMs, () => {
    store.broken = true;
  });
  at(clock, fromMs + forMs, () => {
    store.broken = false;
  });
}

function at(clock: FakeClock, timeMs: number | null, task: () => void): void {
  if (timeMs !== null) clock.schedule(timeMs, task);
}

/** Tasks of a dead process do not run. */
function mortalClock(clock: Clock, life: { readonly over: boolean }): Clock {
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    schedule: (delay, task) => clock.schedule(delay, () => void (life.over || task())),
  };
}

/** A dead process hears no answers. */
function mortal(gateway: FakeGateway, life: { readonly over: boolean }): PaymentGateway {
  const whileAlive = async <T>(answer: Promise<T>): Promise<T> => {
    const settled = await answer.catch((error: unknown) => {
      if (life.over) return new Promise<never>(() => undefined);
      throw error;
    });
    return life.over ? new Promise<never>(() => undefined) : settled;
  };
  return {
    name: gateway.name,
    idempotency: gateway.idempotency,
    submit: (...call) => whileAlive(gateway.submit(...call)),
    query: (ref) => whileAlive(gateway.query(ref)),
    reverse: (ref) => whileAlive(gateway.reverse(ref)),
    check: () => gateway.check(),
    close: () => gateway.close(),
  };
}
