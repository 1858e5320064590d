import { describe, expect, it } from 'vitest';
import type { BrandId } from '../../../src/card/brand.ts';
import { kBrandIds } from '../../../src/card/brand-rules.ts';
import { CardSecret, type SecretField } from '../../../src/card/card-secret.ts';
import { type FieldChoices, fieldPlan, type PlannedFieldId } from '../../../src/card/field-plan.ts';
import { checkIssue, checkPostal, checkSecurityCode } from '../../../src/card/field-rules.ts';

const kUsual: FieldChoices = { cvv: 'required', postalCode: 'off', legacyFields: false };

/** `cvv?` for one the caller may skip. */
function asked(
  brand: BrandId,
  choices: Partial<FieldChoices> = {},
  needs: readonly PlannedFieldId[] = [],
): string {
  const plan = fieldPlan(brand, { ...kUsual, ...choices }, needs);
  return plan.map(({ field, skippable }) => (skippable ? `${field}?` : field)).join(' ');
}

function keyed(field: SecretField, keys: string): CardSecret {
  const card = new CardSecret();
  for (const key of keys) card.append(field, Number(key));
  return card;
}

describe('the questions a card needs', () => {
  it.each([
    ['visa', {}, 'expiry cvv'],
    ['amex', {}, 'expiry cvv'],
    ['unionpay', {}, 'expiry cvv?'],
    ['maestro', {}, 'expiry cvv?'],
    ['bancontact', {}, 'expiry'],
    ['uatp', {}, 'expiry'],
    ['visa', { cvv: 'off' }, 'expiry'],
    ['visa', { postalCode: 'required' }, 'expiry cvv postal'],
    ['visa', { legacyFields: true }, 'expiry cvv'],
    ['switch', { legacyFields: true }, 'expiry start? issue? cvv'],
    ['maestro', { legacyFields: true, postalCode: 'required' }, 'expiry start? issue? cvv? postal'],
    ['switch', {}, 'expiry cvv'],
  ] as const)('%s with %o: %s', (brand, choices, fields) => {
    expect(asked(brand, choices)).toBe(fields);
  });

  it('include what the gateway needs, as far as the card has it', () => {
    expect(asked('visa', { cvv: 'off' }, ['cvv', 'postal'])).toBe('expiry cvv postal');
    expect(asked('uatp', {}, ['cvv', 'issue'])).toBe('expiry');
    expect(asked('solo', {}, ['issue'])).toBe('expiry issue? cvv');
  });

  it('begin with the expiry date for every brand', () => {
    for (const brand of kBrandIds) expect(asked(brand)).toMatch(/^expiry/);
  });
});

describe('a security code', () => {
  it.each([
    ['visa', '123', 'ok'],
    ['visa', '12', 'invalid'],
    ['visa', '1234', 'invalid'],
    ['visa', '', 'invalid'],
    ['amex', '1234', 'ok'],
    ['amex', '123', 'invalid'],
    ['unionpay', '', 'ok'],
    ['unionpay', '12', 'invalid'],
    ['maestro', '123', 'ok'],
    ['uatp', '', 'ok'],
    ['uatp', '123', 'invalid'],
  ] as const)('of %s keyed as "%s" is %s', (brand, keys, verdict) => {
    expect(checkSecurityCode(keyed('cvv', keys), brand)).toBe(verdict);
  });
});

it.each([
  ['12', 'invalid'],
  ['123', 'ok'],
  ['90210', 'ok'],
  ['123456789', 'ok'],
  ['', 'invalid'],
])('judges the postal code %s: %s', (keys, verdict) => {
  expect(checkPostal(keyed('postal', keys))).toBe(verdict);
});

it.each(['', '1', '12'])('takes the issue number "%s"', (keys) => {
  expect(checkIssue(keyed('issue', keys))).toBe('ok');
});
