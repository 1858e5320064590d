import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { strandedState } from '../../../src/main/open-payments.ts';
import { PaymentLanes } from '../../../src/main/payment-lanes.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kHourMs = 3_600_000;
/** One of the common gateway, one of the merchant's own, and two that nobody has any more. */
const kGateways = ['simulator', 'simulator:shoes', 'retired', 'rest:gloves'];

let directory: string;
let store: Store;
let clock: FakeClock;
let log: FakeLog;
let lanes: PaymentLanes;
let told: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-lanes-'));
  clock = new FakeClock();
  log = new FakeLog();
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log, sync: (_fd, done) => done(null) });
  for (const gateway of kGateways) await leaveOpen(gateway);
  const merchants = [{ id: 'shoes', gateway: { type: 'simulator' } }, { id: 'hats' }];
  const { config } = loadConfig({ HUSHPAY_CONFIG: '', HUSHPAY_MERCHANTS: JSON.stringify(merchants) });
  told = [];
  lanes = new PaymentLanes(config, {
    ...{ journal: store, ledger: store, clock, log },
    onResolved: (_name, { attempt, state }) => void told.push(`${attempt.sessionId} ${state}`),
    onChanged: ({ sessionId, kind, state }) => void told.push(`${sessionId} ${kind} ${state}`),
  });
});

afterEach(async () => {
  await lanes.stop();
  store.close();
  rmSync(directory, { recursive: true });
});

/** A payment that is unknown, and one with a refund that is; named after their gateway. */
async function leaveOpen(gateway: string): Promise<void> {
  const sentAt = new Date(clock.date().getTime() - 23 * kHourMs).toISOString();
  const row = (name: string) => ({
    sessionId: name,
    paymentRef: name,
    idempotencyKey: `${name}01`,
    gateway,
    sentAt,
  });
  const [lost, paid] = [row(`${gateway} lost`), row(`${gateway} paid`)];
  for (const { sessionId, paymentRef } of [lost, paid])
    store.open(sessionOf({ sessionId, paymentRef, gateway }));
  await store.begin(attemptOf({ ...lost, state: 'UNKNOWN' }));
  await store.begin(attemptOf({ ...paid, state: 'APPROVED', transactionId: 'T1' }));
  const { sessionId, paymentRef } = paid;
  await store.followUps.begin(paymentRef, () => ({
    record: {
      ...{ key: `${paymentRef}01F1`, requestKey: `key of ${paymentRef}`, sessionId, attempt: 1, paymentRef },
      ...{ kind: 'refund', state: 'UNKNOWN', amount: attemptOf().amount, gateway, transactionId: null },
      ...{ reason: null, actor: 'test', note: 'test', sentAt, doneAt: null },
    },
  }));
}

const foreignTo = (name: string) =>
  log.lines.filter(({ message, fields }) => message.includes('not configured') && fields['gateway'] === name);

describe('what went by a gateway that is not configured any more', () => {
  it('is named for gauges and readiness', () => {
    const stranded = lanes.strandedOf(store.countOpen());
    expect(stranded).toEqual([
      { gateway: 'rest:gloves', attempts: 1, changes: 1 },
      { gateway: 'retired', attempts: 1, changes: 1 },
    ]);
    expect(strandedState(stranded)).toEqual({
      ok: true,
      detail:
        '4 open payments or changes went by a gateway that is not configured any more: hushpay payments list --open',
    });
    expect(strandedState([])).toEqual({ ok: true });
  });

  it('is told of once by the common lane, and a person’s when its day is over; what has a lane ends by it', async () => {
    lanes.takeOver();
    await clock.advance(10 * 60_000);
    expect(lanes.strandedOf(store.countOpen())).toHaveLength(2);
    expect(store.countOpen()).toHaveLength(2);
    await clock.advance(kHourMs);
    expect(store.countOpen()).toEqual([]);
    expect(['retired', 'rest:gloves'].map((name) => foreignTo(name).length)).toEqual([2, 2]);
    expect(['simulator', 'simulator:shoes'].flatMap(foreignTo)).toEqual([]);
    // The simulated bank of a new process knows of nothing: a refund that is refused was never made.
    expect(told.sort()).toEqual([
      'rest:gloves lost MANUAL',
      'rest:gloves paid refund MANUAL',
      'retired lost MANUAL',
      'retired paid refund MANUAL',
      'simulator lost NOT_CHARGED',
      'simulator paid refund REFUSED',
      'simulator:shoes lost NOT_CHARGED',
      'simulator:shoes paid refund REFUSED',
    ]);
  });

  it('is changed no further, and says why', async () => {
    const asked = {
      kind: 'refund',
      amount: null,
      requestKey: 'another key',
      actor: 'test',
      note: 'test',
    } as const;
    await store.followUps.settle('retired paid01F1', {
      ...{ state: 'NOT_DONE', transactionId: null, reason: null, doneAt: clock.date().toISOString() },
    });
    expect(await lanes.followUp({ ...asked, paymentRef: 'retired paid' })).toEqual({
      kind: 'not_possible',
      reason: 'it belongs to gateway retired, which is not the one in use',
    });
  });
});
