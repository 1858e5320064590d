import type { Cancel, Clock } from '../ports/clock.ts';
import type { EventDetail, EventLog, LiveEvent } from '../ports/live-events.ts';
import type { Log } from '../ports/log.ts';

/** Progress within a state: shown while it lasts, worth nothing afterwards. */
const kPassing: ReadonlySet<string> = new Set(['digits']);

type Listener = (event: LiveEvent) => void;

/** Tells what happens in all sessions to whoever listens, and keeps it for those who come back. Publishing never throws. */
export class LiveFeed {
  readonly #events: EventLog;
  readonly #clock: Pick<Clock, 'date'>;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();

  constructor(events: EventLog, clock: Pick<Clock, 'date'>, log: Log) {
    this.#events = events;
    this.#clock = clock;
    this.#log = log;
  }

  publish(sessionId: string, type: string, detail: EventDetail): void {
    const happened = { sessionId, at: this.#clock.date().toISOString(), type, detail };
    const event = { id: kPassing.has(type) ? null : this.#keep(happened), ...happened };
    for (const listener of this.#listeners) listener(event);
  }

  /** @param listener - must not throw; called in the order of the events. */
  listen(listener: Listener): Cancel {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Those who listen hear it all the same. */
  #keep(event: Omit<LiveEvent, 'id'>): number | null {
    try {
      return this.#events.append(event);
    } catch (error) {
      this.#log.error({ err: error, type: event.type }, 'an event was not kept');
      return null;
    }
  }
}
