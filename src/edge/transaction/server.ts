import { type Ended, Lifetime } from './lifetime.ts';
import { kTimeoutMs, type Timers } from './timers.ts';

export interface ServerEvents {
  send(bytes: string): void;
  ended(): void;
}

type State = 'trying' | 'proceeding' | 'completed';

/**
 * Server transaction of any method but INVITE and ACK (RFC 3261 section 17.2.2).
 *
 *   trying --1xx--> proceeding --200-699--> completed --J--> terminated
 */
export class ServerTransaction {
  readonly kind = 'server';
  readonly #life: Lifetime;
  readonly #reliable: boolean;
  readonly #events: ServerEvents;
  #state: State = 'trying';
  #last: string | undefined;

  constructor(timers: Timers, reliable: boolean, events: ServerEvents) {
    this.#life = new Lifetime(timers, () => events.ended());
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State | Ended {
    return this.#life.isOver ? 'terminated' : this.#state;
  }

  respond(status: number, bytes: string): void {
    if (this.state === 'completed' || this.state === 'terminated') return;
    this.#last = bytes;
    this.#state = status < 200 ? 'proceeding' : 'completed';
    this.#events.send(bytes);
    if (status >= 200) this.#life.endAfter(this.#reliable ? 0 : kTimeoutMs); // J
  }

  /** The request came again. */
  retransmitted(): void {
    if (this.#last !== undefined) this.#events.send(this.#last);
  }

  terminate(): void {
    this.#life.end();
  }
}
