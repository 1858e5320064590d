import fc from 'fast-check';
import { toCardinal as britishOracle } from 'n2words/en-GB';
import { toCardinal as americanOracle } from 'n2words/en-US';
import { describe, expect, test } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { Locale } from '../../../src/ports/prompts.ts';
import {
  type EnglishDialect,
  integerWords,
  kAmerican,
  kBritish,
  referenceWords,
  type Spoken,
} from '../../../src/prompt/phrase-en.ts';
import { scriptOf } from '../../../tools/prompts/script-lines.ts';
import { kBothLocales, spoken } from './voice.ts';

const kTextOf = new Map(scriptOf('en-US').map((line) => [line.id, line.text]));

function asText(steps: readonly Spoken[]): string {
  return steps.map((step) => ('word' in step ? kTextOf.get(step.word) : '...')).join(' ');
}

/** All below 20,000, then every 37th up to 1.2 million. */
function* numbers(): Generator<number> {
  for (let n = 0; n < 20_000; n++) yield n;
  for (let n = 20_000; n <= 1_200_000; n += 37) yield n;
}

function mismatches(dialect: EnglishDialect, oracle: (n: number) => string): string[] {
  return [...numbers()].flatMap((n) => {
    const said = asText(integerWords(n, dialect));
    return said === oracle(n) ? [] : [`${n}: "${said}" instead of "${oracle(n)}"`];
  });
}

describe('integers', () => {
  test('American ones agree with n2words', () => {
    expect(mismatches(kAmerican, americanOracle)).toEqual([]);
  });

  // The oracle alone says "one million and nineteen thousand": "and" belongs before the last group only.
  test('British ones agree with n2words but for "and" after a million that thousands follow', () => {
    const oracle = (n: number) => britishOracle(n).replace(/million and (.*thousand)/, 'million $1');
    expect(mismatches(kBritish, oracle)).toEqual([]);
    expect(britishOracle(1_019_000)).toBe('one million and nineteen thousand');
  });

  test.each([
    [999_999_999, 'n/9 hundred n/99 million n/9 hundred n/99 thousand n/9 hundred n/99.end'],
    [1_000_000, 'n/1 million.end'],
    [1_000_000_000, 'd/1 d/0 d/0 d/0 d/0 d/0 d/0 d/0 d/0 d/0.end'],
    [0, 'n/0.end'],
    [3, 'n/3.end'],
  ])('says %i', (value, fragments) => {
    expect(spoken([{ say: 'number', value }])).toBe(fragments);
  });
});

const kMoney: [number, string, Locale, string][] = [
  [0, 'USD', 'en-US', 'n/0 cur/dollars.end'],
  [1, 'USD', 'en-US', 'n/1 cur/cent.end'],
  [99, 'USD', 'en-US', 'n/99 cur/cents.end'],
  [100, 'USD', 'en-US', 'n/1 cur/dollar.end'],
  [101, 'USD', 'en-US', 'n/1 cur/dollar and n/1 cur/cent.end'],
  [5025, 'USD', 'en-US', 'n/50 cur/dollars and n/25 cur/cents.end'],
  [123_456, 'USD', 'en-US', 'n/1 thousand n/2 hundred n/34 cur/dollars and n/56 cur/cents.end'],
  [123_456, 'USD', 'en-GB', 'n/1 thousand n/2 hundred and n/34 cur/dollars and n/56 cur/cents.end'],
  [100_000_000, 'USD', 'en-US', 'n/1 million cur/dollars.end'],
  [100_500, 'GBP', 'en-GB', 'n/1 thousand and n/5 cur/pounds.end'],
  [100_500, 'GBP', 'en-US', 'n/1 thousand n/5 cur/pounds.end'],
  [1, 'GBP', 'en-GB', 'n/1 cur/penny.end'],
  [2, 'GBP', 'en-GB', 'n/2 cur/pence.end'],
  [101, 'GBP', 'en-GB', 'n/1 cur/pound and n/1 cur/penny.end'],
  [1250, 'GBP', 'en-GB', 'n/12 cur/pounds and n/50 cur/pence.end'],
  [1050, 'CAD', 'en-US', 'n/10 cur/dollars and n/50 cur/cents.end'],
  [1050, 'AUD', 'en-US', 'n/10 cur/dollars and n/50 cur/cents.end'],
  [101, 'EUR', 'en-US', 'n/1 cur/euro and n/1 cur/cent.end'],
  [2020, 'CHF', 'en-GB', 'n/20 cur/francs and n/20 cur/centimes.end'],
  [150, 'SEK', 'en-US', 'n/1 cur/krona and n/50 cur/ore.end'],
  [250, 'DKK', 'en-US', 'n/2 cur/kroner and n/50 cur/ore.end'],
  [201, 'MXN', 'en-US', 'n/2 cur/pesos and n/1 cur/centavo.end'],
  [5000, 'JPY', 'en-US', 'n/5 thousand cur/yen.end'],
  [1, 'JPY', 'en-US', 'n/1 cur/yen.end'],
  [1250, 'KWD', 'en-US', 'n/1 cur/dinar and n/2 hundred n/50 cur/fils.end'],
  [12_005, 'KWD', 'en-GB', 'n/12 cur/dinars and n/5 cur/fils.end'],
  [1250, 'XTS', 'en-US', 'd/1 d/2 point d/5 d/0 (150) l/x l/t l/s.end'],
  [7, 'CLF', 'en-US', 'd/0 point d/0 d/0 d/0 d/7 (150) l/c l/l l/f.end'],
];

