import { expect, it } from 'vitest';
import { BreakingGateway } from '../../../src/gateway/breaking.ts';
import { type GatewayRequestFigures, MeasuredGateway } from '../../../src/gateway/measured.ts';
import { ReloadingGateway } from '../../../src/gateway/reloading.ts';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import type { PaymentGateway } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

it('is asked through every layer how long keys of changes are known', () => {
  const clock = new FakeClock();
  const log = new FakeLog();
  const inner: PaymentGateway = new FakeGateway(clock);
  Object.defineProperty(inner, 'changeKeysKnownForMs', { value: 1234 });
  const reloading = new ReloadingGateway({ name: 'fake', make: () => inner, clock, log });
  const breaking = new BreakingGateway(reloading, { failures: 3, openMs: 30_000 }, clock, log);
  expect(new MeasuredGateway(breaking, clock, () => {}).changeKeysKnownForMs).toBe(1234);
  const own = (name: string) => kAdapters.find((each) => each.name === name)?.dialect(clock, 'host');
  const hours = ['rest', 'xml', 'adyen', 'rest, mapped', 'stripe'].map(
    (name) => (own(name)?.changeKeysKnownForMs ?? 0) / 3_600_000,
  );
  expect(hours).toEqual([48, 48, 168, 24, 0]);
});

it('times every request by what it was and what came of it, and passes the answer on', async () => {
  const clock = new FakeClock();
  const seen: GatewayRequestFigures[] = [];
  const gateway = new MeasuredGateway(new SimulatorGateway(clock, new FakeLog()), clock, (figures) =>
    seen.push(figures),
  );
  const request = requestOf();
  const answer = gateway.submit(request, cardOf({ pan: '4000000000000820' }), {
    deadlineMs: 30_000,
    onFlushed: () => {},
  });
  await clock.advance(6_000);
  expect(await answer).toMatchObject({ kind: 'approved' });
  const looked = gateway.query(request);
  await clock.advance(0);
  expect(await looked).toMatchObject({ kind: 'approved' });
  const reversed = gateway.reverse(request);
  await clock.advance(0);
  expect(await reversed).toBe('reversed');
  expect(seen).toEqual([
    { gateway: 'simulator', op: 'submit', outcome: 'approved', durationMs: 6_000 },
    { gateway: 'simulator', op: 'query', outcome: 'approved', durationMs: 0 },
    { gateway: 'simulator', op: 'reverse', outcome: 'reversed', durationMs: 0 },
  ]);
});
