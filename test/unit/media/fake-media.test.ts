import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeMedia } from '../../support/fake-media.ts';

const never = (): AbortSignal => new AbortController().signal;

describe('the fake media plane', () => {
  it('plays on the clock of the test and takes items as late as the real one', async () => {
    const clock = new FakeClock();
    const media = new FakeMedia(clock, { clipMs: 100 });
    const session = await media.open();
    const playing = session.play(
      [{ clip: 1 }, { silenceMs: 50 }, { clip: 2 }],
      { bargeIn: true, lookahead: 1 },
      never(),
    );
    await clock.advance(99);
    expect(session.plays[0]?.items).toHaveLength(2);
    await clock.advance(150);
    expect(session.playing).toBe(true);
    await clock.advance(1);
    expect(await playing).toBe('finished');
    expect(session.clips).toEqual([1, 2]);
  });

  it('ends a phrase by key, abort, the next phrase and close', async () => {
    const session = await new FakeMedia(new FakeClock()).open();
    const options = { bargeIn: true, lookahead: 1 };
    const keys: number[] = [];
    session.onKey((report) => keys.push(report.key));
    const first = session.play([{ clip: 1 }], options, never());
    session.press(5);
    expect(await first).toBe('barge_in');
    const abort = new AbortController();
    const second = session.play([{ clip: 1 }], options, abort.signal);
    abort.abort();
    expect(await second).toBe('stopped');
    const third = session.play([{ clip: 1 }], { ...options, bargeIn: false }, never());
    session.press(6);
    const fourth = session.play([{ clip: 2 }], options, never());
    expect(await third).toBe('stopped');
    await session.close();
    expect(await fourth).toBe('stopped');
    expect(keys).toEqual([5, 6]);
  });
});
