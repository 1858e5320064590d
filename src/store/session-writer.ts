import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  AttemptRecord,
  Page,
  SessionFilter,
  SessionList,
  SessionRecord,
  SessionRecords,
} from '../ports/store.ts';

const kFirstRetryMs = 1_000; // doubles each time, up to
const kLongestRetryMs = 15_000;
/** One after the other, with the event loop's other work in between. */
const kAtOnce = 20;
/** Rows are a few hundred bytes; what is dropped the next start ends, by what its attempts say. */
const kMostUnwritten = 10_000;

/**
 * Rows of sessions as calls write them: a row that the disk would not take is written when it takes it again, the latest of each session and in the
 * order in which they failed. Until then it is what readers get. A session that cannot be opened is refused, as the store does it.
 * Made by main, stopped by it before the store is closed.
 */
export class SessionWriter implements SessionRecords, SessionList {
  readonly #store: SessionRecords & SessionList;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #unwritten = new Map<string, SessionRecord>();
  #retryMs = kFirstRetryMs;
  #cancel: Cancel | undefined;
  #stopped = false;

  constructor(store: SessionRecords & SessionList, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  open(record: SessionRecord): void {
    this.#store.open(record);
  }

  /** Never throws. */
  update(record: SessionRecord): void {
    if (this.#unwritten.size > 0)
      this.#keep(record); // not ahead of those that wait
    else if (!this.#write(record, true)) this.#keep(record);
  }

  find(sessionId: string): SessionRecord | undefined {
    return this.#unwritten.get(sessionId) ?? this.#store.find(sessionId);
  }

  attempts(sessionId: string): readonly AttemptRecord[] {
    return this.#store.attempts(sessionId);
  }

  /** Found by what the disk has of them, shown as they are. */
  sessions(page: Page, filter?: SessionFilter): readonly SessionRecord[] {
    return this.#store
      .sessions(page, filter)
      .map((record) => this.#unwritten.get(record.sessionId) ?? record);
  }

  /** Tries what is not written a last time. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    for (const record of this.#unwritten.values()) {
      if (!this.#write(record, true)) return; // the next start ends them
      this.#unwritten.delete(record.sessionId);
    }
  }

  #keep(record: SessionRecord): void {
    this.#unwritten.set(record.sessionId, record);
    const [oldest] = this.#unwritten.keys();
    if (this.#unwritten.size > kMostUnwritten && oldest !== undefined) {
      this.#unwritten.delete(oldest);
      this.#log.error(
        { sessionId: oldest },
        'too many rows wait for the disk: this one stands open until the next start',
      );
    }
    this.#schedule(this.#retryMs);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel ??= this.#clock.schedule(delayMs, () => {
      this.#cancel = undefined;
      this.#retry();
    });
  }

  #retry(): void {
    for (const record of [...this.#unwritten.values()].slice(0, kAtOnce)) {
      if (!this.#write(record, false)) {
        this.#retryMs = Math.min(kLongestRetryMs, this.#retryMs * 2);
        this.#sendBack(record);
        this.#schedule(this.#retryMs);
        return;
      }
      this.#unwritten.delete(record.sessionId);
      this.#log.info({ sessionId: record.sessionId }, 'the row of a session is written now');
    }
    this.#retryMs = kFirstRetryMs;
    if (this.#unwritten.size > 0) this.#schedule(0);
  }

  /** Behind the others, which may have nothing wrong with them. */
  #sendBack(record: SessionRecord): void {
    this.#unwritten.delete(record.sessionId);
    this.#unwritten.set(record.sessionId, record);
  }

  #write(record: SessionRecord, isFirst: boolean): boolean {
    try {
      this.#store.update(record);
      return true;
    } catch (error) {
      if (isFirst)
        this.#log.error({ sessionId: record.sessionId, err: error }, 'the row of a session was not written');
      return false;
    }
  }
}
