import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kAdapters } from '../support/gateway-adapters.ts';
import { type Fate, MortalBench } from '../support/mortal-bench.ts';
import type { Errand } from '../support/mortal-payment.ts';

const kDeaths = 8; // spread over all turns; the long test dies at each of them
const kPan = '4242424242424242';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-deaths-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** @returns what became of each. */
async function killed(work: Errand['work'], count: number): Promise<readonly Fate[]> {
  const [rest] = kAdapters;
  if (!rest) throw new Error('no adapter');
  const bench = await MortalBench.open(rest, folder);
  const turns = await bench.measure(kPan, work);
  const fates: Fate[] = [];
  for (let death = 0; death < count; death++) {
    const atTurn = 1 + Math.floor((death * turns) / count);
    fates.push(await bench.run({ work, pan: kPan, fate: 'die', atTurn }));
  }
  await bench.close();
  expect(fates.filter(({ died }) => died).length).toBeGreaterThan(count / 2);
  return fates;
}

it('charges once at most, and ends as it really was, wherever between entry and verdict the process is killed', async () => {
  const fates = await killed('sale', kDeaths);
  expect(fates.map(({ state }) => state).join()).toMatch(/REVERSED|NOT_CHARGED/);
});

it('refunds once at most, and ends as it really was, wherever between request and answer the process is killed', async () => {
  const fates = await killed('refund', kDeaths / 2);
  expect(fates.map(({ state }) => state)).toContain('DONE');
});
