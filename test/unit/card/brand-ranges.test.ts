import creditCardType from 'credit-card-type';
import { describe, expect, it } from 'vitest';
import type { BrandId } from '../../../src/card/brand.ts';
import { brandOf } from '../../../src/card/brand-ranges.ts';
import { cardTable } from '../../support/card-table.ts';
import { ascii } from './ascii.ts';

describe('the brand of a number', () => {
  it.each(
    cardTable([
      ['4242424242424242', 'visa'],
      ['4011780000000000', 'elo'],
      ['4936981234567890', 'maestro'],
      ['4029180000000000', 'naranja'],
      ['5555555555554444', 'mastercard'],
      ['2221000000000009', 'mastercard'],
      ['2720990000000007', 'mastercard'],
      ['2220990000000007', undefined],
      ['2721000000000000', undefined],
      ['378282246310005', 'amex'],
      ['36227206271667', 'diners'],
      ['30950000000000', 'diners'],
      ['6011111111111117', 'discover'],
      ['6500520000000000', 'troy'],
      ['6500310000000000', 'elo'],
      ['6509230000000000', 'troy'],
      ['6521500000000000', 'rupay'],
      ['3566002020360505', 'jcb'],
      ['3088000000000009', 'jcb'],
      ['180000000000002', 'jcb'],
      ['190000000000000', 'uatp'],
      ['6200000000000005', 'unionpay'],
      ['8171999999999999', 'unionpay'],
      ['8172000000000000', 'rupay'],
      ['6759649826438453', 'maestro'],
      ['6703444444444449', 'bancontact'],
      ['5019717010103742', 'dankort'],
      ['5066991111111118', 'elo'],
      ['5060990000000000', 'verve'],
      ['5061280000000000', 'maestro'],
      ['2200770212727079', 'mir'],
      ['9792030394440796', 'troy'],
      ['6370950000000005', 'hiper'],
      ['6374335800000000', 'hiper'],
      ['6374335700000000', 'maestro'],
      ['6062826786276634', 'hipercard'],
      ['3841000000000000000', 'hipercard'],
      ['6900000000000000', undefined],
      ['0000000000000000', undefined],
      ['', undefined],
    ]),
  )('%s is %s', (_title, brand, digits) => {
    expect(brandOf(ascii(digits))).toBe(brand);
  });

  it('becomes known, and may change, as digits come in', () => {
    const seen = [...'62778012'].map((_, index) => brandOf(ascii('62778012'.slice(0, index + 1))));
    expect(seen).toEqual([undefined, 'unionpay', 'unionpay', 'unionpay', 'unionpay', 'elo', 'elo', 'elo']);
  });

  it.each(
    cardTable([
      ['6759649826438453', 'switch', 'maestro'],
      ['4903000000000000', 'switch', 'visa'],
      ['6767000000000000', 'solo', 'maestro'],
      ['6304000000000000', 'laser', 'maestro'],
    ]),
  )('%s is %s only where the merchant still lists that scheme, else %s', (_title, retired, today, digits) => {
    expect(brandOf(ascii(digits))).toBe(today);
    expect(brandOf(ascii(digits), ['visa', 'maestro', retired])).toBe(retired);
  });
});

/** Where we mean to differ from credit-card-type: its answer, ours, and the prefixes it is about. */
const kIntended: readonly (readonly [theirs: string, ours: BrandId | '-', prefixes: RegExp, why: string])[] =
  [
    ['maestro', '-', /^(59|60|61|64|66|68|69)/, 'no catch-all for 6 and 59'],
    ['maestro', 'rupay', /^(508[5-9]|60(69|7\d|8[0-5]))/, 'RuPay is unknown to it'],
    ['discover', 'rupay', /^65(2|3[01])/, 'RuPay is unknown to it'],
    ['-', 'rupay', /^8(17[2-9]|1[89]|2)/, 'RuPay is unknown to it'],
    ['maestro', 'unionpay', /^62/, 'all of 62 is UnionPay'],
    ['-', 'jcb', /^(3088|3096|3112|3120|3158|3337)/, 'legacy JCB'],
    ['-', 'diners', /^3095/, 'Diners 3095'],
    ['-', 'uatp', /^1/, 'UATP is unknown to it'],
    ['maestro', 'dankort', /^5019/, 'Dankort is unknown to it'],
    ['maestro', 'bancontact', /^6703/, 'Bancontact is unknown to it'],
    ['diners', 'hipercard', /^3841[046]0/, 'long Hipercard numbers'],
  ];

const kTheirNames: Readonly<Record<string, string>> = { 'american-express': 'amex', 'diners-club': 'diners' };
const kPrefixCount = 100_000;

describe('the brand table against credit-card-type', () => {
  it(`differs on ${kPrefixCount} prefixes only where it is meant to`, () => {
    const used = new Set<string>();
    const unexpected: string[] = [];
    for (const prefix of prefixes()) {
      const theirs = theirBrand(prefix);
      const ours = brandOf(ascii(prefix)) ?? '-';
      if (theirs === ours) continue;
      const row = kIntended.find(([t, o, pattern]) => t === theirs && o === ours && pattern.test(prefix));
      if (row) used.add(row[0] + row[1]);
      else unexpected.push(`${prefix}: ${theirs}, ours ${ours}`);
    }
    expect(unexpected).toEqual([]);
    expect([...used].sort()).toEqual([...new Set(kIntended.map(([t, o]) => t + o))].sort());
  });
});

function theirBrand(prefix: string): string {
  const names = creditCardType(prefix).map(({ type }) => kTheirNames[type] ?? type);
  return names.join('|') || '-';
}

/** Prefixes of ours that a random one would hardly hit. */
const kOurRareEdges = [384_100, 384_140, 384_160, 3841, 6703, 5019];

/** Eight digits each: half of them anywhere, half at an edge of a range. The same on every run. */
function* prefixes(): Generator<string> {
  const edges = Object.values(creditCardType.types).flatMap((type) =>
    creditCardType.getTypeInfo(type).patterns.flatMap((pattern) => {
      const [from, to] = Array.isArray(pattern) ? pattern : [pattern, pattern];
      return [Number(from) - 1, Number(from), Number(to), Number(to) + 1];
    }),
  );
  edges.push(...kOurRareEdges);
  const random = generator(1);
  for (let count = 0; count < kPrefixCount; count++) {
    const tail = String(random() % 100_000_000).padStart(8, '0');
    const head = count % 2 === 0 ? '' : String(edges[random() % edges.length]);
    yield (head + tail).slice(0, 8);
  }
}

/** Numerical Recipes' linear congruential generator; the low bits are left out. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const high = state >>> 16;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return high * 65_536 + (state >>> 16);
  };
}
