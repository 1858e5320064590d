import type { Cancel, Clock } from '../ports/clock.ts';
import type { TimerName } from './events.ts';

/** The conversation's own timers: one per name, and the limit on the session, which can stand still. */
export class DialogTimers {
  readonly #clock: Clock;
  readonly #onTimer: (timer: TimerName) => void;
  readonly #onSessionLimit: () => void;
  readonly #running = new Map<TimerName, Cancel>();
  #sessionLeftMs: number;
  #session: { readonly sinceMs: number; readonly cancel: Cancel } | undefined;

  constructor(
    clock: Clock,
    sessionMs: number,
    on: { timer: (timer: TimerName) => void; sessionLimit: () => void },
  ) {
    this.#clock = clock;
    this.#sessionLeftMs = sessionMs;
    this.#onTimer = on.timer;
    this.#onSessionLimit = on.sessionLimit;
  }

  start(timer: TimerName, ms: number): void {
    this.#running.get(timer)?.();
    this.#running.set(
      timer,
      this.#clock.schedule(ms, () => {
        this.#running.delete(timer);
        this.#onTimer(timer);
      }),
    );
  }

  /** All but the session's. */
  stopAll(): void {
    for (const cancel of this.#running.values()) cancel();
    this.#running.clear();
  }

  runSession(run: boolean): void {
    if (run === (this.#session !== undefined)) return;
    if (this.#session) {
      this.#session.cancel();
      this.#sessionLeftMs -= this.#clock.now() - this.#session.sinceMs;
      this.#session = undefined;
    } else {
      const cancel = this.#clock.schedule(Math.max(0, this.#sessionLeftMs), this.#onSessionLimit);
      this.#session = { sinceMs: this.#clock.now(), cancel };
    }
  }
}
