import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { FollowUpKind } from '../../../src/ports/payment-gateway.ts';
import type { AttemptState, FollowUpState, SessionRecord } from '../../../src/ports/store.ts';
import { figuresOf } from '../../../src/report/figures.ts';
import { ReportThread } from '../../../src/store/report-thread.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kAll = { fromMs: Date.parse('2026-01-01T00:00:00Z'), toMs: Date.parse('2027-01-01T00:00:00Z') };
const kOutcomes = ['success', 'declined', 'abandoned', 'failed', 'unknown', null] as const;

let directory: string;
let store: Store;
let reports: ReportThread;
let count = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-reports-'));
  const file = join(directory, 'hushpay.sqlite');
  store = openStore({ file, log: new FakeLog() });
  reports = new ReportThread({ file, auditKeyFile: join(directory, 'audit.key') });
});

afterEach(async () => {
  await reports.close();
  store.close();
  rmSync(directory, { recursive: true });
});

function add(changes: Partial<SessionRecord>, states: readonly AttemptState[] = []): void {
  const name = `S${++count}`;
  const outcome = changes.outcome ?? null;
  const result = outcome === null ? null : outcome.toUpperCase();
  store.open(sessionOf({ result, ...changes, sessionId: name, paymentRef: name }));
  for (const [index, state] of states.entries()) {
    const attempt = index + 1;
    store.begin(
      attemptOf({ sessionId: name, paymentRef: name, attempt, idempotencyKey: `${name}-${attempt}`, state }),
    );
  }
}

const kFoundApproved = {
  state: 'APPROVED',
  transactionId: 'T-1',
  ...{ declineClass: null, declineCode: null },
  doneAt: '2026-11-21T13:00:00.000Z',
} as const;

/** Of the session that was added last. */
async function change(kind: FollowUpKind, minor: number, state: FollowUpState): Promise<void> {
  const name = `S${count}`;
  const key = `${name}-${kind}-${state}-${minor}`;
  await store.followUps.begin(name, () => ({
    record: {
      ...{
        key,
        requestKey: key,
        sessionId: name,
        attempt: 1,
        paymentRef: name,
        kind,
        state,
        amount: money(minor, 'EUR'),
      },
      ...{ gateway: 'fake', transactionId: null, reason: null, actor: 'cli:op', note: 'n' },
      ...{ sentAt: '2026-11-21T12:30:00.000Z', doneAt: null },
    },
  }));
}

async function total(scope = {}) {
  return figuresOf('total', (await reports.read({ ...kAll, ...scope })).quarterHours);
}

