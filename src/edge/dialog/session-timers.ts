import { randomInt } from 'node:crypto';
import type { Cancel } from '../../ports/clock.ts';
import type { Timers } from '../transaction/timers.ts';
import type { SipDialog } from './dialog.ts';
import type { SessionInterval } from './session-expires.ts';

/** Refreshes are spread by as much, so that many calls set up at once do not refresh at once. */
const kSpreadMs = 5_000;
/** Who does not refresh hangs up as long before the end, or a third of the interval (RFC 4028 section 10). */
const kEarlyMs = 32_000;

export interface SessionTimerEvents {
  /** Half of the interval has gone and the refresh is ours. */
  refresh(dialog: SipDialog): void;
  /** Nobody has refreshed in time. */
  expired(dialog: SipDialog): void;
}

interface Armed {
  readonly interval: SessionInterval;
  readonly stop: () => void;
}

/** The session timers of all dialogs (RFC 4028). Armed anew by each refresh, stopped with the dialog. */
export class SessionTimers {
  readonly #timers: Timers;
  readonly #events: SessionTimerEvents;
  readonly #armed = new Map<SipDialog, Armed>();

  constructor(timers: Timers, events: SessionTimerEvents) {
    this.#timers = timers;
    this.#events = events;
  }

  of(dialog: SipDialog): SessionInterval | undefined {
    return this.#armed.get(dialog)?.interval;
  }

  /** @param interval - undefined when the session has no timer any more. */
  arm(dialog: SipDialog, interval: SessionInterval | undefined): void {
    this.stop(dialog);
    if (!interval) return;
    const intervalMs = interval.intervalS * 1_000;
    const isOurs = interval.refresher === 'us';
    const endMs = isOurs ? intervalMs : intervalMs - Math.min(kEarlyMs, intervalMs / 3);
    const cancelEnd = this.#timers.after(endMs, () => {
      this.stop(dialog);
      this.#events.expired(dialog);
    });
    let cancelRefresh: Cancel = () => {};
    if (isOurs) cancelRefresh = this.#timers.after(refreshMs(intervalMs), () => this.#events.refresh(dialog));
    const stop = (): void => {
      cancelEnd();
      cancelRefresh();
    };
    this.#armed.set(dialog, { interval, stop });
  }

  stop(dialog: SipDialog): void {
    this.#armed.get(dialog)?.stop();
    this.#armed.delete(dialog);
  }
}

function refreshMs(intervalMs: number): number {
  const spreadMs = Math.min(kSpreadMs, Math.floor(intervalMs / 10));
  return Math.floor(intervalMs / 2) + randomInt(-spreadMs, spreadMs + 1);
}
