import type { Cancel, Clock } from '../ports/clock.ts';

const kEveryMs = 5 * 60_000;

/**
 * Lets go of what nobody uses any more every five minutes. V8 by itself waits until its heap has grown by a share of what is alive, which
 * with a few payments a minute takes hours, and looks like a leak to whoever watches the memory.
 * Does nothing in a process that was started without `--expose-gc`.
 */
export function keepMemoryLevel(clock: Clock): Cancel {
  let cancel = clock.schedule(kEveryMs, collect);
  function collect(): void {
    void globalThis.gc?.({ type: 'major', execution: 'async' }); // when nothing else is to be done
    cancel = clock.schedule(kEveryMs, collect);
  }
  return () => cancel();
}
