import { maskCardLike } from '../card/card-like.ts';

// What a gateway writes ends in records and logs, so a card it echoes is masked before that: its bytes before any string is
// made of them (maskCard), and what still looks like a card, or could be a security code, in the strings (cleanId, cleanText).

const kIdLength = 64;
const kTextLength = 120;
const kReadLength = 512; // nothing beyond is looked at: a string may be as long as the reply
const kOddInIds = /[^A-Za-z0-9._:/+=#-]/g;
const kControls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const kCodeLike = /\d{3,}/g; // a security code has 3 or 4
const kLeastCardDigits = 12;
// A masked number in JSON must stay a number; a run of nines never passes the Luhn check at any card's length.
const kMask = 0x39;

/** Overwrites the card number wherever the reply spells it, also with single blanks or dashes between its digits. */
export function maskCard(reply: Uint8Array, pan: Uint8Array): void {
  if (pan.length < kLeastCardDigits) return;
  for (let start = 0; start < reply.length; start++) {
    const end = endOfMatch(reply, start, pan);
    for (let at = start; at < end; at++) if (isDigit(reply[at])) reply[at] = kMask;
  }
}

/**
 * An id or code for our records: at most 64 characters, odd ones replaced.
 * @param cardMasked - the bytes went through {@link maskCard}; without it every number that could be a card is masked, so that
 *   one in ten numeric ids is lost.
 * @returns undefined if nothing is left.
 */
export function cleanId(text: string, cardMasked: boolean): string | undefined {
  const start = text.slice(0, kReadLength);
  const id = (cardMasked ? start : maskCardLike(start)).trim().slice(0, kIdLength).replace(kOddInIds, '_');
  return id === '' ? undefined : id;
}

/** Free text for a log line: one line, cut short, without any number of three digits or more. */
export function cleanText(text: string): string {
  return maskCardLike(text.slice(0, kReadLength))
    .replace(kCodeLike, '***')
    .replace(kControls, ' ')
    .slice(0, kTextLength);
}

/** @returns where the card's spelling from `start` ends, or `start` if it does not begin there. */
function endOfMatch(reply: Uint8Array, start: number, pan: Uint8Array): number {
  let at = start;
  for (let matched = 0; matched < pan.length; matched++) {
    if (matched > 0 && isSeparator(reply[at])) at++;
    if (reply[at] !== pan[matched]) return start;
    at++;
  }
  return at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isSeparator(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x2d;
}
