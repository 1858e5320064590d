import { AppError } from '../errors.ts';
import type { LogFields } from '../ports/log.ts';

// A net for what should not have been passed; the types are the lock.
const kSecretNames =
  /^(pan|cvv|card(number)?|digits|authorization|(api|private)?-?_?key|token|secret|password|cookie)$/i;
const kDeepest = 6;
const kLongestList = 100;

/** The fields of a log line as plain JSON values: bytes and what is named like a secret left out, errors by an allow-list. */
export function plainFields(fields: LogFields): Record<string, unknown> {
  return plainObject(fields, 0);
}

function plainObject(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    kSecretNames.test(name) && value !== null && value !== undefined ? '[set]' : plain(value, depth + 1),
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > kDeepest) return '[deep]';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return '[bytes]';
  if (value instanceof Error) return plainError(value, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return value.slice(0, kLongestList).map((item) => plain(item, depth + 1));
  return plainObject(value, depth);
}

/**
 * Errors of libraries carry requests, replies and buffers: of theirs only these are kept. Where one came from is said of those nobody
 * foresaw; the others say in words what broke and what to do, and may come with every call.
 */
function plainError(error: Error, depth: number): unknown {
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: error.message,
    ...(isForeseen(error) ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
  };
}

function isForeseen(error: Error): boolean {
  return error instanceof AppError && error.code !== 'INTERNAL';
}
