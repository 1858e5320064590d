import type { Cancel } from '../../ports/clock.ts';
import type { SipResponse } from '../sip/message.ts';
import { kT1Ms, kT2Ms, kT4Ms, kTimeoutMs, type Timers } from './timers.ts';

export type ClientFailure = 'timeout' | 'transport';

export interface ClientEvents {
  send(): void;
  /** Each provisional response and the first final one. */
  response(response: SipResponse): void;
  /** No final response will come; `ended` follows. */
  failed(failure: ClientFailure): void;
  ended(): void;
}

type State = 'trying' | 'proceeding' | 'completed' | 'terminated';

/**
 * Client transaction of any method but INVITE and ACK (RFC 3261 section 17.1.2).
 *
 *   trying --1xx--> proceeding --200-699--> completed --K--> terminated
 *      \--F------------/--F----> terminated
 */
export class ClientTransaction {
  readonly kind = 'client';
  readonly #timers: Timers;
  readonly #reliable: boolean;
  readonly #events: ClientEvents;
  #state: State = 'trying';
  #intervalMs = kT1Ms;
  #cancelRepeat: Cancel = () => {};
  #cancelEnd: Cancel = () => {};

  constructor(timers: Timers, reliable: boolean, events: ClientEvents) {
    this.#timers = timers;
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State {
    return this.#state;
  }

  start(): void {
    this.#cancelEnd = this.#timers.after(kTimeoutMs, () => this.fail('timeout')); // F
    if (!this.#reliable) this.#armRepeat();
    this.#events.send();
  }

  receive(response: SipResponse): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    if (response.status < 200) {
      this.#state = 'proceeding';
      this.#intervalMs = kT2Ms; // from here on every T2
      this.#events.response(response);
      return;
    }
    this.#state = 'completed';
    this.#stopTimers();
    this.#events.response(response);
    if (this.#reliable) this.terminate();
    else this.#cancelEnd = this.#timers.after(kT4Ms, () => this.terminate()); // K
  }

  fail(failure: ClientFailure): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    this.#events.failed(failure);
    this.terminate();
  }

  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#stopTimers();
    this.#events.ended();
  }

  /** Timer E. */
  #armRepeat(): void {
    this.#cancelRepeat = this.#timers.after(this.#intervalMs, () => {
      this.#intervalMs = Math.min(this.#intervalMs * 2, kT2Ms);
      this.#armRepeat();
      this.#events.send();
    });
  }

  #stopTimers(): void {
    this.#cancelRepeat();
    this.#cancelEnd();
  }
}
