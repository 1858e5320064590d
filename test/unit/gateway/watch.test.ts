import { expect, it } from 'vitest';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { GatewayWatch } from '../../../src/gateway/watch.ts';
import type { PaymentGateway } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

type Checked = Awaited<ReturnType<PaymentGateway['check']>>;

/** A gateway unplugged at will. */
function unpluggable(clock: FakeClock, log: FakeLog) {
  const simulator = new SimulatorGateway(clock, log);
  const plug = { in: true, checks: 0 };
  const check = async (): Promise<Checked> => {
    plug.checks++;
    return plug.in ? { ok: true } : { ok: false, reason: 'ECONNREFUSED' };
  };
  const gateway: PaymentGateway = {
    name: simulator.name,
    idempotency: simulator.idempotency,
    submit: (request, card, context) => simulator.submit(request, card, context),
    query: (ref) => simulator.query(ref),
    reverse: (ref) => simulator.reverse(ref),
    check,
    close: () => simulator.close(),
  };
  return { gateway, plug };
}

it('notices within 10 s that the gateway is gone, within 2 s that it is back, and says each once', async () => {
  const clock = new FakeClock();
  const log = new FakeLog();
  const { gateway, plug } = unpluggable(clock, log);
  let back = 0;
  const watch = new GatewayWatch(gateway, clock, log, () => back++);
  await watch.start();
  expect(watch.up).toBe(true);

  plug.in = false;
  await clock.advance(10_000);
  expect(watch.up).toBe(false);
  await clock.advance(10_000);
  expect(plug.checks).toBe(7);

  plug.in = true;
  await clock.advance(2_000);
  expect(watch.up).toBe(true);
  expect(back).toBe(1);
  expect(log.lines).toMatchObject([
    { level: 'error', fields: { gateway: 'simulator', reason: 'ECONNREFUSED' } },
    { level: 'info', fields: { gateway: 'simulator' } },
  ]);

  watch.stop();
  await clock.advance(60_000);
  expect(plug.checks).toBe(8);
  expect(clock.pending).toBe(0);
});
