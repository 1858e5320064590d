import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../errors.ts';
import { kMigrations } from './migrations.ts';
import { limitPageCache } from './page-cache.ts';
import { createPrivateFile, kPrivateFileMode } from './private-file.ts';
import { damaged, unusable } from './store-errors.ts';

/** At the start another process may be ending. */
const kBusyTimeoutMs = 5000;
/** Later every wait is one of the event loop, and of all calls: who finds the file locked for longer says so. */
const kRunningBusyTimeoutMs = 1000;
const kDirectoryMode = 0o700;
/** What a flood of calls made the write-ahead log grow to is given back when it begins anew; it has some 4 MB otherwise. */
const kMostLogBytes = 16 * 1024 * 1024;
/** What can be read through in about a second, on a slow disk in three. */
const kMostCheckedBytes = 64 * 1024 * 1024;

export interface DatabaseChecks {
  /** It holds books already: a file without a byte has lost them. */
  readonly isKnown: boolean;
  /** Every page is looked at before anything is written. A file larger than 64 MiB is not read through. */
  readonly isRead: boolean;
}

/**
 * Opens the file, made if need be for this user alone, and brings its schema up to date.
 * WAL with `synchronous=NORMAL`: a commit is whole or not there after a crash, and on the disk when the log has been synced ({@link GroupSync}).
 * @throws AppError CFG_UNREADABLE_FILE if it cannot be used.
 */
export function openDatabase(path: string, checks: DatabaseChecks): Database.Database {
  const file = resolve(path);
  let database: Database.Database | undefined;
  try {
    if (checks.isKnown && sizeOf(file) === 0)
      throw damaged(file, 'it is empty, and held the books of payments');
    if (checks.isRead && sizeOf(file)) assertSound(file);
    makePrivate(file);
    database = new Database(file, { timeout: kBusyTimeoutMs });
    database.pragma('journal_mode = WAL');
    database.pragma(`journal_size_limit = ${kMostLogBytes}`);
    database.pragma('synchronous = NORMAL');
    database.pragma('foreign_keys = ON');
    limitPageCache(database);
    migrate(database, file);
    database.pragma(`busy_timeout = ${kRunningBusyTimeoutMs}`);
    return database;
  } catch (error) {
    database?.close();
    throw error instanceof AppError ? error : unusable(file, error);
  }
}

function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: kDirectoryMode });
  createPrivateFile(file);
  // SQLite gives its -wal and -shm files the mode of the database.
  if ((statSync(file).mode & 0o777) !== kPrivateFileMode) chmodSync(file, kPrivateFileMode);
}

/** With a connection that may not write: the last one that may moves the log into the file when it closes, whatever it has found. */
function assertSound(file: string): void {
  accessSync(file, constants.R_OK | constants.W_OK); // SQLite tries for minutes to read a log beside which it may not write
  const database = new Database(file, { readonly: true, timeout: kBusyTimeoutMs });
  try {
    assertNotNewer(database, file);
    if ((sizeOf(file) ?? 0) > kMostCheckedBytes) return;
    const said = String(database.pragma('quick_check(1)', { simple: true }));
    if (said !== 'ok') throw damaged(file, said);
  } finally {
    database.close();
  }
}

/** Undefined: there is none. */
function sizeOf(file: string): number | undefined {
  return existsSync(file) ? statSync(file).size : undefined;
}

/** @returns its version. */
function assertNotNewer(database: Database.Database, file: string): number {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > kMigrations.length) throw madeByNewer(file, version);
  return version;
}

function migrate(database: Database.Database, file: string): void {
  const upgrade = database.transaction(() => {
    const version = assertNotNewer(database, file);
    for (const step of kMigrations.slice(version)) database.exec(step);
    database.pragma(`user_version = ${kMigrations.length}`);
  });
  upgrade.immediate();
}

function madeByNewer(file: string, version: number): AppError {
  return new AppError(
    'CFG_UNREADABLE_FILE',
    `store ${file}: its schema is version ${version}. Expected at most ${kMigrations.length}. ` +
      'A newer hushpay made it: run that version, or set another data directory.',
  );
}