describe('reports', () => {
  it('count what entered in each quarter of an hour, by outcome', async () => {
    add(
      { startedAt: '2026-11-21T12:00:00.000Z', outcome: 'success', durationMs: 60_000, amountCharged: 1050 },
      ['APPROVED'],
    );
    add({ startedAt: '2026-11-21T12:14:59.999Z', outcome: 'declined', durationMs: 30_000 }, [
      'DECLINED',
      'DECLINED',
    ]);
    add({ startedAt: '2026-11-21T12:15:00.000Z' });
    const { quarterHours } = await reports.read(kAll);
    expect(quarterHours).toMatchObject([
      {
        startMs: Date.parse('2026-11-21T12:00:00Z'),
        entered: 2,
        active: 0,
        attempted: 3,
        attemptedSessions: 2,
        charged: { EUR: 1050 },
        outcomes: {
          success: { sessions: 1, durationMs: 60_000 },
          declined: { sessions: 1, durationMs: 30_000 },
        },
      },
      { startMs: Date.parse('2026-11-21T12:15:00Z'), entered: 1, active: 1 },
    ]);
  });

  it.each([
    ['APPROVED', 'success', { EUR: 1050 }],
    ['REVERSED', 'failed', {}],
    ['NOT_CHARGED', 'failed', {}],
    ['MANUAL', 'unknown', {}],
    ['UNKNOWN', 'unknown', {}],
  ] as const)('count an unknown outcome that turned out %s as %s', async (state, outcome, charged) => {
    add({ outcome: 'unknown' }, [state]);
    expect(await total()).toMatchObject({ entered: 1, outcomes: { [outcome]: 1 }, charged });
  });

  it('count what was captured of an authorization, and show what was taken back or given back', async () => {
    const approvedSale = { outcome: 'success', amountCharged: 1050 } as const;
    const held = { ...approvedSale, operation: 'authorize' } as const;
    add(approvedSale, ['APPROVED']);
    await change('refund', 300, 'DONE');
    await change('refund', 200, 'ACCEPTED');
    await change('refund', 100, 'REFUSED');
    await change('refund', 50, 'UNKNOWN');
    add(approvedSale, ['APPROVED']);
    await change('void', 1050, 'DONE');
    add(held, ['APPROVED']);
    await change('capture', 800, 'DONE');
    await change('refund', 10, 'DONE');
    add(held, ['APPROVED']);
    await change('void', 1050, 'DONE');
    add(held, ['APPROVED']);
    add({ ...approvedSale, operation: 'verify', amountCharged: 0 }, ['APPROVED']);
    expect(await total()).toMatchObject({
      charged: { EUR: 1050 + 1050 + 800 },
      voided: { EUR: 1050 },
      refunded: { EUR: 300 + 200 + 10 },
      net: { EUR: 1050 - 500 + 800 - 10 },
      reserved: { EUR: 1050 },
    });
  });

  it('put a session into another group when its unknown outcome is found, in the quarter it began in', async () => {
    add({ outcome: 'unknown', startedAt: '2026-11-21T12:00:00.000Z' }, ['UNKNOWN']);
    expect(await total()).toMatchObject({ successful: 0, unsuccessful: 1, outcomes: { unknown: 1 } });
    await store.settle({ sessionId: `S${count}`, attempt: 1 }, kFoundApproved);
    expect(await total()).toMatchObject({
      entered: 1,
      successful: 1,
      unsuccessful: 0,
      charged: { EUR: 1050 },
    });
    const { quarterHours } = await reports.read(kAll);
    expect(quarterHours.map(({ startMs }) => startMs)).toEqual([Date.parse('2026-11-21T12:00:00Z')]);
  });

  it('have how long sessions took by result, and how long without those who identify callers', async () => {
    for (const durationMs of [10_000, 20_000, 60_000])
      add({ outcome: 'success', result: 'APPROVED', durationMs });
    add({ outcome: 'success', result: 'VERIFIED', durationMs: 50_000, activeMs: 10_000 });
    add({ outcome: 'abandoned' });
    const { results } = await reports.read(kAll);
    expect(results).toEqual([
      {
        result: 'APPROVED',
        outcome: 'success',
        sessions: 3,
        averageMs: 30_000,
        p50Ms: 20_000,
        p95Ms: 60_000,
      },
      { result: 'ABANDONED', outcome: 'abandoned', sessions: 1, averageMs: null, p50Ms: null, p95Ms: null },
      {
        result: 'VERIFIED',
        outcome: 'success',
        sessions: 1,
        averageMs: 50_000,
        p50Ms: 50_000,
        p95Ms: 50_000,
      },
    ]);
    const { averageDurationMs, averageActiveMs } = await total();
    expect([averageDurationMs.success, averageActiveMs.success]).toEqual([35_000, 25_000]);
  });

  it('keep to the range, the merchant and the topology asked for', async () => {
    add({ merchantId: 'shop', outcome: 'success' });
    add({ merchantId: null, outcome: 'success' });
    add({ merchantId: 'shop', outcome: 'success', startedAt: '2025-12-31T23:59:59.999Z' });
    expect(await total()).toMatchObject({ entered: 2 });
    expect(await total({ merchants: ['shop'] })).toMatchObject({ entered: 1 });
    expect(await total({ topology: 'inline' })).toMatchObject({ entered: 0 });
  });

  it('tell when callers hung up, and where sessions ended', async () => {
    add({ outcome: 'abandoned', callerPresent: false, stageReached: 'PAN_ENTRY' });
    add({ outcome: 'unknown', callerPresent: false, stageReached: 'RESOLVE' }, ['UNKNOWN']);
    add({ outcome: 'success', callerPresent: false, stageReached: 'REFERENCE' });
    add({ outcome: 'success', callerPresent: true, stageReached: 'RETURN' });
    expect((await total()).hangUps).toEqual({ before: 1, inFlight: 1, after: 1, all: 3 });
    const { stages } = await reports.read(kAll);
    expect(stages).toContainEqual({ stage: 'PAN_ENTRY', outcome: 'abandoned', sessions: 1 });
  });

  it('count the sessions whose agent hung up', async () => {
    add({ outcome: 'success', agentLost: true });
    add({ outcome: 'abandoned', agentLost: true });
    add({ outcome: 'success' });
    expect(await total()).toMatchObject({ entered: 3, agentsLost: 2 });
  });

  it('have the middle and the tail of durations', async () => {
    for (let n = 1; n <= 100; n++) add({ outcome: 'success', durationMs: 1000 * n });
    const { durations } = await reports.read(kAll);
    expect(durations).toEqual({ success: { p50Ms: 51_000, p95Ms: 96_000 } });
  });

  it('add up whatever happened: entered is successful, unsuccessful and active', async () => {
    const anySession = fc.record({
      outcome: fc.constantFrom(...kOutcomes),
      state: fc.constantFrom<AttemptState | null>(
        null,
        'APPROVED',
        'DECLINED',
        'REVERSED',
        'UNKNOWN',
        'MANUAL',
      ),
      minute: fc.integer({ min: 0, max: 500_000 }),
      callerPresent: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anySession, { minLength: 1, maxLength: 30 }), async (sessions) => {
        const before = await total();
        for (const { outcome, state, minute, callerPresent } of sessions) {
          const startedAt = new Date(kAll.fromMs + 60_000 * minute).toISOString();
          add({ outcome, callerPresent, startedAt }, state === null ? [] : [state]);
        }
        const { entered, successful, unsuccessful, active } = await total();
        expect(entered).toBe(before.entered + sessions.length);
        expect(successful + unsuccessful + active).toBe(entered);
      }),
      { numRuns: 30 },
    );
  });

  it('of each merchant and topology add up to the whole', async () => {
    add({ merchantId: 'shop', outcome: 'success' });
    add({ merchantId: null, outcome: 'declined', topology: 'conference' });
    add({ merchantId: 'shop', outcome: null, topology: 'conference' });
    const parts = async (split: 'merchant' | 'topology') => {
      const { parts = [] } = await reports.read({ ...kAll, split });
      return Object.fromEntries(
        parts.map(({ part, quarterHours }) => [part, figuresOf(part, quarterHours).entered]),
      );
    };
    expect(await parts('merchant')).toEqual({ '': 1, shop: 2 });
    expect(await parts('topology')).toEqual({ ivr: 1, conference: 2 });
    expect((await reports.read(kAll)).parts).toBeUndefined();
  });

  it('have what the clamp did, the worst residual of all', async () => {
    const media = (clampWorstResidualDbm0: number) => ({
      ...{ mos: 4.3, clampTonePresses: 16, clampEventPresses: 0, clampOtherPresses: 1, clampGuardEvents: 2 },
      ...{ clampArmedMs: 60_000, clampClampedMs: 1500.5, clampMissingMs: 0, clampWorstResidualDbm0 },
    });
    add({ outcome: 'success', media: media(-99) });
    add({ outcome: 'success', media: media(-61) });
    add({ outcome: 'success', media: { mos: 4.3 } });
    expect((await reports.read(kAll)).clamp).toEqual({
      ...{ sessions: 2, tonePresses: 32, eventPresses: 0, otherPresses: 2, guardEvents: 4 },
      ...{ armedMs: 120_000, clampedMs: 3001, missingMs: 0, worstResidualDbm0: -61 },
    });
  });

  it('tell where callers give up, how long each step takes and what they enter wrong', async () => {
    const at = (second: number) => new Date(kAll.fromMs + 1000 * second).toISOString();
    const walk = (changes: Partial<SessionRecord>, stages: readonly [string, number][], end: number) => {
      add(changes);
      const sessionId = `S${count}`;
      for (const [stage, second] of stages)
        store.append({ sessionId, at: at(second), type: 'stage', detail: { stage } });
      store.append({ sessionId, at: at(end), type: 'ended', detail: { result: 'X' } });
      return sessionId;
    };
    walk(
      { outcome: 'success', stageReached: 'RETURN' },
      [
        ['GREETING', 0],
        ['PAN_ENTRY', 4],
        ['CVV_ENTRY', 24],
      ],
      30,
    );
    const lost = walk(
      { outcome: 'abandoned', stageReached: 'PAN_ENTRY' },
      [
        ['GREETING', 0],
        ['PAN_ENTRY', 6],
        ['GREETING', 7],
        ['PAN_ENTRY', 8],
      ],
      17,
    );
    const wrong = { field: 'pan', error: 'invalid' };
    for (let n = 0; n < 2; n++)
      store.append({ sessionId: lost, at: at(9), type: 'field_error', detail: wrong });
    walk({ outcome: 'success', topology: 'inline', stageReached: 'RETURN' }, [['SUMMARY', 0]], 9);
    expect(await reports.journeys({ ...kAll, topology: 'ivr' })).toEqual({
      steps: [
        { stage: 'GREETING', sessions: 2, visits: 3, lost: 0, averageMs: 3667, p50Ms: 4000, p95Ms: 6000 },
        {
          stage: 'PAN_ENTRY',
          sessions: 2,
          visits: 3,
          lost: 1,
          averageMs: 10_000,
          p50Ms: 9000,
          p95Ms: 20_000,
        },
        { stage: 'CVV_ENTRY', sessions: 1, visits: 1, lost: 0, averageMs: 6000, p50Ms: 6000, p95Ms: 6000 },
      ],
      errors: [{ ...wrong, count: 2, sessions: 1 }],
    });
  });

  it('that fail say so, and the next one is read', async () => {
    const broken = new ReportThread({ file: join(directory, 'nothing.sqlite'), auditKeyFile: '' });
    await expect(broken.read(kAll)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await broken.close();
    expect(await total()).toMatchObject({ entered: 0 });
  });
});
