import { expect, it } from 'vitest';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { SimulatorBank } from '../../../src/gateway/simulator-bank.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { gatewayContract } from './contract.ts';

gatewayContract('simulator', async () => {
  const clock = new FakeClock();
  const log = new FakeLog();
  const gateway = new SimulatorGateway(clock, log);
  return { gateway, bank: gateway.bank, clock, log, close: () => gateway.close() };
});

const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };

it('answers after the configured delay', async () => {
  const clock = new FakeClock();
  const gateway = new SimulatorGateway(
    clock,
    new FakeLog(),
    new SimulatorBank(clock, { answerDelayMs: 800 }),
  );
  const result = gateway.submit(requestOf(), cardOf({ pan: '4242424242424242' }), kContext);
  let answered = false;
  void result.then(() => {
    answered = true;
  });
  await clock.advance(799);
  expect(answered).toBe(false);
  await clock.advance(1);
  expect(await result).toMatchObject({ kind: 'approved' });
});

it('ends waiting submissions as unknown when it is closed, and leaves no timer behind', async () => {
  const clock = new FakeClock();
  const gateway = new SimulatorGateway(clock, new FakeLog());
  const results = ['4000000000000804', '4000000000000820'].map((pan, index) =>
    gateway.submit(
      requestOf({ paymentRef: `P${index}`, idempotencyKey: `K${index}` }),
      cardOf({ pan }),
      kContext,
    ),
  );
  await gateway.close();
  await gateway.close();
  for (const result of results) expect(await result).toMatchObject({ kind: 'unknown' });
  expect(clock.pending).toBe(0);
});
