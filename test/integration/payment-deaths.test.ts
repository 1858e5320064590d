import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kAdapters } from '../support/gateway-adapters.ts';
import { MortalBench } from '../support/mortal-bench.ts';

const kDeaths = 8; // spread over all turns; the long test dies at each of them
const kPan = '4242424242424242';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-deaths-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('charges once at most, and ends as it really was, wherever between entry and verdict the process is killed', async () => {
  const [rest] = kAdapters;
  if (!rest) throw new Error('no adapter');
  const bench = await MortalBench.open(rest, folder);
  const turns = await bench.measure(kPan);
  const states = new Set<string | null>();
  let deaths = 0;
  for (let death = 0; death < kDeaths; death++) {
    const atTurn = 1 + Math.floor((death * turns) / kDeaths);
    const { died, state } = await bench.run({ pan: kPan, fate: 'die', atTurn });
    deaths += Number(died);
    states.add(state);
  }
  await bench.close();
  expect(deaths).toBeGreaterThan(kDeaths / 2);
  expect([...states].join()).toMatch(/REVERSED|NOT_CHARGED/);
});
