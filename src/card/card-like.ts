// Finds what looks like a card number in text that is about to leave the process: the net below the types. Rules: 12 to 19
// digits that pass Luhn, alone, grouped as people group them, or key by key. Timestamps, ids and addresses stay as they are.

import { luhnInText } from './luhn.ts';

const kMask = '[digits]';
const kShortest = 12;
const kLongest = 19;
const kSeparator = ' -';
const kRun = /\d(?:[ -]{0,2}\d){11,}/g;
// Key by key with whatever between them: a JSON array, `"4","2"`, `4.2.4.2`.
const kKeyByKey = /(?<!\d)\d(?!\d)(?:[^\da-z]{1,3}\d(?!\d)){11,}/gi;
// Four by four, or as American Express and Diners write them, with some other sign between the groups.
const kGroups = /(?<!\d)\d{4}([^\da-z])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{6}\1\d{4,5})(?!\d)/gi;
// UUIDs and long hexadecimal ids; a card number with a letter or two glued on is neither.
const kId = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b(?=(?:\d*[a-f]){4})[0-9a-f]{20,}\b/gi;
const kEpoch = /^1[6-9](?:\d{11}|\d{14}|\d{17})$/; // ms, µs, ns since 1970, in 2020 to 2033: no brand begins so at these lengths
// How people and programs group a card number; every digit, or every pair, on its own counts as well.
const kGrouping = /^(?:4,4,4,[1-7]|4,4,4,4(?:,[1-3])?|4,6,[45]|[46],8,?\d?|6,1[0-3])$/;

const kGroupingBegun = /^[46](?:,|$)/;
const kMostGroups = 5;

/** A stretch of text, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Every stretch of the text that may be a card number, in order. */
export function findCardLike(text: string): Span[] {
  const ids = spansOf(kId, text);
  const found = spansOf(kRun, text).flatMap((run) => cardsInRun(text, run, ids));
  const keys = spansOf(kKeyByKey, text).filter((span) => hasCardInside(digitsOf(text, span)));
  const groups = spansOf(kGroups, text).filter((span) => isCard(digitsOf(text, span)));
  return [...found, ...keys, ...groups].sort((a, b) => a.start - b.start || b.end - a.end);
}

/**
 * Replaces every stretch that may be a card number. A number of a JSON line becomes `null`, so that the line stays JSON.
 * @param onHit - called once per stretch.
 */
export function maskCardLike(text: string, onHit?: () => void): string {
  let masked = '';
  let from = 0;
  for (const { start, end } of findCardLike(text)) {
    if (start < from) continue;
    masked += text.slice(from, start) + (isBareJsonNumber(text, start, end) ? 'null' : kMask);
    from = end;
    onHit?.();
  }
  return from === 0 ? text : masked + text.slice(from);
}

function isBareJsonNumber(text: string, start: number, end: number): boolean {
  return ':[,'.includes(text[start - 1] ?? ' ') && ',}]'.includes(text[end] ?? ' ');
}

function spansOf(pattern: RegExp, text: string): Span[] {
  return Array.from(text.matchAll(pattern), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function cardsInRun(text: string, run: Span, ids: readonly Span[]): Span[] {
  const groups = groupsOf(text, run).filter(
    (group) => !ids.some((id) => id.start <= group.start && group.end <= id.end),
  );
  const first = groups[0];
  const last = groups.at(-1);
  if (!first || !last || isFraction(text, first)) return [];
  const whole = { start: first.start, end: last.end };
  if (isEvenlySpaced(groups) && hasCardInside(digitsOf(text, whole))) return [whole];
  if (groups.length > 1 && isCard(digitsOf(text, whole))) return [whole];
  return [...groups.filter((group) => isCardGroup(digitsOf(text, group))), ...groupedCards(text, groups)];
}

/** Digits after a decimal point: a measurement, not a number of its own. */
function isFraction(text: string, group: Span): boolean {
  return text[group.start - 1] === '.' && /\d/.test(text[group.start - 2] ?? '');
}

function groupsOf(text: string, run: Span): Span[] {
  const groups: Span[] = [];
  let start = run.start;
  for (let at = run.start; at <= run.end; at++) {
    if (at < run.end && !kSeparator.includes(text[at] ?? '')) continue;
    if (at > start) groups.push({ start, end: at });
    start = at + 1;
  }
  return groups;
}

/** Keys one by one, or two by two: everything about them is suspicious. */
function isEvenlySpaced(groups: readonly Span[]): boolean {
  return groups.length > 5 && [1, 2].some((size) => groups.every(({ start, end }) => end - start === size));
}

function isCardGroup(digits: string): boolean {
  if (digits.length > kLongest) return hasCardInside(digits);
  return isCard(digits) && !kEpoch.test(digits);
}

/** Card numbers among other numbers, such as `4242 4242 4242 4242 123`. */
function groupedCards(text: string, groups: readonly Span[]): Span[] {
  const cards: Span[] = [];
  for (const [index, { start }] of groups.entries()) {
    let lengths = '';
    for (const { start: from, end } of groups.slice(index, index + kMostGroups)) {
      lengths += lengths === '' ? end - from : `,${end - from}`;
      if (!kGroupingBegun.test(lengths)) break;
      if (kGrouping.test(lengths) && isCard(digitsOf(text, { start, end }))) cards.push({ start, end });
    }
  }
  return cards;
}

function digitsOf(text: string, { start, end }: Span): string {
  return text.slice(start, end).replace(/\D/g, '');
}

function hasCardInside(digits: string): boolean {
  for (let length = 13; length <= kLongest; length++) {
    for (let start = 0; start + length <= digits.length; start++) {
      if (luhnInText(digits, start, start + length)) return true;
    }
  }
  return isCard(digits);
}

function isCard(digits: string): boolean {
  return digits.length >= kShortest && digits.length <= kLongest && luhnInText(digits);
}
