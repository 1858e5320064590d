import { closeSync, openSync } from 'node:fs';

export const kPrivateFileMode = 0o600;

/**
 * Makes an empty file for this user alone, if there is none. One that exists is not opened: closing it would drop the POSIX locks
 * SQLite holds on it elsewhere in this process.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', kPrivateFileMode));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
