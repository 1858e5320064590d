import type { SipResponse } from '../sip/message.ts';
import type { ClientFailure } from './client.ts';
import { type Ended, Lifetime } from './lifetime.ts';
import { doubled, kTimeoutMs, type Timers } from './timers.ts';

export interface ClientInviteEvents {
  send(): void;
  /** Each provisional response, the first final one, and every further 2xx. */
  response(response: SipResponse): void;
  /** Acknowledges a final response other than 2xx, hop by hop (RFC 3261 section 17.1.1.3). */
  acknowledge(response: SipResponse): void;
  failed(failure: ClientFailure): void;
  ended(): void;
}

type State = 'calling' | 'proceeding' | 'accepted' | 'completed';

/**
 * INVITE client transaction (RFC 3261 section 17.1.1, with the Accepted state of RFC 6026 section 7.2).
 *
 *   calling --1xx--> proceeding --2xx--> accepted --M--> terminated
 *      |                 \--300-699--> completed --D--> terminated
 *      \--B--> terminated
 */
export class ClientInviteTransaction {
  readonly kind = 'client-invite';
  readonly #life: Lifetime;
  readonly #reliable: boolean;
  readonly #events: ClientInviteEvents;
  #state: State = 'calling';

  constructor(timers: Timers, reliable: boolean, events: ClientInviteEvents) {
    this.#life = new Lifetime(timers, () => events.ended());
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State | Ended {
    return this.#life.isOver ? 'terminated' : this.#state;
  }

  start(): void {
    this.#life.next(kTimeoutMs, () => this.fail('timeout')); // B
    if (!this.#reliable) this.#life.repeat(doubled(kTimeoutMs), () => this.#events.send()); // A
    this.#events.send();
  }

  receive(response: SipResponse): void {
    switch (this.state) {
      case 'calling':
      case 'proceeding':
        this.#proceed(response);
        return;
      case 'accepted':
        if (response.status >= 200 && response.status < 300) this.#events.response(response);
        return;
      case 'completed':
        if (response.status >= 300) this.#events.acknowledge(response);
        return;
      case 'terminated':
        return;
    }
  }

  fail(failure: ClientFailure): void {
    const { state } = this;
    if (state !== 'calling' && state !== 'proceeding') return;
    this.#events.failed(failure);
    this.terminate();
  }

  terminate(): void {
    this.#life.end();
  }

  #proceed(response: SipResponse): void {
    this.#life.stop();
    if (response.status < 200) {
      this.#state = 'proceeding';
      this.#events.response(response);
    } else if (response.status < 300) {
      this.#state = 'accepted';
      this.#life.endAfter(kTimeoutMs); // M
      this.#events.response(response);
    } else this.#complete(response);
  }

  #complete(response: SipResponse): void {
    this.#state = 'completed';
    this.#events.acknowledge(response);
    this.#events.response(response);
    this.#life.endAfter(this.#reliable ? 0 : kTimeoutMs); // D
  }
}
