/** A process of its own: `payment-child.ts FILE` submits a payment to a gateway that takes its time, and waits to be killed. */
import { JournaledPayments } from '../../src/payment/journaled-payments.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { openStore } from '../../src/store/store.ts';
import { FakeGateway } from './fake-gateway.ts';
import { FakeLog } from './fake-log.ts';
import { cardOf, requestOf } from './payment-request.ts';
import { sessionOf } from './records.ts';

const log = new FakeLog();
const store = openStore({ file: process.argv[2] ?? '', log });
const clock = kSystemClock;
const gateway = new FakeGateway(clock);
gateway.submits.push({ afterMs: 30_000 });
const policy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const payments = new JournaledPayments({ gateway, journal: store, clock, log, policy });
store.open(sessionOf());
await payments.submit('S1', requestOf(), cardOf({ pan: '4242424242424242' }), {
  onFlushed: () => console.log('flushed'),
  onUnknown: () => undefined,
});
