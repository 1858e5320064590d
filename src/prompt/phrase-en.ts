import type { BrandId } from '../card/brand.ts';
import { formatMajor, type Money } from '../money/money.ts';
import type { CurrencyNoun, Word } from './words.ts';

/** One step of a spoken value. `end` marks a word that closes a group inside it; the last word closes it anyway. */
export type Spoken = { readonly word: Word; readonly end?: true } | { readonly silenceMs: number };

const kGroupGapMs = 400;
const kListGapMs = 150;
const kMaxSpokenInteger = 999_999_999;

/** What differs between the Englishes. British: "one hundred and one", "one thousand and one". */
export interface EnglishDialect {
  readonly saysAnd: boolean;
}

export const kAmerican: EnglishDialect = { saysAnd: false };
export const kBritish: EnglishDialect = { saysAnd: true };

/** Singular, plural, then the same for the minor unit; currencies without decimals have none. */
type Nouns = readonly [CurrencyNoun, CurrencyNoun, CurrencyNoun?, CurrencyNoun?];

const kDollar: Nouns = ['dollar', 'dollars', 'cent', 'cents'];
const kKrone: Nouns = ['krone', 'kroner', 'ore', 'ore'];
const kDinar: Nouns = ['dinar', 'dinars', 'fils', 'fils'];
const kNouns: Readonly<Record<string, Nouns>> = {
  USD: kDollar,
  CAD: kDollar,
  AUD: kDollar,
  NZD: kDollar,
  HKD: kDollar,
  SGD: kDollar,
  GBP: ['pound', 'pounds', 'penny', 'pence'],
  EUR: ['euro', 'euros', 'cent', 'cents'],
  CHF: ['franc', 'francs', 'centime', 'centimes'],
  SEK: ['krona', 'kronor', 'ore', 'ore'],
  NOK: kKrone,
  DKK: kKrone,
  MXN: ['peso', 'pesos', 'centavo', 'centavos'],
  JPY: ['yen', 'yen'],
  KWD: kDinar,
  BHD: kDinar,
  INR: ['rupee', 'rupees', 'paisa', 'paise'],
};

/** @param value - an integer, 0 or more; above 999,999,999 it is spelled digit by digit. */
export function integerWords(value: number, dialect: EnglishDialect): Spoken[] {
  if (value > kMaxSpokenInteger) return spellText(String(value));
  const millions = Math.floor(value / 1_000_000);
  const thousands = Math.floor(value / 1000) % 1000;
  const rest = value % 1000;
  const words: Spoken[] = [];
  if (millions > 0) words.push(...belowThousand(millions, dialect), say('million'));
  if (thousands > 0) words.push(...belowThousand(thousands, dialect), say('thousand'));
  if (rest > 0 || value === 0) {
    if (dialect.saysAnd && value > 999 && rest < 100) words.push(say('and'));
    words.push(...belowThousand(rest, dialect));
  }
  return words;
}

/** "Fifty dollars and twenty-five cents". A currency without a recorded noun is spelled: digits, "point", code. */
export function moneyWords(amount: Money, dialect: EnglishDialect): Spoken[] {
  const nouns = kNouns[amount.currency];
  if (nouns === undefined) return spellMoney(amount);
  const [one, many, minorOne, minorMany] = nouns;
  const unit = 10 ** amount.exponent;
  const major = Math.floor(amount.minor / unit);
  const minor = amount.minor % unit;
  if (minor === 0 || minorOne === undefined || minorMany === undefined) {
    return counted(major, one, many, dialect);
  }
  const tail = counted(minor, minorOne, minorMany, dialect);
  return major === 0 ? tail : [...counted(major, one, many, dialect), say('and'), ...tail];
}

/** "Visa, Mastercard and American Express". */
export function brandWords(brands: readonly BrandId[]): Spoken[] {
  return brands.flatMap((brand, index): Spoken[] => {
    const name = say(`brand/${brand}`);
    if (index === 0) return [name];
    return index === brands.length - 1 ? [say('and'), name] : [{ silenceMs: kListGapMs }, name];
  });
}

/**
 * "March twenty thirty".
 * @param month - 1..12
 * @param year - two digits of a year after 1999; 2000..2009 are "two thousand five".
 */
export function monthYearWords(month: number, year: number, dialect: EnglishDialect): Spoken[] {
  const name = say(`month/${month}`);
  return year < 10
    ? [name, ...integerWords(2000 + year, dialect)]
    : [name, ...belowThousand(20, dialect), ...belowThousand(year, dialect)];
}

/** Letters and digits in groups of 3-4, each closed by a falling take and a pause. Anything else parts groups. */
export function referenceWords(text: string): Spoken[] {
  const chunks = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return joinGroups(chunks.flatMap(evenGroups));
}

function belowThousand(value: number, dialect: EnglishDialect): Spoken[] {
  if (value < 100) return [say(`n/${value}`)];
  const rest = value % 100;
  return [
    say(`n/${Math.floor(value / 100)}`),
    say('hundred'),
    ...(rest > 0 && dialect.saysAnd ? [say('and')] : []),
    ...(rest > 0 ? [say(`n/${rest}`)] : []),
  ];
}

function counted(count: number, one: CurrencyNoun, many: CurrencyNoun, dialect: EnglishDialect): Spoken[] {
  return [...integerWords(count, dialect), say(`cur/${count === 1 ? one : many}`)];
}

function spellMoney(amount: Money): Spoken[] {
  return [...spellText(formatMajor(amount)), { silenceMs: kListGapMs }, ...spellText(amount.currency)];
}

function spellText(text: string): Spoken[] {
  return [...text.toLowerCase()].flatMap((character): Spoken[] => {
    if (character === '.') return [say('point')];
    if (/[0-9]/.test(character)) return [say(`d/${Number(character)}`)];
    return /[a-z]/.test(character) ? [say(`l/${character}`)] : [];
  });
}

/** 16 -> 4 4 4 4, 10 -> 4 3 3, 5 -> 3 2. */
function evenGroups(chunk: string): string[] {
  const groups = Math.ceil(chunk.length / 4);
  const short = Math.floor(chunk.length / groups);
  const longer = chunk.length % groups;
  const startOf = (group: number) => group * short + Math.min(group, longer);
  return Array.from({ length: groups }, (_, group) => chunk.slice(startOf(group), startOf(group + 1)));
}

function joinGroups(groups: readonly string[]): Spoken[] {
  return groups.flatMap((group, index) => {
    const letters = spellText(group);
    const closed = letters.map((item, at) =>
      at === letters.length - 1 && 'word' in item ? { word: item.word, end: true as const } : item,
    );
    return index === 0 ? closed : [{ silenceMs: kGroupGapMs }, ...closed];
  });
}

function say(word: Word): Spoken {
  return { word };
}
