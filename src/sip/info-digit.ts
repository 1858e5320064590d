import type { Key } from '../ports/media.ts';

const kSymbols = '0123456789*#ABCD';

/**
 * Reads the key of a SIP INFO: `application/dtmf-relay` (`Signal=5`, `Duration=160`) or `application/dtmf` (the bare symbol, or
 * an RFC 4733 event code of two figures).
 * @returns undefined if the body is of another type or names no key.
 */
export function keyOfInfo(contentType: string | undefined, body: string): Key | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/dtmf-relay')
    return keyOf(/^[ \t]*signal[ \t]*=[ \t]*(\S{1,2})[ \t]*$/im.exec(body)?.[1]);
  if (type === 'application/dtmf') return keyOf(/^\s*(\S{1,2})\s*$/.exec(body)?.[1]);
  return undefined;
}

function keyOf(signal: string | undefined): Key | undefined {
  if (signal === undefined) return undefined;
  const code = /^1[0-5]$/.test(signal) ? Number(signal) : kSymbols.indexOf(signal.toUpperCase());
  return signal.length === 2 && code < 10 ? undefined : code < 0 ? undefined : (code as Key);
}

/** The body of a SIP INFO for a key, as `application/dtmf-relay`. */
export function infoOfKey(key: Key): string {
  return `Signal=${kSymbols[key]}\r\nDuration=160\r\n`;
}
