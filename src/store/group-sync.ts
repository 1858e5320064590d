import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

/** Writes a file's data to the disk and calls back; `fdatasync` but in tests. */
export type SyncFile = (fd: number, done: (error: Error | null) => void) => void;

const kAtOnce = 4;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Makes commits durable, many with one write to the disk: the system is asked on a thread of libuv's pool, never twice at once, so whoever comes while it
 * works shares the next round. With SQLite's `synchronous=NORMAL` a commit is in the write-ahead log when its statement returns, and survives a power failure
 * when the log has been synced after it: `FULL` does the same, but keeps the thread that commits waiting for each. What a checkpoint has moved into the
 * database meanwhile was synced by it.
 */
export class GroupSync {
  readonly #fd: number;
  readonly #sync: SyncFile;
  #waiting: Waiter[] = [];
  /** Whose wait is over, and who were not told yet. */
  #over: (() => void)[] = [];
  #isRunning = false;
  #isClosed = false;
  #trouble: Error | undefined;

  /** @param log - the write-ahead log; it stays the same file as long as a connection is open. No locks are on it, so it may be opened. */
  constructor(log: string, sync: SyncFile = fdatasync) {
    this.#fd = openSync(log, 'r');
    this.#sync = sync;
  }

  /**
   * Resolves when what was committed before the call is on the disk. Once that has failed it fails for good: the system reports lost pages once, and
   * what is written behind them is not found again after a power failure.
   */
  flushed(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ resolve, reject });
    if (!this.#isRunning) {
      this.#isRunning = true;
      queueMicrotask(() => this.#round()); // so that all of this turn share it
    }
    return promise;
  }

  /** The same, keeping this thread waiting. */
  flush(): void {
    this.assertSound();
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** @throws what went wrong with the disk once. */
  assertSound(): void {
    if (this.#trouble) throw this.#trouble;
  }

  /** What is waited for comes first. A second close does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isRunning) closeSync(this.#fd);
  }

  #round(): void {
    const round = this.#waiting.splice(0);
    if (this.#trouble) this.#end(round, this.#trouble);
    else this.#sync(this.#fd, (error) => this.#end(round, error && this.#failed(error)));
  }

  #end(round: readonly Waiter[], error: Error | null): void {
    this.#isRunning = this.#waiting.length > 0;
    if (this.#isRunning) this.#round();
    else if (this.#isClosed) closeSync(this.#fd);
    const isReleasing = this.#over.length > 0;
    for (const waiter of round) this.#over.push(error ? () => waiter.reject(error) : waiter.resolve);
    if (!isReleasing) this.#release();
  }

  /** A few at a time: what hundreds of payments do next must not keep the event loop from everything else. */
  #release(): void {
    for (const tell of this.#over.slice(0, kAtOnce)) tell();
    this.#over = this.#over.slice(kAtOnce);
    if (this.#over.length > 0) setImmediate(() => this.#release());
  }

  #failed(error: unknown): Error {
    this.#trouble ??= error instanceof Error ? error : new Error(String(error));
    return this.#trouble;
  }
}
