import { describe, expect, it } from 'vitest';
import { measureKill } from '../../../bench/media-kill.ts';

const kMostGapMs = 250;
const kFoundWithinMs = 500;

describe('200 secure calls whose worker', () => {
  it('is killed hear a pause of at most 250 ms, caller and agent alike', async () => {
    const figures = await measureKill('SIGKILL');
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    expect(figures).toMatchObject({ calls: 200, unreadable: 0, silentPhones: 0 });
    expect(figures.callerGapMs.max).toBeLessThanOrEqual(kMostGapMs);
    expect(figures.agentGapMs.max).toBeLessThanOrEqual(kMostGapMs);
  });

  it('hangs go on in another one: it is found within 500 ms', async () => {
    const figures = await measureKill('SIGSTOP');
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    expect(figures).toMatchObject({ calls: 200, unreadable: 0, silentPhones: 0 });
    expect(figures.foundMs?.max).toBeLessThanOrEqual(kFoundWithinMs);
    expect(figures.agentGapMs.max).toBeLessThanOrEqual(kFoundWithinMs + kMostGapMs);
  });
});
