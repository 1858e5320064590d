import type { Cancel } from '../../ports/clock.ts';
import { kTimeoutMs, type Timers } from './timers.ts';

export interface ServerEvents {
  send(bytes: string): void;
  ended(): void;
}

type State = 'trying' | 'proceeding' | 'completed' | 'terminated';

/**
 * Server transaction of any method but INVITE and ACK (RFC 3261 section 17.2.2).
 *
 *   trying --1xx--> proceeding --200-699--> completed --J--> terminated
 */
export class ServerTransaction {
  readonly kind = 'server';
  readonly #timers: Timers;
  readonly #reliable: boolean;
  readonly #events: ServerEvents;
  #state: State = 'trying';
  #last: string | undefined;
  #cancelEnd: Cancel = () => {};

  constructor(timers: Timers, reliable: boolean, events: ServerEvents) {
    this.#timers = timers;
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State {
    return this.#state;
  }

  respond(status: number, bytes: string): void {
    if (this.#state === 'completed' || this.#state === 'terminated') return;
    this.#last = bytes;
    this.#state = status < 200 ? 'proceeding' : 'completed';
    this.#events.send(bytes);
    if (status < 200) return;
    if (this.#reliable) this.terminate();
    else this.#cancelEnd = this.#timers.after(kTimeoutMs, () => this.terminate()); // J
  }

  /** The request came again. */
  retransmitted(): void {
    if (this.#last !== undefined) this.#events.send(this.#last);
  }

  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#cancelEnd();
    this.#events.ended();
  }
}
