import { beforeEach, expect, it } from 'vitest';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import { cardTable } from '../../support/card-table.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const kProgress = { onFlushed: () => undefined, onUnknown: () => undefined };

let clock: FakeClock;
let store: FakeStore;
let payments: JournaledPayments;

beforeEach(() => {
  clock = new FakeClock();
  store = new FakeStore();
  const log = new FakeLog();
  const gateway = new SimulatorGateway(clock, log);
  payments = new JournaledPayments({ gateway, journal: store, clock, log, policy: kPolicy });
});

it.each(
  cardTable([
    ['4242424242424242', 'approved', 'APPROVED', 'APPROVED'],
    ['4000000000009995', 'declined', 'DECLINED', 'DECLINED'],
    ['4000000000000119', 'unavailable', 'NOT_SENT', 'NOT_SENT'],
    ['4000000000000804', 'approved', 'APPROVED', 'APPROVED'],
    ['4000000000000812', 'unresolved', 'UNKNOWN', 'NOT_CHARGED'],
    ['4000000000000820', 'approved', 'APPROVED', 'APPROVED'],
    ['4000000000000838', 'approved', 'APPROVED', 'APPROVED'],
  ]),
)(
  'pays with %s at the simulator: %s, row %s, %s two minutes later',
  async (_title, kind, row, later, pan) => {
    const verdict = payments.submit('S1', requestOf(), cardOf({ pan }), kProgress);
    await clock.advance(60_000);
    expect((await verdict).kind).toBe(kind);
    expect(store.attempts('S1').map(({ state }) => state)).toEqual([row]);
    await clock.advance(120_000);
    expect(store.attempts('S1').map(({ state }) => state)).toEqual([later]);
  },
);
