import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { AppError } from '../errors.ts';
import { kPrivateFileMode } from './private-file.ts';

const kKeyBytes = 32;
const kKeyText = /^[\w-]{43}$/; // base64url

/**
 * The key of the audit chain: 32 bytes as base64url in a file of its own. Made, for this user alone, if there is no such file. Who has the
 * key and may write the database can forge the chain: keep a copy of the file, and the anchors from the log, where that person is not.
 * @throws AppError CFG_UNREADABLE_FILE
 */
export function auditKey(file: string): Buffer {
  const text = existing(file) ?? made(file);
  if (!kKeyText.test(text)) {
    throw unusable(
      file,
      'it is no key',
      'Put the right file back: another key cannot verify what is written.',
    );
  }
  if ((statSync(file).mode & 0o077) !== 0) {
    throw unusable(file, 'others than its owner may read it', `Run: chmod 600 ${file}`);
  }
  return Buffer.from(text, 'base64url');
}

function existing(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(file, `it cannot be read (${codeOf(error)})`, 'Check its path, owner and permissions.');
  }
}

function made(file: string): string {
  const text = randomBytes(kKeyBytes).toString('base64url');
  try {
    writeFileSync(file, `${text}\n`, { flag: 'wx', mode: kPrivateFileMode, flush: true });
    return text;
  } catch (error) {
    // Another process was faster: its key is the key.
    if (codeOf(error) === 'EEXIST') return existing(file) ?? '';
    throw unusable(file, `it cannot be made (${codeOf(error)})`, 'Check its path, owner and permissions.');
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

function unusable(file: string, fault: string, remedy: string): AppError {
  return new AppError(
    'CFG_UNREADABLE_FILE',
    `audit key ${file}: ${fault}. Expected ${kKeyBytes} bytes as base64url that only their owner may read. ${remedy}`,
  );
}
