import { expect, it } from 'vitest';
import { type GatewayRequestFigures, MeasuredGateway } from '../../../src/gateway/measured.ts';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

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
