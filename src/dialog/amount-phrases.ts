import { exponentOf, money } from '../money/money.ts';
import type { Phrase } from '../ports/prompts.ts';
import type { Context } from './move.ts';
import { amountOf, commonTrouble, confirmPhrase, escalate, prompts } from './phrases.ts';
import type { AmountConfirm, AmountEntry, AmountMenu, AmountTell } from './states.ts';

export function amountPhrase(
  state: AmountTell | AmountMenu | AmountEntry | AmountConfirm,
  context: Context,
): Phrase {
  switch (state.name) {
    case 'AMOUNT_TELL':
      return state.facts.amount ? [...prompts('amount.is'), amountOf(state.facts.amount)] : [];
    case 'AMOUNT_MENU':
      return escalate(state, commonTrouble(state.trouble), [
        ...prompts('amount.balance'),
        amountOf(state.balance),
        ...prompts('amount.menu'),
      ]);
    case 'AMOUNT_ENTRY':
      return escalate(
        state,
        amountTroublePhrase(state, context),
        amountQuestion(context),
        amountHint(context),
      );
    case 'AMOUNT_CONFIRM':
      return confirmPhrase(state, [...prompts('you.entered'), amountOf(state.entered)]);
  }
}

function amountQuestion({ order, policy }: Context): Phrase {
  if (exponentOf(order.currency) === 0) return prompts('amount.enter.whole');
  return prompts(policy.amount.entry === 'star' ? 'amount.enter' : 'amount.enter.implied');
}

function amountHint({ order, policy }: Context): Phrase {
  if (exponentOf(order.currency) !== 2) return [];
  return prompts(policy.amount.entry === 'star' ? 'amount.enter.help' : 'amount.enter.help.implied');
}

function amountTroublePhrase(state: AmountEntry, context: Context): Phrase {
  switch (state.trouble) {
    case 'invalid':
      return prompts('amount.invalid');
    case 'over_balance':
      return prompts('amount.over_balance');
    case 'below_min':
      // Not keyed yet: it is the amount the call came with that is too low.
      return [...(state.tries === 0 ? prompts('amount.below_min') : []), ...limitsPhrase(context)];
    case 'above_max':
      return limitsPhrase(context);
    default:
      return commonTrouble(state.trouble);
  }
}

function limitsPhrase({ order, policy }: Context): Phrase {
  const part = (minor: number) => amountOf(money(minor, order.currency));
  const { min, max } = policy.amount;
  if (min !== null && max !== null) {
    return [...prompts('amount.limits.between'), part(min), ...prompts('amount.limits.and'), part(max)];
  }
  if (max !== null) return [...prompts('amount.limits.max'), part(max)];
  return [...prompts('amount.limits.min'), part(min ?? 1)];
}
