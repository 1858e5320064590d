import type { Cancel } from '../../ports/clock.ts';
import type { SipResponse } from '../sip/message.ts';
import type { ClientFailure } from './client.ts';
import { kTimeoutMs, type Timers } from './timers.ts';

export interface ClientInviteEvents {
  send(): void;
  /** Each provisional response, the first final one, and every further 2xx. */
  response(response: SipResponse): void;
  /** Acknowledges a final response other than 2xx, hop by hop (RFC 3261 section 17.1.1.3). */
  acknowledge(response: SipResponse): void;
  failed(failure: ClientFailure): void;
  ended(): void;
}

type State = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';

/**
 * INVITE client transaction (RFC 3261 section 17.1.1, with the Accepted state of RFC 6026 section 7.2).
 *
 *   calling --1xx--> proceeding --2xx--> accepted --M--> terminated
 *      |                 \--300-699--> completed --D--> terminated
 *      \--B--> terminated
 */
export class ClientInviteTransaction {
  readonly kind = 'client-invite';
  readonly #timers: Timers;
  readonly #reliable: boolean;
  readonly #events: ClientInviteEvents;
  #state: State = 'calling';
  #cancelRepeat: Cancel = () => {};
  #cancelEnd: Cancel = () => {};

  constructor(timers: Timers, reliable: boolean, events: ClientInviteEvents) {
    this.#timers = timers;
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State {
    return this.#state;
  }

  start(): void {
    this.#cancelEnd = this.#timers.after(kTimeoutMs, () => this.fail('timeout')); // B
    if (!this.#reliable) this.#cancelRepeat = this.#timers.repeat(kTimeoutMs, () => this.#events.send()); // A
    this.#events.send();
  }

  receive(response: SipResponse): void {
    if (this.#state === 'completed') {
      if (response.status >= 300) this.#events.acknowledge(response);
    } else if (this.#state === 'accepted') {
      if (response.status >= 200 && response.status < 300) this.#events.response(response);
    } else if (this.#state !== 'terminated') this.#proceed(response);
  }

  fail(failure: ClientFailure): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return;
    this.#events.failed(failure);
    this.terminate();
  }

  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#stopTimers();
    this.#events.ended();
  }

  #proceed(response: SipResponse): void {
    this.#stopTimers();
    if (response.status < 200) {
      this.#state = 'proceeding';
      this.#events.response(response);
    } else if (response.status < 300) {
      this.#state = 'accepted';
      this.#cancelEnd = this.#timers.after(kTimeoutMs, () => this.terminate()); // M
      this.#events.response(response);
    } else this.#complete(response);
  }

  #complete(response: SipResponse): void {
    this.#state = 'completed';
    this.#events.acknowledge(response);
    this.#events.response(response);
    if (this.#reliable) this.terminate();
    else this.#cancelEnd = this.#timers.after(kTimeoutMs, () => this.terminate()); // D
  }

  #stopTimers(): void {
    this.#cancelRepeat();
    this.#cancelEnd();
  }
}
