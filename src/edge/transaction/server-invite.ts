import type { Cancel } from '../../ports/clock.ts';
import { kT2Ms, kT4Ms, kTimeoutMs, type Timers } from './timers.ts';

export interface ServerInviteEvents {
  send(bytes: string): void;
  /** A final response other than 2xx was never acknowledged (timer H). */
  unacknowledged(): void;
  ended(): void;
}

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';

/**
 * INVITE server transaction (RFC 3261 section 17.2.1, with the Accepted state of RFC 6026 section 7.1).
 *
 *   proceeding --2xx--> accepted --L--> terminated          (the dialog repeats the 2xx, not the transaction)
 *       \--300-699--> completed --ACK--> confirmed --I--> terminated
 *                         \--H--> terminated
 */
export class ServerInviteTransaction {
  readonly kind = 'server-invite';
  readonly #timers: Timers;
  readonly #reliable: boolean;
  readonly #events: ServerInviteEvents;
  #state: State = 'proceeding';
  #last: string | undefined;
  #cancelRepeat: Cancel = () => {};
  #cancelEnd: Cancel = () => {};

  constructor(timers: Timers, reliable: boolean, events: ServerInviteEvents) {
    this.#timers = timers;
    this.#reliable = reliable;
    this.#events = events;
  }

  get state(): State {
    return this.#state;
  }

  respond(status: number, bytes: string): void {
    if (this.#state !== 'proceeding') return;
    this.#last = bytes;
    if (status < 200) this.#events.send(bytes);
    else if (status < 300) this.#accept(bytes);
    else this.#complete(bytes);
  }

  /** The INVITE came again. */
  retransmitted(): void {
    const repeats = this.#state === 'proceeding' || this.#state === 'completed';
    if (repeats && this.#last !== undefined) this.#events.send(this.#last);
  }

  /** ACK of a final response other than 2xx. */
  acknowledged(): void {
    if (this.#state !== 'completed') return;
    this.#state = 'confirmed';
    this.#stopTimers();
    this.#endAfter(this.#reliable ? 0 : kT4Ms); // I
  }

  terminate(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#stopTimers();
    this.#events.ended();
  }

  #accept(bytes: string): void {
    this.#state = 'accepted';
    this.#last = undefined; // never repeated from here
    this.#events.send(bytes);
    this.#endAfter(kTimeoutMs); // L
  }

  #complete(bytes: string): void {
    this.#state = 'completed';
    this.#events.send(bytes);
    if (!this.#reliable) this.#cancelRepeat = this.#timers.repeat(kT2Ms, () => this.#events.send(bytes)); // G
    this.#cancelEnd = this.#timers.after(kTimeoutMs, () => {
      this.#events.unacknowledged(); // H
      this.terminate();
    });
  }

  #endAfter(delayMs: number): void {
    if (delayMs === 0) this.terminate();
    else this.#cancelEnd = this.#timers.after(delayMs, () => this.terminate());
  }

  #stopTimers(): void {
    this.#cancelRepeat();
    this.#cancelEnd();
  }
}
