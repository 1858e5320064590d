import { expect, test } from 'vitest';
import { type SrvRecord, weightedOrder } from '../../../../src/edge/resolve/weighted-order.ts';

function record(name: string, priority: number, weight: number): SrvRecord {
  return { name, port: 5060, priority, weight };
}

/** Reproducible numbers in [0, 1). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('lower priority numbers come first, whatever their weight', () => {
  const records = [record('c', 30, 100), record('a', 10, 0), record('b', 20, 100)];
  expect(weightedOrder(records, numbers(1)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('among equals the first is drawn by weight, and none is lost', () => {
  const records = [record('light', 10, 10), record('heavy', 10, 30), record('none', 10, 0)];
  const random = numbers(7);
  const firsts = new Map<string, number>();
  const kDraws = 20_000;
  for (let draw = 0; draw < kDraws; draw++) {
    const order = weightedOrder(records, random).map(({ name }) => name);
    expect([...order].sort()).toEqual(['heavy', 'light', 'none']);
    firsts.set(order[0] ?? '', (firsts.get(order[0] ?? '') ?? 0) + 1);
  }
  // RFC 2782 draws from 0 to the sum: 41 numbers, of which 0 is the one without weight
  expect((firsts.get('heavy') ?? 0) / kDraws).toBeCloseTo(30 / 41, 1);
  expect((firsts.get('light') ?? 0) / kDraws).toBeCloseTo(10 / 41, 1);
  expect((firsts.get('none') ?? 0) / kDraws).toBeCloseTo(1 / 41, 1);
});
