import Database from 'better-sqlite3';
import { createPrivateFile } from './private-file.ts';

/**
 * The right to resolve open attempts of a store, held by one process at a time: an exclusive lock on a file beside the database,
 * which the system gives back even if the process is killed. Without it a second process on the same file would take the first one's
 * running submissions for dead ones.
 */
export class Claim {
  readonly #file: string;
  #holder: Database.Database | undefined;

  constructor(storeFile: string) {
    this.#file = `${storeFile}.claim`;
  }

  /** True if this process has the claim, from before or from now. */
  take(): boolean {
    if (this.#holder) return true;
    createPrivateFile(this.#file);
    const holder = new Database(this.#file, { timeout: 0 });
    try {
      holder.exec('BEGIN EXCLUSIVE');
      this.#holder = holder;
      return true;
    } catch (error) {
      holder.close();
      if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false;
      throw error;
    }
  }

  release(): void {
    this.#holder?.close();
    this.#holder = undefined;
  }
}
