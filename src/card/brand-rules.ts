import type { BrandId } from './brand.ts';

/** What a brand calls its security code, and where a caller finds it. */
export interface SecurityCodeRule {
  readonly name: string;
  readonly length: 3 | 4;
  readonly position: 'back' | 'front';
  /** Some cards of the brand have none: the caller may leave it out. */
  readonly skippable: boolean;
}

export interface BrandRules {
  /** Ascending. */
  readonly lengths: readonly number[];
  readonly luhn: 'enforced' | 'ignored';
  /** Null: cards of this brand carry none. */
  readonly securityCode: SecurityCodeRule | null;
  /** Cards that may carry a start date or an issue number. */
  readonly legacyFields: boolean;
}

/** One row per brand. Every brand asks for an expiry date. */
export const kBrandRules: Readonly<Record<BrandId, BrandRules>> = {
  visa: rules([13, 16, 18, 19], code('CVV')),
  mastercard: rules([16], code('CVC')),
  amex: rules([15], { name: 'CID', length: 4, position: 'front', skippable: false }),
  diners: rules([14, 16, 19], code('CVV')),
  discover: rules([16, 19], code('CID')),
  jcb: rules([16, 17, 18, 19], code('CVV')),
  unionpay: { ...rules([14, 15, 16, 17, 18, 19], debitCode('CVN')), luhn: 'ignored' },
  maestro: { ...rules([12, 13, 14, 15, 16, 17, 18, 19], debitCode('CVC')), legacyFields: true },
  elo: rules([16], code('CVE')),
  hiper: rules([16], code('CVC')),
  hipercard: rules([16], code('CVC')),
  mir: rules([16, 17, 18, 19], code('CVP2')),
  troy: rules([16], code('CVV')),
  rupay: rules([16], code('CVV')),
  verve: rules([16, 18, 19], code('CVV')),
  naranja: { ...rules([16], code('CVV')), luhn: 'ignored' },
  dankort: rules([16], code('CVV')),
  bancontact: rules([16, 17], null),
  uatp: rules([15], null),
  solo: { ...rules([16, 18, 19], code('CVV')), legacyFields: true },
  switch: { ...rules([16, 18, 19], code('CVV')), legacyFields: true },
  laser: { ...rules([16, 18, 19], code('CVV')), legacyFields: true },
};

export const kBrandIds = Object.keys(kBrandRules) as readonly BrandId[];

function rules(lengths: readonly number[], securityCode: SecurityCodeRule | null): BrandRules {
  return { lengths, luhn: 'enforced', securityCode, legacyFields: false };
}

function code(name: string): SecurityCodeRule {
  return { name, length: 3, position: 'back', skippable: false };
}

function debitCode(name: string): SecurityCodeRule {
  return { ...code(name), skippable: true };
}
