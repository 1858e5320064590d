import { describe, expect, it } from 'vitest';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import { loadCatalog } from '../../../src/prompt/catalog.ts';
import { RecordedPrompts } from '../../../src/prompt/prompts.ts';
import { cardTable } from '../../support/card-table.ts';
import { kVisa, Rig } from '../../support/dialog.ts';
import { FakeStore } from '../../support/fake-store.ts';

// A conversation with the real payments, the simulated bank and the real recordings: only wire, packets and time are fakes.
const kCatalog = loadCatalog('audio', ['en-US']);

async function payWith(pan: string) {
  const missing: string[] = [];
  const store = new FakeStore();
  const rig = new Rig({
    partsOf: ({ clock, log }) => ({
      payments: new JournaledPayments({
        gateway: new SimulatorGateway(clock, log),
        journal: store,
        clock,
        log,
        policy: { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' },
      }),
      prompts: new RecordedPrompts(kCatalog, log, (_locale, fragment) => void missing.push(fragment)),
    }),
  });
  await rig.start();
  await rig.payWith(pan);
  for (let second = 0; second < 90 && rig.stage !== 'RETRY_MENU' && !rig.end; second++) await rig.wait(1000);
  if (rig.stage === 'RETRY_MENU') await rig.press('2');
  await rig.wait(20_000);
  return { rig, states: store.attempts('session-1').map(({ state }) => state), missing };
}

describe('a card of the simulated bank', () => {
  it.each(
    cardTable([
      [kVisa, 'APPROVED', 'APPROVED'],
      ['4000000000000820', 'APPROVED', 'APPROVED'], // after six seconds
      ['4000000000000002', 'DECLINED_LEFT', 'DECLINED'],
      ['4000000000000069', 'DECLINED_LEFT', 'DECLINED'],
      ['4000000000009987', 'DECLINED_LEFT', 'DECLINED'],
      ['4000000000000119', 'GATEWAY_UNAVAILABLE', 'NOT_SENT'],
      ['4000000000000804', 'APPROVED', 'APPROVED'], // no answer, found by looking it up
      ['4000000000000838', 'APPROVED', 'APPROVED'], // connection reset, found by the replay
      ['4000000000000812', 'UNKNOWN', 'UNKNOWN'], // no answer, and looking it up finds nothing
      ['4000000000000846', 'UNKNOWN', 'UNKNOWN'], // garbage each time it is asked
    ]),
  )('%s ends as %s', async (_title, result, state, pan) => {
    const { rig, states, missing } = await payWith(pan);
    expect(rig.end).toMatchObject({ result, attempts: 1 });
    expect(states).toEqual([state]);
    expect(rig.card.wiped).toBe(true);
    expect(missing).toEqual([]);
    expect(rig.log.text).not.toContain(pan);
  });
});
