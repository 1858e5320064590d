import { describe, expect, it } from 'vitest';
import { CardSecret } from '../../../src/card/card-secret.ts';
import { type CollectEnd, Collector, type CollectSpec, type DigitSink } from '../../../src/dtmf/collector.ts';
import type { Key } from '../../../src/ports/media.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kSpec: CollectSpec = {
  minDigits: 3,
  maxDigits: 6,
  firstDigitMs: 8000,
  interDigitMs: 5000,
  soonMs: 3000,
  star: 'restart',
};

class Entry {
  readonly clock = new FakeClock();
  readonly card = new CardSecret();
  readonly ends: CollectEnd[] = [];
  readonly collector: Collector;
  points = 0;
  restarts = 0;

  constructor(changes: Partial<CollectSpec> = {}) {
    const { card } = this;
    const sink: DigitSink = {
      get length() {
        return card.length('pan');
      },
      append: (digit) => card.append('pan', digit),
      clear: () => {
        card.clear('pan');
        this.points = 0;
      },
      decimal: () => this.points++ === 0,
    };
    this.collector = new Collector({ ...kSpec, ...changes }, sink, this.clock, {
      onEnd: (end) => void this.ends.push(end),
      onRestart: () => void this.restarts++,
    });
  }

  press(keys: string): this {
    for (const key of keys) this.collector.press('0123456789*#ABCD'.indexOf(key) as Key);
    return this;
  }
}

describe('an entry ends', () => {
  it('with the terminator', () => {
    const entry = new Entry().press('1234#');
    expect(entry.ends).toEqual([{ kind: 'entered', by: 'terminator' }]);
    expect(entry.card.length('pan')).toBe(4);
  });

  it('as no input with the terminator alone', () => {
    expect(new Entry().press('#').ends).toEqual([{ kind: 'no_input', by: 'terminator' }]);
  });

  it('as too short with the terminator after too few digits', () => {
    expect(new Entry().press('12#').ends).toEqual([{ kind: 'too_short' }]);
  });

  it('by itself at the most digits, and takes no more', () => {
    const entry = new Entry().press('12345678');
    expect(entry.ends).toEqual([{ kind: 'entered', by: 'complete' }]);
    expect(entry.card.length('pan')).toBe(6);
  });

  it('by itself where the rule says it is whole', () => {
    const entry: Entry = new Entry({ completion: () => (entry.card.length('pan') === 4 ? 'now' : 'more') });
    expect(entry.press('1234').ends).toEqual([{ kind: 'entered', by: 'complete' }]);
  });

  it('sooner than the inter-digit time where it may be whole', async () => {
    const entry = new Entry({ completion: () => 'soon' }).press('1234');
    await entry.clock.advance(2999);
    expect(entry.ends).toEqual([]);
    await entry.clock.advance(1);
    expect(entry.ends).toEqual([{ kind: 'entered', by: 'timeout' }]);
  });

  it('never later because it may be whole', async () => {
    const entry = new Entry({ completion: () => 'soon', interDigitMs: 1000 }).press('1234');
    await entry.clock.advance(1000);
    expect(entry.ends).toHaveLength(1);
  });

  it('does not ask whether it is whole below the least digits', () => {
    expect(new Entry({ completion: () => 'now' }).press('12').ends).toEqual([]);
  });

  it('with the inter-digit time, which every digit starts again', async () => {
    const entry = new Entry().press('12');
    await entry.clock.advance(4999);
    entry.press('3');
    await entry.clock.advance(4999);
    expect(entry.ends).toEqual([]);
    await entry.clock.advance(1);
    expect(entry.ends).toEqual([{ kind: 'entered', by: 'timeout' }]);
  });

  it('as too short if the inter-digit time runs out early', async () => {
    const entry = new Entry().press('1');
    await entry.clock.advance(5000);
    expect(entry.ends).toEqual([{ kind: 'too_short' }]);
  });

  it('as no input when no digit comes after the prompt', async () => {
    const entry = new Entry();
    await entry.clock.advance(60_000);
    expect(entry.ends).toEqual([]);
    entry.collector.promptEnded();
    await entry.clock.advance(7999);
    expect(entry.ends).toEqual([]);
    await entry.clock.advance(1);
    expect(entry.ends).toEqual([{ kind: 'no_input', by: 'timeout' }]);
  });

  it('not by the first-digit time when digits came during the prompt', async () => {
    const entry = new Entry({ interDigitMs: 20_000 }).press('1');
    entry.collector.promptEnded();
    await entry.clock.advance(8000);
    expect(entry.ends).toEqual([]);
  });

  it('silently when it is cancelled', async () => {
    const entry = new Entry().press('123');
    entry.collector.cancel();
    entry.press('4#');
    await entry.clock.advance(60_000);
    expect(entry.ends).toEqual([]);
    expect(entry.clock.pending).toBe(0);
  });

  it('once', async () => {
    const entry = new Entry().press('1234##');
    entry.collector.promptEnded();
    await entry.clock.advance(60_000);
    expect(entry.ends).toHaveLength(1);
  });
});

describe('star', () => {
  it('clears the entry and starts it again', async () => {
    const entry = new Entry();
    entry.collector.promptEnded();
    entry.press('12*');
    expect([entry.restarts, entry.card.length('pan')]).toEqual([1, 0]);
    await entry.clock.advance(7999);
    expect(entry.ends).toEqual([]);
    await entry.clock.advance(1);
    expect(entry.ends).toEqual([{ kind: 'no_input', by: 'timeout' }]);
  });

  it('starts no wait for the first digit while the prompt still plays', async () => {
    const entry = new Entry().press('12*');
    await entry.clock.advance(60_000);
    expect(entry.ends).toEqual([]);
  });

  it('is the decimal point of an amount the first time, and clears it the second time', () => {
    const entry = new Entry({ star: 'decimal' }).press('12*');
    expect([entry.points, entry.restarts, entry.card.length('pan')]).toEqual([1, 0, 2]);
    entry.press('5*');
    expect([entry.points, entry.restarts, entry.card.length('pan')]).toEqual([0, 1, 0]);
  });
});

it('ignores the keys A to D', () => {
  const entry = new Entry().press('1A2B3CD#');
  expect(entry.card.length('pan')).toBe(3);
});
