import fc from 'fast-check';
import { describe, it } from 'vitest';
import { KeyMerge } from '../../../src/dtmf/merge.ts';
import type { Carrier, Key, KeyReport } from '../../../src/ports/media.ts';

const kRuns = 3000;

/** How one carrier reports presses: late, unsteadily, and not always. */
interface Line {
  readonly carrier: Carrier;
  readonly lagMs: number;
  /** From the onset it reports to the report. */
  readonly delayMs: number;
  readonly jitterMs: readonly number[];
  /** Presses it does not report. */
  readonly lost: readonly boolean[];
}

const anyPresses = fc.array(
  fc.record({
    key: fc.integer({ min: 1, max: 3 }).map((key) => key as Key),
    gapMs: fc.integer({ min: 160, max: 600 }),
  }),
  { minLength: 1, maxLength: 24 },
);
const jitter = fc.array(fc.integer({ min: -10, max: 10 }), { minLength: 24, maxLength: 24 });
const losses = fc.array(
  fc.nat(3).map((number) => number === 0),
  { minLength: 24, maxLength: 24 },
);
const noLosses = fc.constant<boolean[]>([]);

function lineOf(
  carrier: Carrier,
  minMs: number,
  maxMs: number,
  lost: fc.Arbitrary<boolean[]>,
): fc.Arbitrary<Line> {
  return fc.record({
    carrier: fc.constant(carrier),
    lagMs: fc.integer({ min: minMs, max: maxMs }),
    delayMs: fc.integer({ min: 0, max: 200 }),
    jitterMs: jitter,
    lost,
  });
}

/** Presses that come out when each line tells what it knows, in the order of arrival. */
function countPresses(presses: readonly { key: Key; gapMs: number }[], lines: readonly Line[]): number {
  let onsetMs = 0;
  const arrivals: { report: KeyReport; atMs: number }[] = [];
  for (const [index, { key, gapMs }] of presses.entries()) {
    onsetMs += gapMs;
    for (const { carrier, lagMs, delayMs, jitterMs, lost } of lines) {
      const report = { key, carrier, onsetMs: onsetMs + lagMs + (jitterMs[index] ?? 0) };
      if (!lost[index]) arrivals.push({ report, atMs: report.onsetMs + delayMs });
    }
  }
  const merge = new KeyMerge();
  const inOrder = arrivals.toSorted((a, b) => a.atMs - b.atMs);
  return inOrder.filter(({ report }) => merge.report(report) !== undefined).length;
}

describe('any keys by any carriers count as often as they were pressed', () => {
  it.each<[string, fc.Arbitrary<Line>, fc.Arbitrary<Line>]>([
    ['tone, and events that may be lost', lineOf('tone', 0, 0, noLosses), lineOf('event', -80, 130, losses)],
    ['events, and tones that may be lost', lineOf('tone', 0, 0, losses), lineOf('event', -80, 130, noLosses)],
    ['events, and INFO that may be lost', lineOf('event', 0, 0, noLosses), lineOf('info', 0, 700, losses)],
  ])('%s', (_name, first, second) => {
    fc.assert(
      fc.property(
        anyPresses,
        first,
        second,
        (presses, ...lines) => countPresses(presses, lines) === presses.length,
      ),
      { numRuns: kRuns },
    );
  });

  it('all three, INFO may be lost', () => {
    fc.assert(
      fc.property(
        anyPresses,
        lineOf('tone', 0, 0, noLosses),
        lineOf('event', 0, 120, noLosses),
        lineOf('info', 100, 700, losses),
        (presses, ...lines) => countPresses(presses, lines) === presses.length,
      ),
      { numRuns: kRuns },
    );
  });
});
