import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kAdapters } from '../../support/gateway-adapters.ts';
import { canMount, MortalBench } from '../../support/mortal-bench.ts';
import type { Errand } from '../../support/mortal-payment.ts';

/** How the bank answers: yes, no, nothing though it charged, something unreadable though it charged. */
const kPans = ['4242424242424242', '4000000000009995', '4000000000000838', '4000000000000846'];
/** Titles are printed, and no printed line has a whole number. */
const kCards = kPans.map((pan) => [pan.slice(-4), pan] as const);
const kOneRequest = ['rest', 'xml'];
const kThreeRequests = ['stripe'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-faults-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** One process for each turn of the payment. @returns the final states. */
async function atEveryTurn(name: string, pan: string, fate: Errand['fate']): Promise<Map<string, number>> {
  const adapter = kAdapters.find((each) => each.name === name);
  if (!adapter) throw new Error(`no adapter ${name}`);
  const bench = await MortalBench.open(adapter, folder, fate === 'fill the disk');
  const turns = await bench.measure(pan);
  const states = new Map<string, number>();
  let refused = 0;
  for (let atTurn = 0; atTurn <= turns; atTurn++) {
    const { state, refusedWrites } = await bench.run({ pan, fate, atTurn }).catch((error: unknown) => {
      throw new Error(`${name}, ${pan}, ${fate} at turn ${atTurn} of ${turns}`, { cause: error });
    });
    refused += refusedWrites;
    const ended = state ?? 'nothing was sent';
    states.set(ended, (states.get(ended) ?? 0) + 1);
  }
  await bench.close();
  console.log(name, pan.slice(-4), fate, turns, 'processes', Object.fromEntries(states));
  if (fate === 'fill the disk') expect(refused).toBeGreaterThan(turns / 2);
  return states;
}

describe.each([...kOneRequest, ...kThreeRequests])('%s', (name) => {
  it.each(kCards)('charges once at most, killed at every turn of a payment with …%s', async (_last4, pan) => {
    const states = await atEveryTurn(name, pan, 'die');
    expect(states.size).toBeGreaterThan(1);
  });
});

const title = 'charges once at most and tells the truth, the disk full from every turn of a payment with …%s';
describe.skipIf(!canMount())('on a small disk (needs user namespaces)', () => {
  it.each(kCards)(title, async (_last4, pan) => {
    const states = await atEveryTurn('rest', pan, 'fill the disk');
    expect(states.size).toBeGreaterThan(1);
  });
});
