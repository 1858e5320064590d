import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kFoundAt = '2026-11-21T13:00:00.000Z';

let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-orphans-'));
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log: new FakeLog() });
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

describe('sessions of a process that died', () => {
  it.each([
    ['nothing was sent', [], 'SYSTEM_ERROR', 'failed', null],
    ['the last attempt was declined', ['DECLINED'], 'SYSTEM_ERROR', 'failed', null],
    ['the last attempt was approved', ['DECLINED', 'APPROVED'], 'APPROVED', 'success', 1050],
    ['an attempt is open', ['SUBMITTING'], 'UNKNOWN', 'unknown', null],
    ['an attempt is unknown', ['DECLINED', 'UNKNOWN'], 'UNKNOWN', 'unknown', null],
  ] as const)('end when %s, with what the last attempt says', (_name, states, result, outcome, charged) => {
    store.open(sessionOf());
    for (const [index, state] of states.entries()) {
      const attempt = index + 1;
      store.begin(attemptOf({ attempt, idempotencyKey: `K${attempt}`, state, transactionId: `T${attempt}` }));
    }
    expect(store.endOrphans(kFoundAt)).toBe(1);
    expect(store.eventsAfter(0, 10)).toMatchObject([
      { sessionId: 'S1', type: 'ended', at: kFoundAt, detail: { result } },
    ]);
    expect(store.find('S1')).toMatchObject({
      result,
      outcome,
      amountCharged: charged,
      transactionId: charged === null ? null : `T${states.length}`,
      attempts: states.length,
      last4: states.length === 0 ? null : '4242',
      callerPresent: false,
      endedAt: kFoundAt,
    });
    expect(store.endOrphans(kFoundAt)).toBe(0);
  });

  it.each([
    [{ approvedMinor: 600 }, 'APPROVED', 600],
    [{ operation: 'authorize' }, 'APPROVED', 1050],
    [{ operation: 'verify' }, 'VERIFIED', null],
    [{ operation: 'tokenize' }, 'TOKENIZED', null],
  ] as const)('say what was approved, and how much of it: %j', (changes, result, amountCharged) => {
    store.open(sessionOf());
    store.begin(attemptOf({ state: 'APPROVED', transactionId: 'T1', ...changes }));
    store.endOrphans(kFoundAt);
    expect(store.find('S1')).toMatchObject({ result, outcome: 'success', amountCharged });
  });

  it('are left alone when they had ended', () => {
    const ended = sessionOf({
      result: 'MAX_INPUT',
      outcome: 'abandoned',
      endedAt: '2026-11-21T12:05:00.000Z',
    });
    store.open(ended);
    expect(store.endOrphans(kFoundAt)).toBe(0);
    expect(store.find('S1')).toEqual(ended);
  });

  it('are left alone while the process that has them lives', () => {
    store.unresolved(); // takes the right to resolve
    store.open(sessionOf());
    const other = openStore({ file: join(directory, 'hushpay.sqlite'), log: new FakeLog() });
    expect(other.endOrphans(kFoundAt)).toBe(0);
    other.close();
    expect(store.find('S1')?.result).toBeNull();
  });
});
