import type { BrandId } from './brand.ts';
import { kBrandRules } from './brand-rules.ts';
import type { SecretField } from './card-secret.ts';

/** A field asked for after the card number. */
export type PlannedFieldId = Exclude<SecretField, 'pan'>;

export interface PlannedField {
  readonly field: PlannedFieldId;
  /** The caller may answer with `#` alone: this card may not have it. */
  readonly skippable: boolean;
}

/** The `cards` part of the payment policy. */
export interface FieldChoices {
  readonly cvv: 'required' | 'off';
  readonly postalCode: 'required' | 'off';
  readonly legacyFields: boolean;
}

/**
 * The questions this card needs after its number, in the order they are asked.
 * @param gatewayNeeds - fields the gateway refuses to do without: asked whatever the configuration says.
 */
export function fieldPlan(
  brand: BrandId,
  choices: FieldChoices,
  gatewayNeeds: readonly PlannedFieldId[] = [],
): readonly PlannedField[] {
  const { securityCode, legacyFields } = kBrandRules[brand];
  const needs = (field: PlannedFieldId) => gatewayNeeds.includes(field);
  const plan: PlannedField[] = [{ field: 'expiry', skippable: false }];
  if (legacyFields && (choices.legacyFields || needs('start')))
    plan.push({ field: 'start', skippable: true });
  if (legacyFields && (choices.legacyFields || needs('issue')))
    plan.push({ field: 'issue', skippable: true });
  if (securityCode && (choices.cvv === 'required' || needs('cvv'))) {
    plan.push({ field: 'cvv', skippable: securityCode.skippable });
  }
  if (choices.postalCode === 'required' || needs('postal')) plan.push({ field: 'postal', skippable: false });
  return plan;
}
