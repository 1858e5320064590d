import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { AttemptJournal, AttemptKey, AttemptRecord } from '../ports/store.ts';

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

  /** Resolves when the disk has it, or would not take it at the first try. Never rejects. */
  settle(key: AttemptKey, settlement: Settlement): Promise<void> {
    const name = nameOf(key);
    const unwritten = this.#unwritten.get(name);
    unwritten?.cancel();
    return this.#write(name, {
      key: { sessionId: key.sessionId, attempt: key.attempt },
      settlement: { ...unwritten?.settlement, ...settlement }, // as if that had been written
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
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { cancel } of this.#unwritten.values()) cancel();
    await Promise.all([...this.#unwritten].map(([name, work]) => this.#write(name, work)));
  }

  async #write(name: string, work: Unwritten): Promise<void> {
    const { key, settlement, doneAt } = work;
    const details = { transactionId: null, declineClass: null, declineCode: null, ...settlement };
    this.#unwritten.set(name, work);
    try {
      await this.#journal.settle(key, { ...details, doneAt: settlement.state === 'UNKNOWN' ? null : doneAt });
      if (this.#unwritten.get(name) === work) this.#unwritten.delete(name);
      if (work.tries > 0)
        this.#log.info({ ...key, state: settlement.state }, 'the outcome of an attempt is written now');
    } catch (error) {
      if (work.tries === 0 || this.#stopped) {
        this.#log.error(
          { ...key, state: settlement.state, err: error },
          'the outcome of an attempt was not written',
        );
      }
      if (this.#unwritten.get(name) === work) this.#retry(name, work); // else a later outcome takes its place
    }
  }

  #retry(name: string, work: Unwritten): void {
    if (this.#stopped) return;
    const delayMs = Math.min(kLongestRetryMs, kFirstRetryMs * 2 ** work.tries);
    work.tries++;
    work.cancel = this.#clock.schedule(delayMs, () => void this.#write(name, work));
  }
}

function nameOf({ sessionId, attempt }: AttemptKey): string {
  return `${sessionId}/${attempt}`;
}
