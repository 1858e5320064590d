import { maskCardLike } from '../card/card-like.ts';

// What a gateway writes ends in records and logs, so a card it echoes is masked before that: its bytes before any string is
// made of them (masked-reply.ts), and what still looks like a card, or could be a security code, in the strings.

const kIdLength = 64;
const kTextLength = 120;
const kReadLength = 512; // nothing beyond is looked at: a string may be as long as the reply
const kOddInIds = /[^A-Za-z0-9._:/+=#-]/g;
const kControls = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const kCodeLike = /\d{3,}/g; // a security code has 3 or 4

/**
 * An id or code for our records: at most 64 characters, odd ones replaced.
 * @param cardMasked - the bytes went through maskCard; without it every number that could be a card is masked, so that
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

/** A reason for a log line, of our words and a gateway's: what it wrote is cleaned, figures of ours stay. */
export function worded(
  ours: TemplateStringsArray,
  ...theirs: readonly (string | number | undefined)[]
): string {
  const told = theirs.map((each) => (typeof each === 'number' ? String(each) : cleanText(each ?? '')));
  return String.raw({ raw: ours }, ...told);
}
