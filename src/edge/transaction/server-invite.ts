import { type Ended, Lifetime } from './lifetime.ts';
import { doubled, kT2Ms, kT4Ms, kTimeoutMs, type Timers } from './timers.ts';

export interface ServerInviteEvents {
  send(bytes: string): void;
  /** A final response other than 2xx was never acknowledged (timer H). */
  unacknowledged(): void;
  ended(): void;
}

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed';

/**
 * INVITE server transaction (RFC 3261 section 17.2.1, with the Accepted state of RFC 6026 section 7.1).
 *
 *   proceeding --2xx--> accepted --L--> terminated          (the dialog repeats the 2xx, not the transaction)
 *       \--300-699--> completed --ACK--> confirmed --I--> terminated
 *                         \--H--> terminated
 */
export class ServerInviteTransaction {
  readonly kind = 'server-invite';
  readonly #life: Lifetime;
  readonly #reliable: boolean;
  readonly #events: ServerInviteEvents;
  #state: State = 'proceeding';
  #last: string | undefined;

  constructor(timers: Timers, reliable: boolean, events: ServerInviteEvents) {
    this.#life = new Lifetime(timers, () => events.ended());
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State | Ended {
    return this.#life.isOver ? 'terminated' : this.#state;
  }

  respond(status: number, bytes: string): void {
    if (this.state !== 'proceeding') return;
    this.#last = bytes;
    if (status < 200) this.#events.send(bytes);
    else if (status < 300) this.#accept(bytes);
    else this.#complete(bytes);
  }

  /** The INVITE came again. */
  retransmitted(): void {
    const repeats = this.state === 'proceeding' || this.state === 'completed';
    if (repeats && this.#last !== undefined) this.#events.send(this.#last);
  }

  /** ACK of a final response other than 2xx. */
  acknowledged(): void {
    if (this.state !== 'completed') return;
    this.#state = 'confirmed';
    this.#life.stop();
    this.#life.endAfter(this.#reliable ? 0 : kT4Ms); // I
  }

  terminate(): void {
    this.#life.end();
  }

  #accept(bytes: string): void {
    this.#state = 'accepted';
    this.#last = undefined; // never repeated from here
    this.#events.send(bytes);
    this.#life.endAfter(kTimeoutMs); // L
  }

  #complete(bytes: string): void {
    this.#state = 'completed';
    this.#events.send(bytes);
    if (!this.#reliable) this.#life.repeat(doubled(kT2Ms), () => this.#events.send(bytes)); // G
    this.#life.next(kTimeoutMs, () => {
      this.#events.unacknowledged(); // H
      this.terminate();
    });
  }
}
