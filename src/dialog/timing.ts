import { kBrandRules } from '../card/brand-rules.ts';
import { kFieldCapacity, type SecretField } from '../card/card-secret.ts';
import { kPanQuietMs } from '../card/pan.ts';
import { exponentOf } from '../money/money.ts';
import type { CollectTarget, Command } from './commands.ts';
import type { Context } from './move.ts';
import type { Facts } from './states.ts';

const kAmountKeys = 8;

/** The command that opens an entry, with the times and sizes that fit it. */
export function collect(target: CollectTarget, facts: Facts, context: Context): Command {
  const { input } = context.policy;
  const factor = facts.pace === 'relaxed' ? 2 : 1;
  const isCard = target === 'pan';
  return {
    do: 'collect',
    target,
    spec: {
      ...digitsOf(target, facts),
      firstDigitMs: factor * (isCard ? input.cardFirstDigitMs : input.firstDigitMs),
      interDigitMs: factor * (isCard ? input.cardInterDigitMs : input.interDigitMs),
      soonMs: factor * kPanQuietMs,
      star: target === 'amount' && hasDecimalKey(context) ? 'decimal' : 'restart',
    },
  };
}

/** Is star the decimal point of amounts. */
export function hasDecimalKey({ order, policy }: Context): boolean {
  return policy.amount.entry === 'star' && exponentOf(order.currency) > 0;
}

function digitsOf(target: CollectTarget, facts: Facts): { minDigits: number; maxDigits: number } {
  switch (target) {
    case 'menu':
      return { minDigits: 1, maxDigits: 1 };
    case 'amount':
      return { minDigits: 1, maxDigits: kAmountKeys };
    case 'cvv': {
      const length = facts.card && kBrandRules[facts.card.brand].securityCode?.length;
      return { minDigits: length ?? 3, maxDigits: length ?? kFieldCapacity.cvv };
    }
    default:
      return { minDigits: kShortest[target], maxDigits: kFieldCapacity[target] };
  }
}

// A date may be keyed as MYY and `#`.
const kShortest: Readonly<Record<Exclude<SecretField, 'cvv'>, number>> = {
  pan: 12,
  expiry: 3,
  start: 3,
  issue: 1,
  postal: 3,
};
