import type { Cancel } from '../../ports/clock.ts';
import { doubled, kT2Ms, kTimeoutMs, type Timers } from '../transaction/timers.ts';
import type { SipDialog } from './dialog.ts';

interface Waiting {
  readonly transactionId: string;
  readonly stop: () => void;
}

export interface AnswerEvents {
  resend(): void;
  /** No ACK came within 64*T1. */
  giveUp(): void;
}

/** 2xx answers to INVITE that wait for their ACK: repeated over every transport (RFC 3261 section 13.3.1.4). */
export class UnacknowledgedAnswers {
  readonly #timers: Timers;
  readonly #waiting = new Map<SipDialog, Map<number, Waiting>>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** @param transactionId - by which the ACK is handed to the application. */
  start(dialog: SipDialog, seq: number, transactionId: string, events: AnswerEvents): void {
    const cancelRepeat: Cancel = this.#timers.repeat(doubled(kT2Ms), events.resend);
    const cancelEnd = this.#timers.after(kTimeoutMs, () => {
      cancelRepeat();
      this.#forget(dialog, seq);
      events.giveUp();
    });
    const stop = (): void => {
      cancelRepeat();
      cancelEnd();
    };
    const bySeq = this.#waiting.get(dialog) ?? new Map<number, Waiting>();
    bySeq.set(seq, { transactionId, stop });
    this.#waiting.set(dialog, bySeq);
  }

  /** @returns the transaction the ACK belongs to, or undefined when none is waited for. */
  acknowledge(dialog: SipDialog, seq: number): string | undefined {
    const waiting = this.#waiting.get(dialog)?.get(seq);
    if (!waiting) return undefined;
    waiting.stop();
    this.#forget(dialog, seq);
    return waiting.transactionId;
  }

  /** The dialog has ended: nothing more is repeated. */
  stop(dialog: SipDialog): void {
    for (const waiting of this.#waiting.get(dialog)?.values() ?? []) waiting.stop();
    this.#waiting.delete(dialog);
  }

  #forget(dialog: SipDialog, seq: number): void {
    const bySeq = this.#waiting.get(dialog);
    bySeq?.delete(seq);
    if (bySeq?.size === 0) this.#waiting.delete(dialog);
  }
}
