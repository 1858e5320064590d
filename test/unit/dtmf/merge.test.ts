import { describe, expect, it } from 'vitest';
import { KeyMerge } from '../../../src/dtmf/merge.ts';
import type { Carrier, Key } from '../../../src/ports/media.ts';

type Report = readonly [carrier: Carrier, key: Key, onsetMs: number];

/** Keys of the presses that come out, in order. */
function pressesOf(reports: readonly Report[]): Key[] {
  const merge = new KeyMerge();
  return reports.flatMap(([carrier, key, onsetMs]) => merge.report({ carrier, key, onsetMs })?.key ?? []);
}

describe('reports of one press', () => {
  it.each<[string, Report[]]>([
    ['an event alone', [['event', 5, 0]]],
    ['a tone alone', [['tone', 5, 0]]],
    ['an INFO alone', [['info', 5, 0]]],
    [
      'an event 20 ms after its tone',
      [
        ['tone', 5, 0],
        ['event', 5, 20],
      ],
    ],
    [
      'an event 100 ms after its tone',
      [
        ['tone', 5, 0],
        ['event', 5, 100],
      ],
    ],
    [
      'an event that overtakes its tone by 40 ms',
      [
        ['event', 5, 0],
        ['tone', 5, 40],
      ],
    ],
    [
      'a tone reported after the event, though it began before it',
      [
        ['event', 5, 60],
        ['tone', 5, 0],
      ],
    ],
    [
      'an INFO 500 ms after the event',
      [
        ['event', 5, 0],
        ['info', 5, 500],
      ],
    ],
    [
      'an INFO whose event is reported late',
      [
        ['info', 5, 300],
        ['event', 5, 0],
      ],
    ],
    [
      'tone, event and INFO',
      [
        ['tone', 5, 0],
        ['event', 5, 50],
        ['info', 5, 400],
      ],
    ],
    [
      'tone, event and INFO in reverse',
      [
        ['info', 5, 400],
        ['event', 5, 50],
        ['tone', 5, 0],
      ],
    ],
  ])('count once: %s', (_name, reports) => {
    expect(pressesOf(reports)).toEqual([5]);
  });
});

describe('reports of two presses', () => {
  it.each<[string, Report[], Key[]]>([
    [
      'two keys too far apart to be one misheard',
      [
        ['tone', 1, 0],
        ['event', 2, 60],
      ],
      [1, 2],
    ],
    [
      'two keys, of which one carrier heard each',
      [
        ['event', 1, 100],
        ['tone', 2, 160],
      ],
      [1, 2],
    ],
    [
      'one misheard, then both keys again',
      [
        ['tone', 1, 0],
        ['event', 2, 30],
        ['tone', 2, 160],
        ['event', 2, 200],
      ],
      [1, 2],
    ],
    [
      'two keys by an INFO that names another one',
      [
        ['event', 1, 0],
        ['info', 2, 30],
      ],
      [1, 2],
    ],
    [
      'one key twice by one carrier, however close',
      [
        ['event', 1, 0],
        ['event', 1, 50],
      ],
      [1, 1],
    ],
    [
      'two quick presses by both carriers',
      [
        ['tone', 1, 0],
        ['event', 1, 40],
        ['tone', 1, 160],
        ['event', 1, 200],
      ],
      [1, 1],
    ],
    [
      'both events after both tones',
      [
        ['tone', 1, 0],
        ['tone', 1, 160],
        ['event', 1, 100],
        ['event', 1, 260],
      ],
      [1, 1],
    ],
    [
      'an event that leads once and trails once',
      [
        ['event', 1, 0],
        ['tone', 1, 20],
        ['tone', 1, 180],
        ['event', 1, 260],
      ],
      [1, 1],
    ],
    [
      'events that arrive in the wrong order',
      [
        ['tone', 1, 20],
        ['tone', 1, 180],
        ['event', 1, 160],
        ['event', 1, 0],
      ],
      [1, 1],
    ],
    [
      'the event lost the second press',
      [
        ['tone', 1, 0],
        ['event', 1, 60],
        ['tone', 1, 160],
      ],
      [1, 1],
    ],
    [
      'the event lost the first press',
      [
        ['tone', 1, 0],
        ['tone', 1, 160],
        ['event', 1, 220],
      ],
      [1, 1],
    ],
    [
      'the tone lost the first press',
      [
        ['event', 1, 60],
        ['tone', 1, 160],
        ['event', 1, 220],
      ],
      [1, 1],
    ],
    [
      'the tone lost the second press',
      [
        ['tone', 1, 0],
        ['event', 1, 60],
        ['event', 1, 220],
      ],
      [1, 1],
    ],
    [
      'INFO late for both',
      [
        ['event', 1, 0],
        ['event', 1, 200],
        ['info', 1, 500],
        ['info', 1, 700],
      ],
      [1, 1],
    ],
    [
      'INFO lost the first press',
      [
        ['event', 1, 0],
        ['event', 1, 200],
        ['info', 1, 700],
      ],
      [1, 1],
    ],
    [
      'an event too late to be of the tone',
      [
        ['tone', 1, 0],
        ['event', 1, 400],
      ],
      [1, 1],
    ],
    [
      'a carrier that comes back after minutes',
      [
        ['tone', 1, 0],
        ['event', 1, 60_000],
      ],
      [1, 1],
    ],
    [
      'different keys whose reports are mixed',
      [
        ['tone', 1, 0],
        ['tone', 2, 160],
        ['event', 1, 100],
        ['event', 2, 250],
      ],
      [1, 2],
    ],
  ])('count twice: %s', (_name, reports, keys) => {
    expect(pressesOf(reports)).toEqual(keys);
  });
});

