import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { kRetained, type Retained } from './retention-table.ts';
import type { Store } from './store.ts';

const kFirstMs = 60_000;
const kEveryMs = 3_600_000;
/** Small enough that nobody waits for a batch, with a breath after each. */
const kAtOnce = 100;
const kBreathMs = 50;
const kDayMs = 86_400_000;

/** Days each is kept; null: for ever. */
export type RetentionDays = Readonly<Record<Retained, number | null>>;

/** Lets go of what has been kept long enough, hour after hour, a little at a time. Made and started by main, stopped before the store is closed. */
export class Retention {
  readonly #store: Pick<Store, 'retire'>;
  readonly #days: RetentionDays;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The date when the clock that counts on stood at 0. */
  readonly #zeroMs: number;
  #cancel: Cancel = () => {};

  constructor(store: Pick<Store, 'retire'>, days: RetentionDays, clock: Clock, log: Log) {
    this.#store = store;
    this.#days = days;
    this.#clock = clock;
    this.#log = log;
    this.#zeroMs = clock.date().getTime() - clock.now();
  }

  start(): void {
    this.#later(kFirstMs);
  }

  stop(): void {
    this.#cancel();
  }

  #later(waitMs: number): void {
    this.#cancel = this.#clock.schedule(waitMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    for (const what of kRetained) {
      const days = this.#days[what];
      if (days !== null) await this.#retire(what, days);
    }
    this.#later(kEveryMs);
  }

  async #retire(what: Retained, days: number): Promise<void> {
    const before = new Date(this.#nowMs - days * kDayMs).toISOString();
    let rows = 0;
    try {
      for (let last = kAtOnce; last === kAtOnce; ) {
        last = this.#store.retire(what, before, kAtOnce, rows === 0);
        rows += last;
        if (last === kAtOnce) await this.#breath();
      }
    } catch (error) {
      this.#log.error({ err: error, what }, 'what is old could not be deleted');
    }
    if (rows > 0) this.#log.info({ what, before, rows }, 'deleted what was kept long enough');
  }

  /** A date that is set ahead while we run makes nothing old. */
  get #nowMs(): number {
    return Math.min(this.#clock.date().getTime(), this.#zeroMs + this.#clock.now());
  }

  /** Never over once it is stopped. */
  #breath(): Promise<void> {
    return new Promise((resolve) => {
      this.#cancel = this.#clock.schedule(kBreathMs, () => resolve());
    });
  }
}
