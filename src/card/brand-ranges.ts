import type { BrandId } from './brand.ts';

/** Card numbers whose first digits lie in `from`..`to`, both of `prefixDigits` digits. */
export interface BrandRange {
  readonly brand: BrandId;
  readonly prefixDigits: number;
  readonly from: number;
  readonly to: number;
  /** Where they differ from the brand's own. */
  readonly lengths?: readonly number[];
}

export const kMaxPrefixDigits = 8;

const kAsciiZero = 0x30;

const kJcbLegacyLengths = [15, 16];
const kHipercardLongLengths = [19];

// A range is written `from-to` or as one prefix; both ends have the same number of digits.
const kRanges: readonly BrandRange[] = [
  ...ranges('visa', '4'),
  ...ranges('mastercard', '51-55 2221-2720'),
  ...ranges('amex', '34 37'),
  ...ranges('diners', '300-305 3095 36 38 39'),
  ...ranges('discover', '6011 644-649 65'),
  ...ranges('jcb', '3528-3589'),
  ...ranges('jcb', '1800 2131 3088 3096 3112 3120 3158 3337', kJcbLegacyLengths),
  ...ranges('unionpay', '62 810 8110-8171'),
  ...ranges('maestro', '50 56-58 63 67 493698 6390'),
  ...ranges(
    'elo',
    `401178-401179 431274 438935 451416 457393 457631-457632 504175 506699-506778 509000-509999 627780 636297
     636368 650031-650033 650035-650051 650405-650439 650485-650538 650541-650598 650700-650718 650720-650727
     650901-650978 651652-651679 655000-655019 655021-655058`,
  ),
  ...ranges('hiper', '637095 637568 637599 637609 637612 63737423 63743358'),
  ...ranges('hipercard', '606282'),
  ...ranges('hipercard', '384100 384140 384160', kHipercardLongLengths),
  ...ranges('mir', '2200-2204'),
  ...ranges(
    'troy',
    `9792 650052 650082-650083 650092 650161 650170 650173 650175 650268 650271 650273-650274 650456-650457
     650836 650846-650850 650923 650987 650990 654997 657366 657998 658758 658767-658768 65083700-65083704
     65085800-65085804 65085900-65085901 65086000 65086100-65086105 65086200-65086203 65875000-65875003 65875009
     65875101-65875104 65875200 65875501 65875601 65875900 65876000-65876002 65876100-65876103 65876110
     65876115-65876116 65876200-65876201 65876500 65876504-65876505 65876600-65876602 65877100-65877101
     65877600-65877602 65877700 65877801-65877802 65878200-65878202 65878300-65878311 65878400-65878405
     65878500-65878505 65878600-65878601 65879800 65880800 65880900`,
  ),
  ...ranges('rupay', '508500-508999 606985-607984 608001-608500 652150-653149 8172-8199 82'),
  ...ranges(
    'verve',
    `506099-506127 506129 506133-506150 506158-506163 506166 506168 506170 506173 506176-506180 506184
     506187-506188 506191 506195 506197 507865-507866 507868-507877 507880-507888 507900 507941`,
  ),
  ...ranges('naranja', '402918 527572 589562'),
  ...ranges('dankort', '5019'),
  ...ranges('bancontact', '6703'),
  ...ranges('uatp', '1'),
  ...ranges('solo', '6334 6767'),
  ...ranges('switch', '4903 4905 4911 4936 564182 633110 6333 6759'),
  ...ranges('laser', '6304 6706 6709 6771'),
];

// The first match is the answer: the longest prefix, and of two of one length the narrower.
const kByPrecedence = [...kRanges].sort(
  (a, b) => b.prefixDigits - a.prefixDigits || a.to - a.from - (b.to - b.from),
);

// Schemes that ended; their cards live on as Maestro or Visa unless a merchant still lists them.
const kRetired: ReadonlySet<BrandId> = new Set(['solo', 'switch', 'laser']);

/**
 * The range the first digits fall into.
 * @param digits - ASCII digits, as many as there are by now; read, not kept. At most eight are looked at.
 * @param allowed - brands the merchant takes: a retired scheme counts only if it is one of them.
 */
export function rangeOf(digits: Uint8Array, allowed: readonly BrandId[] = []): BrandRange | undefined {
  const range = kByPrecedence.find(
    (candidate) =>
      matches(candidate, digits) && (!kRetired.has(candidate.brand) || allowed.includes(candidate.brand)),
  );
  return range;
}

/** The brand as far as these digits tell it; more digits may make it another one. Parameters as {@link rangeOf}. */
export function brandOf(digits: Uint8Array, allowed: readonly BrandId[] = []): BrandId | undefined {
  return rangeOf(digits, allowed)?.brand;
}

function matches(range: BrandRange, digits: Uint8Array): boolean {
  if (digits.length < range.prefixDigits) return false;
  const prefix = numberOf(digits, range.prefixDigits);
  return prefix >= range.from && prefix <= range.to;
}

function numberOf(digits: Uint8Array, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index++) value = value * 10 + (digits[index] ?? 0) - kAsciiZero;
  return value;
}

function ranges(brand: BrandId, list: string, lengths?: readonly number[]): BrandRange[] {
  return list.split(/\s+/).map((text) => {
    const [from = '', to = from] = text.split('-');
    const range = { brand, prefixDigits: from.length, from: Number(from), to: Number(to) };
    return lengths ? { ...range, lengths } : range;
  });
}
