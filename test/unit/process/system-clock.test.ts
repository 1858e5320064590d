import { describe, expect, it } from 'vitest';
import { kSystemClock } from '../../../src/process/system-clock.ts';

describe('the clock of the machine', () => {
  it('never runs a task before its time', async () => {
    const earlyMs = Array.from({ length: 400 }, async (_, index) => {
      const delayMs = 5 + index / 7; // begun and ended between whole milliseconds
      await new Promise<void>((resolve) => void kSystemClock.schedule(index / 3, resolve));
      const dueMs = kSystemClock.now() + delayMs;
      await new Promise<void>((resolve) => void kSystemClock.schedule(delayMs, resolve));
      return dueMs - kSystemClock.now();
    });
    expect(Math.max(...(await Promise.all(earlyMs)))).toBeLessThanOrEqual(0);
  });
});
