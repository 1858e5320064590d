import type { SipResponse } from '../sip/message.ts';
import { type Ended, Lifetime } from './lifetime.ts';
import { kT2Ms, kT4Ms, kTimeoutMs, type Timers } from './timers.ts';

export type ClientFailure = 'timeout' | 'transport';

export interface ClientEvents {
  send(): void;
  /** Each provisional response and the first final one. */
  response(response: SipResponse): void;
  /** No final response will come; `ended` follows. */
  failed(failure: ClientFailure): void;
  ended(): void;
}

type State = 'trying' | 'proceeding' | 'completed';

/**
 * Client transaction of any method but INVITE and ACK (RFC 3261 section 17.1.2).
 *
 *   trying --1xx--> proceeding --200-699--> completed --K--> terminated
 *      \--F------------/--F----> terminated
 */
export class ClientTransaction {
  readonly kind = 'client';
  readonly #life: Lifetime;
  readonly #reliable: boolean;
  readonly #events: ClientEvents;
  #state: State = 'trying';

  constructor(timers: Timers, reliable: boolean, events: ClientEvents) {
    this.#life = new Lifetime(timers, () => events.ended());
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State | Ended {
    return this.#life.isOver ? 'terminated' : this.#state;
  }

  start(): void {
    this.#life.next(kTimeoutMs, () => this.fail('timeout')); // F
    if (!this.#reliable)
      this.#life.repeat(
        (beforeMs) => this.#intervalMs(beforeMs),
        () => this.#events.send(),
      ); // E
    this.#events.send();
  }

  receive(response: SipResponse): void {
    if (!this.#isOpen) return;
    if (response.status < 200) {
      this.#state = 'proceeding';
      this.#events.response(response);
      return;
    }
    this.#state = 'completed';
    this.#life.stop();
    this.#events.response(response);
    this.#life.endAfter(this.#reliable ? 0 : kT4Ms); // K
  }

  fail(failure: ClientFailure): void {
    if (!this.#isOpen) return;
    this.#events.failed(failure);
    this.terminate();
  }

  terminate(): void {
    this.#life.end();
  }

  get #isOpen(): boolean {
    return !this.#life.isOver && this.#state !== 'completed';
  }

  /** After a provisional response every T2. */
  #intervalMs(beforeMs: number): number {
    return this.#state === 'proceeding' ? kT2Ms : Math.min(2 * beforeMs, kT2Ms);
  }
}
