import { describe, expect, it, vi } from 'vitest';
import { CardSecret, type SecretField } from '../../../src/card/card-secret.ts';
import type { CollectEnd, CollectSpec, DigitSink } from '../../../src/dtmf/collector.ts';
import { Keypad } from '../../../src/dtmf/keypad.ts';
import { KeyMerge } from '../../../src/dtmf/merge.ts';
import { TypeAhead } from '../../../src/dtmf/type-ahead.ts';
import type { Carrier, Key } from '../../../src/ports/media.ts';
import { FakeClock } from '../../support/fake-clock.ts';

class Line {
  readonly clock = new FakeClock();
  readonly card = new CardSecret();
  readonly ends: CollectEnd[] = [];
  presses = 0;
  doubleStars = 0;
  strays = 0;
  readonly keypad = new Keypad(this.clock, 1200, {
    onPress: () => void this.presses++,
    onStray: () => void this.strays++,
    onDoubleStar: () => void this.doubleStars++,
  });

  collect(field: SecretField, maxDigits: number, changes: Partial<CollectSpec> = {}): this {
    const { card } = this;
    const sink: DigitSink = {
      get length() {
        return card.length(field);
      },
      append: (digit) => card.append(field, digit),
      clear: () => card.clear(field),
    };
    const spec: CollectSpec = {
      minDigits: 1,
      maxDigits,
      firstDigitMs: 8000,
      interDigitMs: 5000,
      soonMs: 3000,
      star: 'restart',
      ...changes,
    };
    this.keypad.collect(spec, sink, this.clock, {
      onEnd: (end) => void this.ends.push(end),
      onRestart: () => undefined,
    });
    return this;
  }

  press(keys: string, carrier: Carrier = 'event', onsetMs = this.clock.now()): this {
    for (const key of keys) this.keypad.report({ key: '0123456789*#'.indexOf(key) as Key, carrier, onsetMs });
    return this;
  }

  async pressSlowly(keys: string, gapMs: number): Promise<this> {
    for (const key of keys) {
      this.press(key);
      await this.clock.advance(gapMs);
    }
    return this;
  }
}

it('leaves no key of a card behind but where it is wiped', () => {
  const told = vi.spyOn(KeyMerge.prototype, 'report');
  const fetched = vi.spyOn(TypeAhead.prototype, 'shift');
  new Line().press('4242').collect('pan', 19).press('4242');
  const left = [...told.mock.results, ...fetched.mock.results].map(({ value }) => value?.key ?? 0);
  vi.restoreAllMocks();
  expect(left).toHaveLength(4 + 5 + 4); // told, fetched until there was none, told
  expect(new Set(left)).toEqual(new Set([0]));
});

describe('keys typed ahead', () => {
  it('go into the next entries, one after the other', () => {
    const line = new Line().press('4242#0330').collect('pan', 19);
    expect(line.card.length('pan')).toBe(4);
    line.collect('expiry', 4);
    expect(line.card.length('expiry')).toBe(4);
    expect(line.ends).toHaveLength(2);
  });

  it('are gone after a flush', () => {
    const line = new Line().press('1234');
    line.keypad.flush();
    expect(line.collect('pan', 19).card.length('pan')).toBe(0);
  });

  it('are gone after a flush even if a slow carrier reports them later', async () => {
    const line = new Line();
    await line.clock.advance(1000);
    line.keypad.flush();
    await line.clock.advance(600);
    line.collect('cvv', 1).press('1', 'info', 900);
    expect(line.ends).toEqual([]);
    line.press('1');
    expect(line.ends).toHaveLength(1);
  });

  it('are bounded', () => {
    const typeAhead = new TypeAhead();
    for (let count = 0; count < TypeAhead.kCapacity; count++) {
      expect(typeAhead.push({ key: 1, onsetMs: count })).toBe(true);
    }
    expect(typeAhead.push({ key: 1, onsetMs: 0 })).toBe(false);
    expect(typeAhead.length).toBe(64);
  });

  it('come out in order', () => {
    const typeAhead = new TypeAhead();
    typeAhead.push({ key: 1, onsetMs: 10 });
    typeAhead.push({ key: 2, onsetMs: 20 });
    expect(typeAhead.shift()).toEqual({ key: 1, onsetMs: 10 });
    expect(typeAhead.shift()).toEqual({ key: 2, onsetMs: 20 });
    expect(typeAhead.shift()).toBeUndefined();
  });

  it('say that the caller is ahead, also in the middle of an entry', () => {
    const line = new Line();
    expect(line.keypad.isAhead).toBe(false);
    expect(line.press('12').keypad.isAhead).toBe(true);
    expect(line.collect('pan', 19).keypad.isAhead).toBe(true);
    line.press('#');
    expect(line.keypad.isAhead).toBe(false);
  });
});

