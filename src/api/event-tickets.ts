import { randomBytes } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';

const kTicketMs = 30_000;
const kMostTickets = 1000;

/**
 * What a browser shows instead of the key when it opens a stream, since EventSource sends no header and a key does not belong in an address: good
 * for one stream, within half a minute.
 */
export class EventTickets {
  readonly #clock: Pick<Clock, 'date'>;
  readonly #validUntilMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'date'>) {
    this.#clock = clock;
  }

  issue(): { readonly ticket: string; readonly expiresInMs: number } {
    const ticket = randomBytes(24).toString('base64url');
    this.#validUntilMs.set(ticket, this.#clock.date().getTime() + kTicketMs);
    const [oldest] = this.#validUntilMs.keys();
    if (this.#validUntilMs.size > kMostTickets && oldest !== undefined) this.#validUntilMs.delete(oldest);
    return { ticket, expiresInMs: kTicketMs };
  }

  /** Takes it: a second time it is worth nothing. */
  redeem(ticket: string): boolean {
    const untilMs = this.#validUntilMs.get(ticket);
    this.#validUntilMs.delete(ticket);
    return untilMs !== undefined && this.#clock.date().getTime() <= untilMs;
  }
}
