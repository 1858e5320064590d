import { describe, expect, it } from 'vitest';
import { qualityOf } from '../../../src/call/quality.ts';
import { kNoMediaStats } from '../../support/fake-media.ts';

const leg = (change: object) => ({ ...kNoMediaStats, packetsReceived: 1_000, ...change });

describe('the quality of a leg', () => {
  it.each([
    ['that is perfect', {}, 4.3, 4.45],
    ['with 1 % loss', { packetsReceived: 990, packetsLost: 10 }, 4.2, 4.4],
    ['with 5 % loss', { packetsReceived: 950, packetsLost: 50 }, 3.6, 4.1],
    ['with 20 % loss', { packetsReceived: 800, packetsLost: 200 }, 2.0, 3.0],
    ['half of which is lost', { packetsReceived: 500, packetsLost: 500 }, 1.0, 2.0],
    ['by satellite', { roundTripMs: 600 }, 3.4, 3.9],
    ['with 100 ms of jitter', { jitterMs: 100 }, 3.9, 4.3],
    ['in G.722', { codec: 'G722' }, 4.3, 4.45],
    ['in G.722 with 5 % loss', { codec: 'G722', packetsReceived: 950, packetsLost: 50 }, 2.7, 3.3],
    ['in Opus', { codec: 'opus' }, 4.3, 4.4],
    ['in Opus with 5 % loss', { codec: 'opus', packetsReceived: 950, packetsLost: 50 }, 3.4, 3.7],
  ])('%s is worth its score', (_, change, least, most) => {
    const mos = qualityOf(leg(change))?.mos ?? Number.NaN;
    expect(mos).toBeGreaterThanOrEqual(least);
    expect(mos).toBeLessThanOrEqual(most);
  });

  it('never rises with loss, delay or jitter', () => {
    const scores = (change: (step: number) => object) =>
      Array.from({ length: 30 }, (_, step) => qualityOf(leg(change(step)))?.mos ?? Number.NaN);
    for (const series of [
      scores((step) => ({ packetsLost: 50 * step })),
      scores((step) => ({ roundTripMs: 50 * step })),
      scores((step) => ({ jitterMs: 10 * step })),
    ]) {
      expect(series.every((mos, step) => mos <= (series[step - 1] ?? 5))).toBe(true);
      expect(Math.min(...series)).toBeGreaterThanOrEqual(1);
    }
  });

  it('of one that sent nothing is unknown', () => {
    expect(qualityOf(kNoMediaStats)).toBeNull();
  });
});
