import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isBatteryThere, judgeBattery, makeBattery } from '../../../bench/tone-battery.ts';
import { detectWithHushpay } from '../../../bench/tone-detectors.ts';

const kSeeds = ['public-1', 'long-1', 'long-2', 'long-3'];

describe.skipIf(!isBatteryThere())('the large tone battery (not here: it is kept beside the project)', () => {
  it.for(kSeeds)('reaches every target, seed %s', (seed) => {
    const folder = makeBattery(seed);
    try {
      const summary = judgeBattery(folder, [detectWithHushpay(folder)]);
      const figure = (label: string) => summary.get(label)?.[0] ?? 'not there';
      const figures = (label: string) => figure(label).split('/').map(Number);
      const [p50 = 0, p95 = 0, max = 0] = figures('latency ms p50/p95/max (accept)');
      const [early = 0, late = 0] = figures('onset estimate error p5/p95');
      const [dup = 0, sub = 0, wrong = 0] = figures('dup / sub / false');
      expect.soft(figure('standard accept conditions passed')).toBe('46/46');
      expect.soft(figure('standard reject conditions passed')).toBe('13/13');
      expect.soft(figure('decoys wrongly reported')).toBe('0/960');
      expect.soft(figure('voip accept conditions passed')).toBe('26/26');
      expect.soft(Number(figure('voip digits hit %'))).toBeGreaterThanOrEqual(99);
      expect.soft(dup + sub + wrong).toBeLessThanOrEqual(10);
      expect.soft(Number(figure('voip 16-digit strings exact %'))).toBeGreaterThanOrEqual(92);
      expect.soft(figure('HEADLINE call/typical exact %')).toBe('100.0');
      expect.soft(Number(figure('HEADLINE call/poor exact %'))).toBeGreaterThanOrEqual(95);
      expect.soft(figure('must-never files false digits')).toMatch(/^0 in /);
      expect.soft(p50).toBeLessThanOrEqual(38);
      expect.soft(p95).toBeLessThanOrEqual(48);
      expect.soft(max).toBeLessThanOrEqual(60);
      expect.soft(early).toBeGreaterThanOrEqual(-2);
      expect.soft(late).toBeLessThanOrEqual(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
