import { afterEach, describe, expect, it, vi } from 'vitest';
import { keepMemoryLevel } from '../../../src/process/level-memory.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kMinuteMs = 60_000;

describe('memory that nobody uses any more', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is given back every five minutes, until the process stops', async () => {
    const gc = vi.fn();
    vi.stubGlobal('gc', gc);
    const clock = new FakeClock();
    const stop = keepMemoryLevel(clock);
    await clock.advance(16 * kMinuteMs);
    expect(gc).toHaveBeenCalledTimes(3);
    stop();
    await clock.advance(60 * kMinuteMs);
    expect(gc).toHaveBeenCalledTimes(3);
  });

  it('stays where a process may not ask for it', async () => {
    vi.stubGlobal('gc', undefined);
    const clock = new FakeClock();
    const stop = keepMemoryLevel(clock);
    await clock.advance(6 * kMinuteMs);
    stop();
  });
});
