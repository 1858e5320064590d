import type { BrandId } from '../card/brand.ts';
import { kPromptIds } from '../ports/prompt-ids.ts';

/** `mid`: the sentence or group goes on after the word. `end`: the voice falls, something is finished. */
export type Take = 'mid' | 'end';

/** Words between the recorded sentences. `n/25` is a number inside a number, `d/5` a digit on its own, `l/a` a letter. */
export type Word =
  | `n/${number}`
  | `d/${number}`
  | `l/${string}`
  | `month/${number}`
  | `brand/${BrandId}`
  | `cur/${CurrencyNoun}`
  | Scale
  | Joiner;

export const kScales = ['hundred', 'thousand', 'million'] as const;
export type Scale = (typeof kScales)[number];

/** Never the last word of anything, so recorded once. */
export const kJoiners = ['and', 'point', 'ending'] as const;
export type Joiner = (typeof kJoiners)[number];

export const kCurrencyNouns = [
  ...(['dollar', 'dollars', 'cent', 'cents', 'pound', 'pounds', 'penny', 'pence', 'euro', 'euros'] as const),
  ...(['franc', 'francs', 'centime', 'centimes', 'krona', 'kronor', 'krone', 'kroner', 'ore'] as const),
  ...(['peso', 'pesos', 'centavo', 'centavos', 'yen', 'dinar', 'dinars', 'fils'] as const),
  ...(['rupee', 'rupees', 'paisa', 'paise'] as const),
] as const;
export type CurrencyNoun = (typeof kCurrencyNouns)[number];

/** Spoken names of brands, keyed so that a new {@link BrandId} without a name does not compile. */
export const kBrandNames: Readonly<Record<BrandId, string>> = {
  visa: 'Visa',
  mastercard: 'Mastercard',
  amex: 'American Express',
  diners: 'Diners Club',
  discover: 'Discover',
  jcb: 'JCB',
  unionpay: 'UnionPay',
  maestro: 'Maestro',
  elo: 'Elo',
  hiper: 'Hiper',
  hipercard: 'Hipercard',
  mir: 'Mir',
  troy: 'Troy',
  rupay: 'RuPay',
  verve: 'Verve',
  naranja: 'Naranja',
  dankort: 'Dankort',
  bancontact: 'Bancontact',
  uatp: 'UATP',
  solo: 'Solo',
  switch: 'Switch',
  laser: 'Laser',
};

export const kLetters = [...'abcdefghijklmnopqrstuvwxyz'] as const;

/** The name a recording of a word goes by in the manifests. */
export function fragmentOf(word: Word, take: Take): string {
  return take === 'mid' ? word : `${word}.end`;
}

/** Words that may stand last and therefore have both takes. */
export function wordsWithBothTakes(): Word[] {
  return [
    ...range(0, 99).map((n): Word => `n/${n}`),
    ...range(0, 9).map((n): Word => `d/${n}`),
    ...kLetters.map((letter): Word => `l/${letter}`),
    ...kScales,
    ...kCurrencyNouns.map((noun): Word => `cur/${noun}`),
    ...(Object.keys(kBrandNames) as BrandId[]).map((brand): Word => `brand/${brand}`),
  ];
}

export function wordsWithMidTake(): Word[] {
  return [...range(1, 12).map((month): Word => `month/${month}`), ...kJoiners];
}

/** Everything code can ask a locale for: all must be recorded before a call is taken. */
export function requiredFragments(): string[] {
  const words = wordsWithBothTakes();
  return [
    ...kPromptIds,
    ...words.map((word) => fragmentOf(word, 'mid')),
    ...words.map((word) => fragmentOf(word, 'end')),
    ...wordsWithMidTake(),
  ];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
