import { describe, expect, it } from 'vitest';
import { FaultBench, troubles } from '../support/fault-matrix.ts';
import { kAdapters } from '../support/gateway-adapters.ts';

const kRuns = 25; // for each adapter, without TLS and with it: 600 in all
const kSeed = 20_261_122;

describe.each(kAdapters)('$name on a line that cuts, holds back, repeats and corrupts bytes', (adapter) => {
  it.each([
    ['without TLS', false],
    ['with TLS', true],
  ])('%s: at most one charge, and every payment ends as it really was', async (_title, secure) => {
    const bench = await FaultBench.open(adapter, secure);
    const next = troubles(kSeed, await bench.measure(), secure);
    const states = new Set<string>();
    for (let run = 0; run < kRuns; run++) {
      const trouble = next();
      const outcome = await bench.run(trouble).catch((error: unknown) => {
        throw new Error(`run ${run}: ${JSON.stringify(trouble)}`, { cause: error });
      });
      for (const state of outcome.states) states.add(state);
    }
    await bench.close();
    expect(states.size, [...states].join()).toBeGreaterThan(1); // the troubles were some
  });
});
