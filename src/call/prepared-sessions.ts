import { maskCardLike } from '../card/card-like.ts';
import { formatMajor } from '../money/money.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { SessionRequest } from '../ports/payment-sessions.ts';

const kWaitMs = 60 * 60_000;
const kMostWaiting = 10_000;

export interface Prepared {
  readonly id: string;
  readonly request: SessionRequest;
}

/** What a session was prepared with, for those who see it before it has a row. Amounts in major units. */
export function askedFor({ customerId, reference, amount }: SessionRequest): object {
  return {
    customerId: customerId && maskCardLike(customerId),
    reference: reference && maskCardLike(reference),
    amount: amount && formatMajor(amount),
    currency: amount?.currency ?? null,
  };
}

/** Sessions that were asked for and whose calls have not come. One that is never called is forgotten after an hour. */
export class PreparedSessions {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, { readonly prepared: Prepared; readonly cancel: Cancel }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns undefined when too many wait. */
  add(request: SessionRequest): Prepared | undefined {
    if (this.#waiting.size >= kMostWaiting) return undefined;
    const prepared = { id: crypto.randomUUID(), request };
    const cancel = this.#clock.schedule(kWaitMs, () => void this.#waiting.delete(prepared.id));
    this.#waiting.set(prepared.id, { prepared, cancel });
    return prepared;
  }

  find(id: string): Prepared | undefined {
    return this.#waiting.get(id)?.prepared;
  }

  /** Its call is there. */
  take(id: string): Prepared | undefined {
    const found = this.#waiting.get(id);
    found?.cancel();
    this.#waiting.delete(id);
    return found?.prepared;
  }

  /** None is waited for any more. */
  clear(): void {
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }
}
