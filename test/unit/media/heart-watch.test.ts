import { describe, expect, it } from 'vitest';
import { HeartWatch } from '../../../src/media/heart-watch.ts';
import type { ThreadActivity } from '../../../src/process/thread-activity.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kLookMs = 100;

/** Looks for a second at a thread; `run` says what it does from one look to the next. */
async function hangsAtMs(
  run: (look: number) => Partial<ThreadActivity> & { ticks?: number },
): Promise<number[]> {
  const clock = new FakeClock();
  let [cpuMs, runnable, beats] = [0, false, 0n];
  const watch = new HeartWatch(clock, 400, () => ({ cpuMs, runnable }));
  const found: number[] = [];
  for (let look = 0; look <= 10; look++) {
    const did = run(look);
    cpuMs += did.cpuMs ?? 0;
    runnable = did.runnable ?? false;
    beats += BigInt(did.ticks ?? 0);
    if (watch.hangs(1, 2, beats)) found.push(look * kLookMs);
    await clock.advance(kLookMs);
  }
  return found;
}

describe('a media thread', () => {
  it('that ticks does not hang, however seldom', async () => {
    expect(await hangsAtMs((look) => ({ ticks: look % 3 === 0 ? 1 : 0 }))).toEqual([]);
  });

  it('that waits for something that does not come, or is stopped, hangs', async () => {
    expect(await hangsAtMs(() => ({ runnable: false }))).toEqual([400, 800]);
  });

  it('that goes round in circles hangs', async () => {
    expect(await hangsAtMs(() => ({ runnable: true, cpuMs: 95 }))).toEqual([400, 800]);
  });

  it('that wants to run and is not let does not hang', async () => {
    expect(await hangsAtMs(() => ({ runnable: true, cpuMs: 10 }))).toEqual([]);
  });

  it('is given its time after every tick', async () => {
    expect(await hangsAtMs((look) => ({ ticks: look === 3 ? 1 : 0 }))).toEqual([700]);
  });
});
