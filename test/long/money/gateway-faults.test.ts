import { describe, expect, it } from 'vitest';
import { FaultBench, kNoTrouble, type Outcome, type Trouble, troubles } from '../../support/fault-matrix.ts';
import { kAdapters } from '../../support/gateway-adapters.ts';

const kRandomRuns = 150; // for each adapter, without TLS and with it
const kSeed = 7_2026;

describe.each(kAdapters)('$name', (adapter) => {
  it('charges once at most, whatever byte a connection is cut at', async () => {
    const bench = await FaultBench.open(adapter, false);
    const whole = await bench.measure();
    const states = new Map<string, number>();
    let runs = 0;
    for (const direction of ['up', 'down'] as const) {
      for (let atByte = 0; atByte <= whole[direction]; atByte++) {
        const fault = { kind: 'cut', direction, atByte, times: 1 } as const;
        count(states, await played(bench, { ...kNoTrouble, fault }));
        runs++;
      }
    }
    await bench.close();
    console.log(adapter.name, runs, 'cuts', Object.fromEntries(states));
    expect(runs).toBeGreaterThan(300);
  });

  it.each([
    ['without TLS', false],
    ['with TLS', true],
  ])('%s: charges once at most under any trouble', async (_title, secure) => {
    const bench = await FaultBench.open(adapter, secure);
    const next = troubles(kSeed, await bench.measure(), secure);
    const states = new Map<string, number>();
    for (let run = 0; run < kRandomRuns; run++) count(states, await played(bench, next()));
    await bench.close();
    console.log(adapter.name, secure ? 'TLS' : 'plain', kRandomRuns, 'troubles', Object.fromEntries(states));
  });
});

async function played(bench: FaultBench, trouble: Trouble): Promise<Outcome> {
  return bench.run(trouble).catch((error: unknown) => {
    throw new Error(JSON.stringify(trouble), { cause: error });
  });
}

/** What the payment ended as: the last of its attempts says it. */
function count(states: Map<string, number>, outcome: Outcome): void {
  const state = outcome.states.at(-1) ?? 'nothing was sent';
  states.set(state, (states.get(state) ?? 0) + 1);
}
