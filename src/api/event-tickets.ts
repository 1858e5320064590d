import { randomBytes } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import type { Caller } from './caller.ts';

const kTicketMs = 30_000;
const kMostTickets = 1000;

/**
 * What a browser shows instead of the key when it opens a stream, since EventSource sends no header and a key does not belong in an address: good
 * for one stream, within half a minute, as whoever asked for it.
 */
export class EventTickets {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #issued = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  issue(caller: Caller): { readonly ticket: string; readonly expiresInMs: number } {
    const ticket = randomBytes(24).toString('base64url');
    this.#issued.set(ticket, { caller, untilMs: this.#clock.now() + kTicketMs });
    const [oldest] = this.#issued.keys();
    if (this.#issued.size > kMostTickets && oldest !== undefined) this.#issued.delete(oldest);
    return { ticket, expiresInMs: kTicketMs };
  }

  /** None of those issued is worth anything any more. */
  clear(): void {
    this.#issued.clear();
  }

  /** Takes it: a second time it is worth nothing. */
  redeem(ticket: string): Caller | undefined {
    const issued = this.#issued.get(ticket);
    this.#issued.delete(ticket);
    return issued && this.#clock.now() <= issued.untilMs ? issued.caller : undefined;
  }
}
