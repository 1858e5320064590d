import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { AttemptJournal, AttemptRecord } from '../ports/store.ts';

export type AttemptKey = Pick<AttemptRecord, 'sessionId' | 'attempt'>;
/** What became of an attempt; details left out stay as they are in the row. */
export type Settlement = Pick<AttemptRecord, 'state'> &
  Partial<Pick<AttemptRecord, 'transactionId' | 'declineClass' | 'declineCode' | 'approvedMinor'>>;

const kFirstRetryMs = 1000; // doubles each time, up to
const kLongestRetryMs = 60_000;

interface Unwritten {
  readonly key: AttemptKey;
  readonly settlement: Settlement;
  readonly doneAt: string;
  tries: number;
  cancel: Cancel;
}

/**
 * Writes what became of attempts. A write that fails is tried again, the latest per attempt, until the disk takes it: what is decided
 * is decided. Until then the row stands open, and a crash would make the next process ask the gateway again.
 */
export class JournalWriter {
  readonly #journal: AttemptJournal;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #unwritten = new Map<string, Unwritten>();
  #stopped = false;

  constructor(journal: AttemptJournal, clock: Clock, log: Log) {
    this.#journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  /** Never throws. */
  settle(key: AttemptKey, settlement: Settlement): void {
    const name = nameOf(key);
    this.#unwritten.get(name)?.cancel();
    this.#unwritten.delete(name);
    this.#write(name, {
      key: { sessionId: key.sessionId, attempt: key.attempt },
      settlement,
      doneAt: this.#clock.date().toISOString(),
      tries: 0,
      cancel: () => undefined,
    });
  }

  /** Whether the row of this attempt still stands open although it is settled. */
  owes(key: AttemptKey): boolean {
    return this.#unwritten.has(nameOf(key));
  }

  /** Tries what is not written a last time. */
  stop(): void {
    this.#stopped = true;
    for (const [name, work] of this.#unwritten) {
      work.cancel();
      this.#write(name, work);
    }
  }

  #write(name: string, work: Unwritten): void {
    const { key, settlement, doneAt } = work;
    const details = { transactionId: null, declineClass: null, declineCode: null, ...settlement };
    try {
      this.#journal.settle(key, { ...details, doneAt: settlement.state === 'UNKNOWN' ? null : doneAt });
      this.#unwritten.delete(name);
      if (work.tries > 0)
        this.#log.info({ ...key, state: settlement.state }, 'the outcome of an attempt is written now');
    } catch (error) {
      if (work.tries === 0 || this.#stopped) {
        this.#log.error(
          { ...key, state: settlement.state, err: error },
          'the outcome of an attempt was not written',
        );
      }
      this.#retry(name, work);
    }
  }

  #retry(name: string, work: Unwritten): void {
    if (this.#stopped) return;
    const delayMs = Math.min(kLongestRetryMs, kFirstRetryMs * 2 ** work.tries);
    work.tries++;
    this.#unwritten.set(name, work);
    work.cancel = this.#clock.schedule(delayMs, () => this.#write(name, work));
  }
}

function nameOf({ sessionId, attempt }: AttemptKey): string {
  return `${sessionId}/${attempt}`;
}
