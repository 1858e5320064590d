import type { ServerResponse } from 'node:http';
import type { Cancel } from '../ports/clock.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import { type Caller, type Owners, seesSession } from './caller.ts';

/** Where events come from. */
export interface EventSources {
  readonly log: Pick<EventLog, 'eventsAfter' | 'newestEventId'>;
  readonly feed: { listen(listener: (event: LiveEvent) => void): Cancel };
  /** Undefined: there is no such session. */
  ownersOf(sessionId: string): Owners | undefined;
}

const kHeartbeatMs = 15_000;
/** More was missed than this: the page starts afresh. */
const kLongestBacklog = 1000;
/** What a reader may owe us before it is let go; it comes back with the id of what it has. */
const kMostUnreadBytes = 256 * 1024;
const kRetryMs = 2000;

/** What a reader asks for. */
export interface ReaderWish {
  readonly caller: Caller;
  /** Undefined: all it sees. */
  readonly session: string | undefined;
  /** What it has; undefined: it wants what comes. */
  readonly after: number | undefined;
}

/**
 * Who listens, by what they listen to: hundreds of desks follow a session each, so an event is given to those it concerns and to nobody
 * else, whose session it is gets asked once, and its bytes are made once. Listens to the feed while somebody listens here.
 */
export class EventReaders {
  readonly #sources: EventSources;
  readonly #bySession = new Map<string | undefined, Set<Reader>>();
  #cancel: Cancel | undefined;

  constructor(sources: EventSources) {
    this.#sources = sources;
  }

  /** Answers with what was missed and then with what happens, until either side ends it. */
  add(response: ServerResponse, wish: ReaderWish): void {
    if (response.destroyed) return; // it has gone while its proof was looked at
    const reader = new Reader(response, wish.caller);
    const { session } = wish;
    const others = this.#bySession.get(session) ?? new Set();
    this.#bySession.set(session, others.add(reader));
    response.on('close', () => {
      reader.close();
      others.delete(reader);
      if (others.size === 0 && this.#bySession.get(session) === others) this.#bySession.delete(session);
      if (this.#bySession.size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    });
    reader.begin();
    // No event can come in between: nothing here waits.
    this.#catchUp(reader, wish);
    this.#cancel ??= this.#sources.feed.listen((event) => this.#tell(event));
  }

  close(): void {
    for (const readers of this.#bySession.values()) for (const reader of readers) reader.close();
  }

  #tell(event: LiveEvent): void {
    const ofOne = this.#bySession.get(event.sessionId);
    const ofAll = this.#bySession.get(undefined);
    if (!ofOne && !ofAll) return;
    const told = new Told(event, this.#sources);
    for (const reader of ofOne ?? []) reader.tell(told);
    for (const reader of ofAll ?? []) reader.tell(told);
  }

  #catchUp(reader: Reader, { session, after }: ReaderWish): void {
    if (after === undefined) return;
    const { log } = this.#sources;
    const missed = log.eventsAfter(after, kLongestBacklog + 1, session);
    const newest = log.newestEventId();
    // An id of another database, or too long ago: what the page has is worth nothing.
    if (missed.length > kLongestBacklog || after > newest) {
      reader.reset(newest);
      return;
    }
    const wanted = missed.filter(({ sessionId }) => session === undefined || sessionId === session);
    for (const event of wanted) reader.tell(new Told(event, this.#sources));
  }
}

/** An event on its way to its readers. */
class Told {
  readonly #event: LiveEvent;
  readonly #sources: Pick<EventSources, 'ownersOf'>;
  #bytes: Buffer | undefined;
  #owners: { readonly whose: Owners | undefined } | undefined;

  constructor(event: LiveEvent, sources: Pick<EventSources, 'ownersOf'>) {
    this.#event = event;
    this.#sources = sources;
  }

  /** As it is sent. */
  get bytes(): Buffer {
    if (this.#bytes) return this.#bytes;
    const { id, type, detail, sessionId, at } = this.#event;
    const data = JSON.stringify({ sessionId, at, ...detail });
    this.#bytes = Buffer.from(`${id === null ? '' : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`);
    return this.#bytes;
  }

  isFor(caller: Caller): boolean {
    if (caller.merchants === null && caller.agents === null) return true;
    this.#owners ??= { whose: this.#sources.ownersOf(this.#event.sessionId) };
    return seesSession(caller, this.#owners.whose);
  }
}

/** One of those who listen. */
class Reader {
  readonly #response: ServerResponse;
  readonly #caller: Caller;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, caller: Caller) {
    this.#response = response;
    this.#caller = caller;
  }

  begin(): void {
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    this.#write(`retry: ${kRetryMs}\n\n`);
    this.#heartbeat = setInterval(() => this.#beat(), kHeartbeatMs);
    this.#heartbeat.unref();
  }

  /** Ends with what it was opened with: a token that is over. */
  #beat(): void {
    const { untilMs = Number.POSITIVE_INFINITY } = this.#caller;
    if (Date.now() > untilMs) this.close();
    else this.#write(': still here\n\n');
  }

  tell(told: Told): void {
    if (told.isFor(this.#caller)) this.#write(told.bytes);
  }

  /** @param newestId - from where it goes on. */
  reset(newestId: number): void {
    this.#write(`id: ${newestId}\nevent: reset\ndata: {}\n\n`);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#response.end();
  }

  #write(what: string | Buffer): void {
    if (this.#response.writableEnded) return;
    this.#response.write(what);
    if (this.#response.writableLength > kMostUnreadBytes) this.#response.destroy();
  }
}
