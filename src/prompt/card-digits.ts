import type { CardSecret, SecretField } from '../card/card-secret.ts';
import type { PhraseItem } from '../ports/media.ts';
import type { Take } from './words.ts';

const kAsciiZero = 0x30;
const kGroupGap: PhraseItem = { silenceMs: 400 };

/**
 * The items of the ten digits, made once: what is yielded for a card are references into these tables, so that not even the
 * garbage of a phrase spells the card. `undefined` where a recording is missing.
 */
export type DigitItems = Readonly<Record<Take, readonly (PhraseItem | undefined)[]>>;

/**
 * Spells the last `count` digits of a card field. Each step lends the arena again and reads one byte, so nothing here ever holds
 * more than one digit. Ends quietly as soon as the field is not what it was at the start: cleared, typed anew, wiped.
 */
export function* cardDigits(
  card: CardSecret,
  field: SecretField,
  items: DigitItems,
  count = card.length(field),
): Generator<PhraseItem | undefined> {
  const length = card.length(field);
  let index = Math.max(0, length - count);
  let isFirst = true;
  for (const size of groupSizes(field, length - index)) {
    if (!isFirst) yield kGroupGap;
    isFirst = false;
    for (let left = size; left > 0; left--) {
      const digit = digitAt(card, field, index++, length);
      if (digit === undefined) return;
      yield items[left === 1 ? 'end' : 'mid'][digit];
    }
  }
}

/** Month and year of a MMYY (or MYY) field; undefined if it is not filled. */
export function cardExpiry(card: CardSecret): { readonly month: number; readonly year: number } | undefined {
  const length = card.length('expiry');
  if (length < 3) return undefined;
  const at = (index: number) => digitAt(card, 'expiry', index, length) ?? 0;
  const month = length === 3 ? at(0) : at(0) * 10 + at(1);
  return { month, year: at(length - 2) * 10 + at(length - 1) };
}

function digitAt(card: CardSecret, field: SecretField, index: number, length: number): number | undefined {
  if (card.wiped || card.length(field) !== length) return undefined;
  return card.lend(field, (digits) => asDigit(digits[index]));
}

function asDigit(byte: number | undefined): number | undefined {
  const value = byte === undefined ? -1 : byte - kAsciiZero;
  return value >= 0 && value <= 9 ? value : undefined;
}

/** As printed on the card: 4 6 5 for fifteen digits, else fours. A security code is one group, a postal code fives. */
function groupSizes(field: SecretField, length: number): number[] {
  if (field === 'pan' && length === 15) return [4, 6, 5];
  const size = field === 'postal' ? 5 : 4;
  return Array.from({ length: Math.ceil(length / size) }, (_, group) =>
    Math.min(size, length - group * size),
  );
}
