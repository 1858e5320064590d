import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptState, SessionRecord } from '../../../src/ports/store.ts';
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
  reports = new ReportThread(file);
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

  it('keep to the range, the merchant and the topology asked for', async () => {
    add({ merchantId: 'shop', outcome: 'success' });
    add({ merchantId: null, outcome: 'success' });
    add({ merchantId: 'shop', outcome: 'success', startedAt: '2025-12-31T23:59:59.999Z' });
    expect(await total()).toMatchObject({ entered: 2 });
    expect(await total({ merchantId: 'shop' })).toMatchObject({ entered: 1 });
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

  it('that fail say so, and the next one is read', async () => {
    const broken = new ReportThread(join(directory, 'nothing.sqlite'));
    await expect(broken.read(kAll)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await broken.close();
    expect(await total()).toMatchObject({ entered: 0 });
  });
});