describe('a press whose carriers contradict each other is the key named first', () => {
  it.each<[string, Report[], Key]>([
    [
      'tone, then event',
      [
        ['tone', 1, 0],
        ['event', 2, 40],
      ],
      1,
    ],
    [
      'event, then the tone that began before it',
      [
        ['event', 2, 40],
        ['tone', 1, 0],
      ],
      2,
    ],
    [
      'the right event comes after the wrong one',
      [
        ['tone', 1, 0],
        ['event', 2, 20],
        ['event', 1, 30],
      ],
      1,
    ],
    [
      'INFO agrees with the first',
      [
        ['tone', 1, 0],
        ['event', 2, 40],
        ['info', 1, 300],
      ],
      1,
    ],
  ])('%s', (_name, reports, key) => {
    expect(pressesOf(reports)).toEqual([key]);
  });

  it('once, however often: a second contradiction is a key of its own', () => {
    expect(
      pressesOf([
        ['tone', 1, 0],
        ['event', 2, 20],
        ['event', 3, 40],
      ]),
    ).toEqual([1, 3]);
  });
});

describe('an INFO that comes late counts once', () => {
  it.each([100, 200, 400, 600, 800])('%i ms behind the event', (lagMs) => {
    const merge = new KeyMerge();
    expect(merge.report({ carrier: 'event', key: 5, onsetMs: 0 })).toBeDefined();
    expect(merge.report({ carrier: 'tone', key: 5, onsetMs: 0 })).toBeUndefined();
    expect(merge.report({ carrier: 'info', key: 5, onsetMs: lagMs })).toBeUndefined();
    expect(merge.report({ carrier: 'event', key: 5, onsetMs: 900 })).toBeDefined();
    expect(merge.report({ carrier: 'info', key: 5, onsetMs: 900 + lagMs })).toBeUndefined();
  });
});

describe('a card number keyed quickly', () => {
  const kNumber: readonly Key[] = [4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2];
  const reportsBy = (...carriers: readonly (readonly [Carrier, number])[]): Report[] =>
    kNumber
      .flatMap((key, index) =>
        carriers.map(([carrier, lagMs]): Report => [carrier, key, index * 160 + lagMs]),
      )
      .sort(([, , a], [, , b]) => a - b);

  it.each<[string, Report[]]>([
    ['tone and event', reportsBy(['tone', 0], ['event', 90])],
    ['event and INFO', reportsBy(['event', 0], ['info', 450])],
    ['tone, event and INFO', reportsBy(['tone', 0], ['event', 60], ['info', 700])],
    [
      'sixteen times one key by all three',
      reportsBy(['tone', 0], ['event', 60], ['info', 700]).map(([c, , at]): Report => [c, 4, at]),
    ],
  ])('is sixteen presses by %s', (_name, reports) => {
    expect(pressesOf(reports)).toHaveLength(16);
  });
});

it('takes the first report for the onset of a press', () => {
  const merge = new KeyMerge();
  expect(merge.report({ carrier: 'event', key: 3, onsetMs: 70 })).toEqual({ key: 3, onsetMs: 70 });
  expect(merge.report({ carrier: 'tone', key: 3, onsetMs: 30 })).toBeUndefined();
});

it('remembers no more presses than it has room for', () => {
  const merge = new KeyMerge();
  for (let press = 0; press < 40; press++) merge.report({ carrier: 'event', key: 7, onsetMs: press });
  expect(merge.report({ carrier: 'tone', key: 7, onsetMs: 39 })).toBeUndefined();
});

it('knows nothing of earlier presses once wiped', () => {
  const merge = new KeyMerge();
  merge.report({ carrier: 'event', key: 3, onsetMs: 0 });
  merge.wipe();
  expect(merge.report({ carrier: 'tone', key: 3, onsetMs: 0 })).toEqual({ key: 3, onsetMs: 0 });
});
