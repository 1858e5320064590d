import { expect, it } from 'vitest';
import { followFigures } from '../../../src/telemetry/figures.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { FakeClock } from '../../support/fake-clock.ts';

it('follows what the adapters count until it is ended', async () => {
  const clock = new FakeClock();
  const metrics = createMetrics();
  let open = 1;
  const end = followFigures(
    metrics,
    {
      gateways: () => [{ name: 'rest', isUp: false }],
      open: () => [
        { gateway: 'rest', attempts: open, changes: 1 },
        { gateway: 'retired', attempts: 1, changes: open - 1 },
      ],
      strandedOf: (all) => (open === 5 ? [] : all.slice(1)),
      countOutbox: () => 4 * open,
      children: () => [{ name: 'sip-edge', up: true, restarts: 2 }],
      workers: () => [],
      edge: () => undefined,
      registrations: () => [{ trunk: 'carrier', registered: true }],
    },
    clock,
  );
  expect(await metrics.text()).toContain('payment_unknown_outcomes_open 3');
  open = 3;
  await clock.advance(1_000);
  const text = await metrics.text();
  for (const line of [
    'payment_gateway_up{gateway="rest"} 0',
    'payment_unknown_outcomes_open 7',
    'payment_unknown_outcomes_stranded{gateway="retired"} 3',
    'payment_outbox_pending 12',
    'child_process_up{child="sip-edge"} 1',
    'child_process_restarts_total{child="sip-edge"} 2',
    'sip_trunk_registered{trunk="carrier"} 1',
  ]) {
    expect(text).toContain(line);
  }
  open = 5;
  await clock.advance(1_000);
  expect(await metrics.text()).not.toContain('retired');
  end();
  expect(clock.pending).toBe(0);
});
