import { randomInt } from 'node:crypto';
import type { Cancel } from '../../ports/clock.ts';
import { doubled, kTimeoutMs, type Timers } from '../transaction/timers.ts';

/** First RSeq: leaves room for the following ones below 2^31 (RFC 3262 section 3). */
const kMaxFirstSeq = 2 ** 30;

export interface ReliableEvents {
  resend(): void;
  /** No PRACK came within 64*T1. */
  giveUp(): void;
}

interface Pending {
  readonly rseq: number;
  /** It carries a session description: no 2xx may leave before it is acknowledged (RFC 3262 section 5). */
  readonly blocksAnswer: boolean;
  readonly stop: () => void;
}

interface State {
  rseq: number;
  pending: Pending | undefined;
  readonly held: HeldAnswer[];
}

/** An answer that waits until the one before it is acknowledged. */
export interface HeldAnswer {
  send(): void;
  /** The INVITE has ended: it will never be sent. */
  discard(): void;
}

/** RAck: which response it acknowledges, of which request (RFC 3262 section 7.2). */
export interface RAck {
  readonly rseq: number;
  readonly seq: number;
}

export function parseRAck(text: string): RAck | undefined {
  const match = /^(\d{1,10})[ \t]+(\d{1,10})[ \t]+INVITE$/.exec(text.trim());
  return match ? { rseq: Number(match[1]), seq: Number(match[2]) } : undefined;
}

/** Provisional answers sent reliably, by the transaction of their INVITE (RFC 3262 section 3). */
export class ReliableAnswers {
  readonly #timers: Timers;
  readonly #states = new Map<string, State>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** The RSeq for the next reliable answer to that INVITE. */
  nextSeq(transactionId: string): number {
    const state = this.#states.get(transactionId);
    if (!state) {
      const rseq = randomInt(1, kMaxFirstSeq);
      this.#states.set(transactionId, { rseq, pending: undefined, held: [] });
      return rseq;
    }
    state.rseq += 1;
    return state.rseq;
  }

  /** Repeats the answer just sent until it is acknowledged: T1, doubled each time, for 64*T1. */
  start(transactionId: string, blocksAnswer: boolean, events: ReliableEvents): void {
    const state = this.#states.get(transactionId);
    if (!state) return;
    const cancelRepeat: Cancel = this.#timers.repeat(doubled(kTimeoutMs), events.resend);
    const cancelEnd = this.#timers.after(kTimeoutMs, () => {
      cancelRepeat();
      events.giveUp();
    });
    const stop = (): void => {
      cancelRepeat();
      cancelEnd();
    };
    state.pending = { rseq: state.rseq, blocksAnswer, stop };
  }

  /** Whether an answer must wait for a PRACK. @param isFinal - a 2xx; else another reliable one. */
  mustWait(transactionId: string, isFinal: boolean): boolean {
    const state = this.#states.get(transactionId);
    if (!state) return false;
    if (state.held.length > 0) return true;
    return state.pending !== undefined && (!isFinal || state.pending.blocksAnswer);
  }

  hold(transactionId: string, answer: HeldAnswer): void {
    this.#states.get(transactionId)?.held.push(answer);
  }

  /** @returns false when nothing of that number waits. {@link release} follows once the PRACK is handed on. */
  acknowledge(transactionId: string, rseq: number): boolean {
    const state = this.#states.get(transactionId);
    if (state?.pending?.rseq !== rseq) return false;
    state.pending.stop();
    state.pending = undefined;
    return true;
  }

  /** Sends what waited, as far as it may. */
  release(transactionId: string): void {
    const state = this.#states.get(transactionId);
    if (!state || state.pending) return;
    for (let next = state.held.shift(); next; next = state.held.shift()) {
      next.send();
      if (state.pending) return;
    }
  }

  /** The INVITE has its final answer. */
  end(transactionId: string): void {
    const state = this.#states.get(transactionId);
    if (!state) return;
    this.#states.delete(transactionId);
    state.pending?.stop();
    for (const held of state.held) held.discard();
  }
}
