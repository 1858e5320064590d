import type { CardSecret } from './card-secret.ts';

const kAsciiZero = 0x30;
const kLatestExpiryMonths = 20 * 12;
// A card is good to the end of its month wherever it was issued: the last time zone reaches it 12 h after UTC.
const kZoneSlackMs = 12 * 3_600_000;

export type ExpiryVerdict = 'ok' | 'invalid' | 'past';
export type FieldVerdict = 'ok' | 'invalid';

/**
 * Judges the expiry date. Three digits are read as 0MYY and stand as four in the arena afterwards.
 * @param date - now.
 */
export function checkExpiry(secret: CardSecret, date: Date): ExpiryVerdict {
  const reference = monthOf(date.getTime() - kZoneSlackMs);
  const month = readMonth(secret, 'expiry', reference);
  if (month === undefined || month > reference + kLatestExpiryMonths) return 'invalid';
  return month < reference ? 'past' : 'ok';
}

/** Judges a start date (MMYY, or 0MYY keyed as three digits); none keyed is fine, one in the future is not. */
export function checkStart(secret: CardSecret, date: Date): FieldVerdict {
  if (secret.length('start') === 0) return 'ok';
  const reference = monthOf(date.getTime() + kZoneSlackMs);
  const month = readMonth(secret, 'start', reference);
  return month !== undefined && month <= reference ? 'ok' : 'invalid';
}

/** Months since year 0, or undefined if it is no date. */
function readMonth(secret: CardSecret, field: 'expiry' | 'start', reference: number): number | undefined {
  if (secret.length(field) === 3) secret.prepend(field, 0);
  return secret.lend(field, (digits) => {
    const month = twoDigits(digits, 0);
    if (digits.length !== 4 || month < 1 || month > 12) return undefined;
    return nearestYear(twoDigits(digits, 2), Math.floor(reference / 12)) * 12 + month - 1;
  });
}

/** The year within 50 of now that ends in these two digits. */
function nearestYear(yearOfCentury: number, year: number): number {
  const candidate = year - (year % 100) + yearOfCentury;
  if (candidate > year + 50) return candidate - 100;
  return candidate <= year - 50 ? candidate + 100 : candidate;
}

function monthOf(timeMs: number): number {
  const date = new Date(timeMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function twoDigits(digits: Uint8Array, at: number): number {
  return ((digits[at] ?? 0) - kAsciiZero) * 10 + (digits[at + 1] ?? 0) - kAsciiZero;
}
