import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type FollowUpKind, kFollowUpKinds } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { kAdapters } from '../../support/gateway-adapters.ts';
import { canMount, MortalBench } from '../../support/mortal-bench.ts';
import type { Errand } from '../../support/mortal-payment.ts';

/** How the bank answers: yes, no, nothing though it charged, something unreadable though it charged. */
const kPans = ['4242424242424242', '4000000000009995', '4000000000000838', '4000000000000846'] as const;
const [kYes, , kUnheard] = kPans;
/** All answers where they are told in the fewest requests, in the most, and in XML; elsewhere the two that leave a charge. */
const kEveryAnswer = ['rest', 'xml', 'stripe'];
const kDeaths = kAdapters.flatMap(({ name }) =>
  (kEveryAnswer.includes(name) ? kPans : [kYes, kUnheard]).map((pan) => ({
    name,
    pan,
    last4: pan.slice(-4),
  })),
);
const kChanges = kAdapters.flatMap((adapter) => {
  const { operations } = adapter.dialect(new FakeClock(), 'host');
  const kinds = kFollowUpKinds.filter((kind) => operations.includes(kind));
  return kinds.map((kind) => ({ name: adapter.name, kind })).filter((each) => !isOfAnotherAccount(each));
});

/** A Worldpay account holds what it approves, or it does not: this one does not, and whatever is captured is only said to be received. */
function isOfAnotherAccount({ name, kind }: { readonly name: string; readonly kind: FollowUpKind }): boolean {
  return name === 'worldpay' && kind === 'capture';
}

/** A process that dies waits more than it works. */
vi.setConfig({ maxConcurrency: 4 });

/** One process for each turn of the work. @returns the final states. */
async function atEveryTurn(
  name: string,
  { work, pan, fate }: Pick<Errand, 'work' | 'pan' | 'fate'>,
): Promise<Map<string, number>> {
  const adapter = kAdapters.find((each) => each.name === name);
  if (!adapter) throw new Error(`no adapter ${name}`);
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-faults-'));
  const bench = await MortalBench.open(adapter, folder, fate === 'fill the disk');
  const turns = await bench.measure(pan, work);
  const states = new Map<string, number>();
  let [refused, died] = [0, 0];
  for (let atTurn = 0; atTurn <= turns; atTurn++) {
    const end = await bench.run({ work, pan, fate, atTurn }).catch((error: unknown) => {
      throw new Error(`${name}, ${work}, …${pan.slice(-4)}, ${fate} at turn ${atTurn} of ${turns}`, {
        cause: error,
      });
    });
    refused += end.refusedWrites;
    died += Number(end.died);
    const ended = end.state ?? 'nothing was sent';
    states.set(ended, (states.get(ended) ?? 0) + 1);
  }
  await bench.close();
  rmSync(folder, { recursive: true });
  console.log(name, work, pan.slice(-4), fate, turns + 1, 'processes', Object.fromEntries(states));
  if (fate === 'fill the disk') expect(refused).toBeGreaterThan(turns / 2);
  else expect(died).toBeGreaterThan(turns / 2);
  return states;
}

it.concurrent.each(kDeaths)(
  '$name charges once at most, killed at every turn of a payment with …$last4',
  async ({ name, pan }) => {
    const states = await atEveryTurn(name, { work: 'sale', pan, fate: 'die' });
    expect(states.size).toBeGreaterThan(1);
  },
);

it.concurrent.each(kChanges)(
  '$name makes a $kind once at most and says what it was, killed at every turn of it',
  async ({ name, kind }) => {
    const states = await atEveryTurn(name, { work: kind, pan: kYes, fate: 'die' });
    expect(states.size).toBeGreaterThan(1);
  },
);

const title =
  'charges once at most and tells the truth, the disk full from every turn of a payment with …$last4';
describe.skipIf(!canMount())('on a small disk (needs user namespaces)', () => {
  it.concurrent.each(kDeaths.filter(({ name }) => name === 'rest'))(title, async ({ name, pan }) => {
    const states = await atEveryTurn(name, { work: 'sale', pan, fate: 'fill the disk' });
    expect(states.size).toBeGreaterThan(1);
  });

  it.concurrent.each(['rest', 'nmi'])(
    'refunds once at most, the disk full from every turn of a refund by %s',
    async (name) => {
      await atEveryTurn(name, { work: 'refund', pan: kYes, fate: 'fill the disk' });
    },
  );
});
