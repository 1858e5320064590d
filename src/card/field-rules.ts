import type { BrandId } from './brand.ts';
import { kBrandRules } from './brand-rules.ts';
import type { FieldVerdict } from './card-dates.ts';
import { type CardSecret, kFieldCapacity } from './card-secret.ts';

const kShortestPostalCode = 3;

/** Judges the security code by its length; none is fine where some cards of the brand have none. */
export function checkSecurityCode(secret: CardSecret, brand: BrandId): FieldVerdict {
  const rule = kBrandRules[brand].securityCode;
  const length = secret.length('cvv');
  if (length === 0) return rule === null || rule.skippable ? 'ok' : 'invalid';
  return length === rule?.length ? 'ok' : 'invalid';
}

/** Judges the digits of a postal code: five in the US, the numeric part elsewhere. */
export function checkPostal(secret: CardSecret): FieldVerdict {
  const length = secret.length('postal');
  return length >= kShortestPostalCode && length <= kFieldCapacity.postal ? 'ok' : 'invalid';
}

/** Judges an issue number: up to two digits, none if the card has none. */
export function checkIssue(secret: CardSecret): FieldVerdict {
  return secret.length('issue') <= kFieldCapacity.issue ? 'ok' : 'invalid';
}
