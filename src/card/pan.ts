import type { BrandId } from './brand.ts';
import { rangeOf } from './brand-ranges.ts';
import { kBrandRules } from './brand-rules.ts';
import { type CardSecret, kFieldCapacity } from './card-secret.ts';
import { luhn } from './luhn.ts';

const kShortestPan = 12;

/** A number of one of several allowed lengths counts as complete after this long without another key. */
export const kPanQuietMs = 3000;

/** `complete`: no `#` needed. `wait`: whole as it stands, longer ones exist; see {@link kPanQuietMs}. */
export type PanCompletion = 'incomplete' | 'wait' | 'complete';

export type PanVerdict =
  | { readonly kind: 'ok'; readonly brand: BrandId }
  | { readonly kind: 'too_short' }
  | { readonly kind: 'too_long' }
  | { readonly kind: 'bad_luhn' }
  | { readonly kind: 'unknown_brand' }
  | { readonly kind: 'brand_not_allowed'; readonly brand: BrandId };

/**
 * The most digits a number that begins like this can have; 19 while the brand is not known.
 * @param digits - ASCII digits; read, not kept.
 */
export function maxLengthFor(digits: Uint8Array, allowed: readonly BrandId[] = []): number {
  return lengthsFor(digits, allowed)?.at(-1) ?? kFieldCapacity.pan;
}

/**
 * Whether the entry ends by itself: at once at a brand's only length, after a pause where a brand has several.
 * @param digits - ASCII digits keyed so far; read, not kept.
 */
export function panCompletion(digits: Uint8Array, allowed: readonly BrandId[] = []): PanCompletion {
  const range = rangeOf(digits, allowed);
  if (!range) return 'incomplete';
  const rules = kBrandRules[range.brand];
  const lengths = range.lengths ?? rules.lengths;
  if (!lengths.includes(digits.length)) return 'incomplete';
  const checks = luhn(digits);
  if (lengths.length === 1) return checks || rules.luhn === 'ignored' ? 'complete' : 'incomplete';
  return checks ? 'wait' : 'incomplete';
}

/** Judges a finished entry: length, then check digit, then brand. */
export function checkPan(secret: CardSecret, allowed: readonly BrandId[]): PanVerdict {
  return secret.lend('pan', (digits) => verdictOn(digits, allowed));
}

/** The last four digits: the only part of a card number that may be stored. Empty for what is too short to be one. */
export function lastFour(secret: CardSecret): string {
  return secret.lend('pan', (digits) =>
    digits.length < kShortestPan ? '' : String.fromCharCode(...digits.subarray(-4)),
  );
}

function verdictOn(digits: Uint8Array, allowed: readonly BrandId[]): PanVerdict {
  const range = rangeOf(digits, allowed);
  if (!range) return unknownBrand(digits);
  const { brand } = range;
  const lengths = range.lengths ?? kBrandRules[brand].lengths;
  if (!lengths.includes(digits.length)) {
    return { kind: digits.length < Math.max(...lengths) ? 'too_short' : 'too_long' };
  }
  if (kBrandRules[brand].luhn === 'enforced' && !luhn(digits)) return { kind: 'bad_luhn' };
  return allowed.includes(brand) ? { kind: 'ok', brand } : { kind: 'brand_not_allowed', brand };
}

function unknownBrand(digits: Uint8Array): PanVerdict {
  if (digits.length < kShortestPan) return { kind: 'too_short' };
  return { kind: luhn(digits) ? 'unknown_brand' : 'bad_luhn' };
}

function lengthsFor(digits: Uint8Array, allowed: readonly BrandId[]): readonly number[] | undefined {
  const range = rangeOf(digits, allowed);
  return range && (range.lengths ?? kBrandRules[range.brand].lengths);
}
