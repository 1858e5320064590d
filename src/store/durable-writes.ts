import type Database from 'better-sqlite3';
import { AppError } from '../errors.ts';
import type { GroupSync } from './group-sync.ts';
import { failed, isDamage } from './store-errors.ts';

/**
 * How the store's tables write: whole transactions, on the disk when they say so. What must survive a power failure waits for `sync`; what a power
 * failure takes of sessions and events, the attempts put right again. Whatever goes wrong is an AppError STORE_FAILED that names what was being done.
 */
export class DurableWrites {
  readonly #database: Database.Database;
  readonly #sync: GroupSync;
  readonly #file: string;
  #damage: AppError | undefined;

  /** @param file - for messages. */
  constructor(database: Database.Database, sync: GroupSync, file: string) {
    this.#database = database;
    this.#sync = sync;
    this.#file = file;
  }

  /** Reads, or writes in one statement. */
  run<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof AppError) throw error;
      const failure = failed(this.#file, doing, error);
      if (isDamage(error)) this.#damage ??= failure;
      throw failure;
    }
  }

  /**
   * Before what must not be lost is begun: a file that was found damaged anywhere may lose it, however well this write goes. What has been begun is written
   * all the same.
   * @throws AppError STORE_FAILED, until another process has opened a sound file.
   */
  assertSound(): void {
    if (this.#damage) throw this.#damage;
  }

  /** All of it or nothing, with the write lock from the beginning: what is read in it is still true when it is written. */
  write<T>(doing: string, work: () => T): T {
    return this.run(doing, () => this.#database.transaction(work).immediate());
  }

  /** Resolves when what was written before the call is on the disk. */
  async kept(doing: string): Promise<void> {
    try {
      await this.#sync.flushed();
    } catch (error) {
      throw failed(this.#file, doing, error);
    }
  }

  /** {@link write}, and on the disk when it resolves. */
  async writeDurably<T>(doing: string, work: () => T): Promise<T> {
    const result = this.write(doing, work);
    await this.kept(doing);
    return result;
  }

  /** {@link write}, and on the disk when it returns: for what is rare, or asked from a terminal. */
  writeThrough<T>(doing: string, work: () => T): T {
    const result = this.write(doing, work);
    this.run(doing, () => this.#sync.flush());
    return result;
  }

  /** What breaks a rule of the journal. */
  refusal(what: string): AppError {
    return new AppError(
      'STORE_FAILED',
      `store ${this.#file}: ${what}. Nothing was written; this is a fault of hushpay.`,
    );
  }
}