describe('a key pressed as the question begins', () => {
  const flushed = () => {
    const line = new Line();
    line.keypad.flush();
    return line.collect('cvv', 1);
  };

  it('is no answer within half a second', async () => {
    const line = flushed();
    await line.clock.advance(499);
    expect(line.press('1').ends).toEqual([]);
    expect([line.strays, line.presses]).toEqual([1, 0]);
  });

  it('is an answer after half a second', async () => {
    const line = flushed();
    await line.clock.advance(500);
    expect(line.press('1').ends).toHaveLength(1);
  });

  it('takes those along that follow it without a pause, for three seconds at most', async () => {
    expect((await flushed().pressSlowly('1111111', 400)).ends).toEqual([]);
    expect((await flushed().pressSlowly('11111111', 400)).ends).toEqual([]);
    expect((await flushed().pressSlowly('111111111', 400)).ends).toHaveLength(1);
    expect((await flushed().pressSlowly('11', 500)).ends).toHaveLength(1);
  });
});

describe('a pound out of habit', () => {
  it('after an entry that ended by itself is not the answer to the next question', () => {
    const line = new Line().collect('expiry', 4).press('0330').collect('cvv', 3).press('#');
    expect(line.ends).toEqual([{ kind: 'entered', by: 'complete' }]);
  });

  it('is dropped when it was typed ahead, too', () => {
    const line = new Line().press('0330#123#').collect('expiry', 4).collect('cvv', 3).collect('postal', 9);
    expect(line.card.length('cvv')).toBe(3);
    expect(line.ends).toHaveLength(2);
  });

  it('does not count as a press, so that the prompt goes on', () => {
    const line = new Line().collect('expiry', 4).press('0330').collect('cvv', 3).press('#');
    expect([line.presses, line.strays]).toEqual([4, 1]);
  });

  it('is an answer when it comes late', async () => {
    const line = new Line().collect('expiry', 4).press('0330').collect('cvv', 3);
    await line.clock.advance(3001);
    line.press('#');
    expect(line.ends.at(-1)).toEqual({ kind: 'no_input', by: 'terminator' });
  });

  it('is dropped once', () => {
    const line = new Line().collect('expiry', 4).press('0330').collect('cvv', 3).press('##');
    expect(line.ends.at(-1)).toEqual({ kind: 'no_input', by: 'terminator' });
  });
});

describe('two stars', () => {
  it('open the way out, whether or not something is collected', async () => {
    const line = await new Line().pressSlowly('**', 400);
    expect(line.doubleStars).toBe(1);
    await line.clock.advance(5000);
    await line.collect('pan', 19).pressSlowly('12**', 400);
    expect(line.doubleStars).toBe(2);
  });

  it('must follow each other in time', async () => {
    expect((await new Line().pressSlowly('**', 1201)).doubleStars).toBe(0);
  });

  it('must follow each other without another key', async () => {
    expect((await new Line().pressSlowly('*5*', 100)).doubleStars).toBe(0);
  });

  it('work as soon as a question begins', async () => {
    const line = new Line();
    line.keypad.flush();
    expect((await line.collect('cvv', 1).pressSlowly('**', 200)).doubleStars).toBe(1);
  });

  it('are used up by the third', async () => {
    expect((await new Line().pressSlowly('***', 100)).doubleStars).toBe(1);
  });

  it('forget what was typed ahead', async () => {
    const line = await new Line().pressSlowly('12**', 100);
    expect(line.collect('pan', 19).card.length('pan')).toBe(0);
  });

  it('may be further apart for a caller who asked for more time', async () => {
    const line = new Line();
    line.keypad.doubleStarMs = 2400;
    expect((await line.pressSlowly('**', 2000)).doubleStars).toBe(1);
  });
});

it('counts a press once whatever carries it', () => {
  const line = new Line().collect('pan', 19);
  line.press('5', 'tone', 0).press('5', 'event', 40).press('5', 'info', 300);
  expect([line.presses, line.card.length('pan')]).toEqual([1, 1]);
});

it('puts a new entry in the place of a running one', async () => {
  const line = new Line().collect('pan', 19).press('12').collect('cvv', 3).press('123');
  await line.clock.advance(60_000);
  expect(line.ends).toHaveLength(1);
  expect(line.keypad.digitCount).toBeUndefined();
});

it('knows nothing of the keys A to D', () => {
  const line = new Line();
  line.keypad.report({ key: 12, carrier: 'event', onsetMs: 0 });
  expect([line.presses, line.strays, line.keypad.isAhead]).toEqual([0, 1, false]);
});

it('takes no more keys into an entry that was stopped', () => {
  const line = new Line().collect('pan', 19).press('12');
  line.keypad.stop();
  line.press('34');
  expect(line.card.length('pan')).toBe(2);
});
