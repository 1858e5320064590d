import { type ApiClient, ApiProblem } from './http.ts';
import type { StreamEvent, StreamState } from './stream-event.ts';

export interface StreamListener {
  onEvent(event: StreamEvent): void;
  onState(state: StreamState): void;
  /** More was missed than the server sends again, or this is the beginning. */
  onReset(): void;
  /** The key is not taken any more. */
  onRefused(): void;
}

/** What the server tells; an event that is not listed here is none of a page's. */
export const kEventTypes = [
  'prepared',
  'started',
  'dialling',
  'joined',
  'left',
  'measured',
  'not_reached',
  'stage',
  'digits',
  'field_error',
  'secure_mode',
  'attempt',
  'action',
  'ended',
  'resolved',
] as const;

const kFirstWaitMs = 500;
const kLongestWaitMs = 15_000;

/**
 * Follows what happens on the server by EventSource, of all sessions or of one. A ticket opens the stream once, so each time it
 * breaks another is asked for, and the last event's number says where to go on. open() and close() are called once each.
 */
export class LiveStream {
  readonly #api: ApiClient;
  readonly #sessionId: string | undefined;
  readonly #listener: StreamListener;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastId: string | undefined;
  #waitMs = kFirstWaitMs;
  #closed = false;

  constructor(api: ApiClient, listener: StreamListener, sessionId?: string) {
    this.#api = api;
    this.#listener = listener;
    this.#sessionId = sessionId;
  }

  open(): void {
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  async #connect(): Promise<void> {
    this.#listener.onState('connecting');
    const ticket = await this.#ticket();
    if (this.#closed) return;
    if (ticket === undefined) return this.#retry();
    const query = new URLSearchParams({ ticket });
    if (this.#sessionId !== undefined) query.set('session', this.#sessionId);
    if (this.#lastId !== undefined) query.set('after', this.#lastId);
    const source = new EventSource(`/v1/events?${query}`);
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => {
      source.close(); // its ticket is spent: it would come back in vain
      this.#retry();
    };
    source.addEventListener('reset', (event) => {
      this.#lastId = event.lastEventId;
      this.#listener.onReset();
    });
    for (const type of kEventTypes) {
      source.addEventListener(type, (event) => this.#take(type, event));
    }
  }

  async #ticket(): Promise<string | undefined> {
    try {
      return (await this.#api.post<{ ticket: string }>('/v1/event-tickets')).ticket;
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) this.#refused();
      return undefined;
    }
  }

  #opened(): void {
    this.#waitMs = kFirstWaitMs;
    this.#listener.onState('live');
    // Between what a page asked for and the opening of its first stream something may have happened.
    if (this.#lastId === undefined) this.#listener.onReset();
  }

  #take(type: string, { data, lastEventId }: MessageEvent<string>): void {
    if (lastEventId !== '') this.#lastId = lastEventId;
    this.#listener.onEvent({ ...(JSON.parse(data) as Omit<StreamEvent, 'type'>), type } as StreamEvent);
  }

  #retry(): void {
    if (this.#closed) return;
    this.#listener.onState('waiting');
    clearTimeout(this.#timer);
    // Spread, so that the desks of a server that was restarted do not all come at once.
    this.#timer = setTimeout(() => void this.#connect(), this.#waitMs * (0.5 + Math.random()));
    this.#waitMs = Math.min(kLongestWaitMs, this.#waitMs * 2);
  }

  #refused(): void {
    this.close();
    this.#listener.onRefused();
  }
}
