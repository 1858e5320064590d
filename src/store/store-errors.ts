import { AppError } from '../errors.ts';

const kDamage = /^SQLITE_(NOTADB|CORRUPT)/;

/** Where the store's file cannot be used at all: what start-up says before it stops. */
export function unusable(file: string, cause: unknown): AppError {
  const { fault, remedy } = diagnosis(file, codeOf(cause));
  return new AppError(
    'CFG_UNREADABLE_FILE',
    `store ${file}: ${fault} (${detailOf(cause)}). Expected a SQLite file this process may read and write. ${remedy}`,
    cause,
  );
}

/** Where what is in the file cannot be relied on. @param found - what is wrong, without a row's content. */
export function damaged(file: string, found: string): AppError {
  const cause = Object.assign(new Error(found), { code: 'SQLITE_CORRUPT' });
  return unusable(file, cause);
}

/** The file is damaged, which no later try mends. */
export function isDamage(cause: unknown): boolean {
  return kDamage.test(codeOf(cause));
}

/** Where an open store fails at its work. */
export function failed(file: string, doing: string, cause: unknown): AppError {
  const { fault, remedy } = diagnosis(file, codeOf(cause));
  return new AppError(
    'STORE_FAILED',
    `store ${file}: could not ${doing}: ${fault} (${detailOf(cause)}). Expected a durable write. ${remedy}`,
    cause,
  );
}

function diagnosis(file: string, code: string): { fault: string; remedy: string } {
  if (/^SQLITE_(FULL|IOERR)|ENOSPC|EIO|EDQUOT|EFBIG/.test(code)) {
    return { fault: 'the disk is full or failing', remedy: 'Free space on its disk, or check the disk.' };
  }
  if (kDamage.test(code)) {
    return {
      fault: 'the file is damaged or is no SQLite database',
      remedy: `Move it away with ${file}-wal and ${file}-shm and restore it from a backup: it may hold payments whose outcome is open.`,
    };
  }
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return {
      fault: 'another process holds it',
      remedy: 'Stop the other process, or give each its own file.',
    };
  }
  if (/^SQLITE_CONSTRAINT/.test(code)) {
    return {
      fault: 'the row breaks a rule of the journal',
      remedy: 'Nothing was written; this is a fault of hushpay.',
    };
  }
  return {
    fault: 'it cannot be opened or written',
    remedy: 'Check its path, its owner and its permissions, or set another data directory.',
  };
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

function detailOf(cause: unknown): string {
  return cause instanceof Error ? `${codeOf(cause)} ${cause.message}`.trim() : 'unknown';
}