describe('money', () => {
  test.each(kMoney)('says %i minor units of %s in %s', (minor, currency, locale, fragments) => {
    expect(spoken([{ say: 'money', amount: money(minor, currency) }], locale)).toBe(fragments);
  });
});

test('any amount of any currency is said with committed recordings, in both languages', () => {
  const currencies = fc.oneof(
    fc.constantFrom('USD', 'GBP', 'EUR', 'CHF', 'SEK', 'NOK', 'MXN', 'JPY', 'KWD', 'INR', 'CLF'),
    fc.stringMatching(/^[A-Z]{3}$/),
  );
  const amounts = fc.oneof(fc.nat(), fc.maxSafeNat());
  fc.assert(
    fc.property(amounts, currencies, fc.constantFrom(...kBothLocales), (minor, currency, locale) => {
      expect(spoken([{ say: 'money', amount: money(minor, currency) }], locale)).toMatch(/\.end$/);
    }),
    { numRuns: 2000 },
  );
});

describe('brands', () => {
  test.each([
    [[], ''],
    [['visa'], 'brand/visa.end'],
    [['visa', 'amex'], 'brand/visa and brand/amex.end'],
    [
      ['visa', 'mastercard', 'jcb', 'amex'],
      'brand/visa (150) brand/mastercard (150) brand/jcb and brand/amex.end',
    ],
  ] as const)('lists %j', (brands, fragments) => {
    expect(spoken([{ say: 'brands', brands }])).toBe(fragments);
  });
});

describe('references', () => {
  test.each([
    ['A1B', 'l/a d/1 l/b.end'],
    ['AB123', 'l/a l/b d/1.end (400) d/2 d/3.end'],
    ['ABC123', 'l/a l/b l/c.end (400) d/1 d/2 d/3.end'],
    ['tx-77K', 'l/t l/x.end (400) d/7 d/7 l/k.end'],
    ['00Z4 9', 'd/0 d/0 l/z d/4.end (400) d/9.end'],
    ['', ''],
    ['--', ''],
  ])('spells "%s"', (text, fragments) => {
    expect(spoken([{ say: 'reference', text }])).toBe(fragments);
  });

  test('spells sixteen characters as four groups of four', () => {
    const groups = spoken([{ say: 'reference', text: '0123456789ABCDEF' }]).split(' (400) ');
    expect(groups.map((group) => group.split(' ').length)).toEqual([4, 4, 4, 4]);
  });

  test('keeps every letter and digit, in groups of three or four when there are six or more', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-HJKMNP-TV-Z]{6,40}$/), (text) => {
        const steps = referenceWords(text);
        const letters = steps.flatMap((step) => ('word' in step ? [step.word.slice(2)] : []));
        expect(letters.join('')).toBe(text.toLowerCase());
        for (const size of groupSizes(steps)) expect([3, 4]).toContain(size);
      }),
    );
  });
});

function groupSizes(steps: readonly Spoken[]): number[] {
  const gaps = steps.flatMap((step, index) => ('silenceMs' in step ? [index] : []));
  return [...gaps, steps.length].map((gap, index) => gap - (index === 0 ? 0 : (gaps[index - 1] ?? 0) + 1));
}
