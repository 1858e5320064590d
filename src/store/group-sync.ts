import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

/** Writes a file's data to the disk and calls back; `fdatasync` but in tests. */
export type SyncFile = (fd: number, done: (error: Error | null) => void) => void;

/**
 * Makes commits durable, many with one write to the disk: the system is asked on a thread of libuv's pool, never twice at once, so whoever comes while it
 * works shares the next round. With SQLite's `synchronous=NORMAL` a commit is in the write-ahead log when its statement returns, and survives a power failure
 * when the log has been synced after it: `FULL` does the same, but keeps the thread that commits waiting for each. What a checkpoint has moved into the
 * database meanwhile was synced by it.
 */
export class GroupSync {
  readonly #fd: number;
  readonly #sync: SyncFile;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #trouble: Error | undefined;
  #rounds = 0;
  #isClosed = false;

  /** @param log - the write-ahead log; it stays the same file as long as a connection is open. No locks are on it, so it may be opened. */
  constructor(log: string, sync: SyncFile = fdatasync) {
    this.#fd = openSync(log, 'r');
    this.#sync = sync;
  }

  /** How often the disk was asked. */
  get rounds(): number {
    return this.#rounds;
  }

  /**
   * Resolves when what was committed before the call is on the disk. Once that has failed it fails for good: the system reports lost pages once, and
   * what is written behind them is not found again after a power failure.
   */
  flushed(): Promise<void> {
    this.#next ??= this.#round();
    return this.#next;
  }

  /** The same, keeping this thread waiting. */
  flush(): void {
    if (this.#trouble) throw this.#trouble;
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** A second close does nothing. The file is let go of when no round is under way or waited for. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const last = this.#next ?? this.#running ?? Promise.resolve();
    void last.catch(() => undefined).then(() => closeSync(this.#fd));
  }

  async #round(): Promise<void> {
    await this.#running?.catch(() => undefined); // it may have begun before the commit
    this.#running = this.#next;
    this.#next = undefined;
    if (this.#trouble) throw this.#trouble;
    this.#rounds++;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#sync(this.#fd, (error) => (error ? reject(this.#failed(error)) : resolve()));
    return promise;
  }

  #failed(error: unknown): Error {
    this.#trouble ??= error instanceof Error ? error : new Error(String(error));
    return this.#trouble;
  }
}
