import { kBrandRules } from '../card/brand-rules.ts';
import type { SecretField } from '../card/card-secret.ts';
import { exponentOf, type Money, money } from '../money/money.ts';
import type { Phrase, PhrasePart, PromptId } from '../ports/prompts.ts';
import type { Context } from './move.ts';
import type { Route } from './policy.ts';
import type { Ending } from './result.ts';
import type {
  AmountConfirm,
  AmountEntry,
  AmountMenu,
  AmountTell,
  Asking,
  CardFacts,
  CorrectMenu,
  Facts,
  FieldConfirm,
  FieldEntry,
  Trouble,
} from './states.ts';

const kOfferEscapeFromTry = 2; // the third time a question is asked
const kBeforeMenu: PhrasePart = { say: 'silence', ms: 200 };

/** A phrase of prompts alone. */
function prompts(...ids: readonly PromptId[]): Phrase {
  return ids.map((id) => ({ say: 'prompt', id }));
}

function amountOf(amount: Money): PhrasePart {
  return { say: 'money', amount };
}

/** What is said where nothing varies. */
export const kPhrases = {
  greeting: prompts('greet'),
  idvHandOff: prompts('idv.handoff'),
  processing: prompts('wait.processing'),
  stillWorking: prompts('wait.still'),
  comfortTone: prompts('wait.tone'),
  referenceMenu: prompts('ref.menu'),
} as const;

/** First time short, second time with a hint, third time with all help there is and the way out. */
function escalate(state: Asking, trouble: Phrase, question: Phrase, hint: Phrase = []): Phrase {
  return [
    ...trouble,
    ...question,
    ...(state.tries > 0 ? hint : []),
    ...(state.tries >= kOfferEscapeFromTry ? prompts('noinput.2') : []),
  ];
}

/** Troubles that sound the same whatever was asked. */
function commonTrouble(trouble: Trouble | null): Phrase {
  switch (trouble) {
    case 'no_input':
      return prompts('noinput');
    case 'invalid_key':
      return prompts('invalid.key');
    case 'slower':
      return prompts('pace.on');
    default:
      return [];
  }
}

export function cardIntroPhrase({ policy }: Context): Phrase {
  return policy.consent ? prompts('consent', 'card.intro') : prompts('card.intro');
}

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

export function entryPhrase(state: FieldEntry, { policy }: Context): Phrase {
  const trouble = fieldTrouble(state, policy.cards.allowed);
  switch (state.field) {
    case 'pan':
      return escalate(state, trouble, prompts('card.enter'), prompts('card.enter.help'));
    case 'expiry':
      return escalate(state, trouble, prompts('exp.enter'), prompts('exp.enter.help'));
    case 'start':
      return escalate(state, trouble, prompts('start.enter'));
    case 'issue':
      return escalate(state, trouble, prompts('issue.enter'));
    case 'cvv':
      return escalate(state, trouble, securityCodeQuestion(state.facts.card));
    case 'postal':
      return escalate(state, trouble, prompts('postal.enter'), prompts('postal.enter.help'));
  }
}

function securityCodeQuestion(card: CardFacts | null): Phrase {
  const rule = card && kBrandRules[card.brand].securityCode;
  const question = prompts(rule?.position === 'front' ? 'cvv.enter.4front' : 'cvv.enter.3back');
  return rule?.skippable ? [...question, ...prompts('cvv.enter.optional')] : question;
}

const kInvalid: Readonly<Record<SecretField, PromptId>> = {
  pan: 'card.invalid',
  expiry: 'exp.invalid',
  start: 'start.invalid',
  issue: 'issue.invalid',
  cvv: 'cvv.invalid',
  postal: 'postal.invalid',
};

function fieldTrouble(state: FieldEntry, allowed: Context['policy']['cards']['allowed']): Phrase {
  switch (state.trouble) {
    case 'short':
      return prompts(state.field === 'pan' ? 'card.short' : kInvalid[state.field]);
    case 'invalid':
      return prompts(kInvalid[state.field]);
    case 'past':
      return prompts('exp.past');
    case 'not_accepted':
      return [...prompts('card.not_accepted', 'card.accepted_list'), { say: 'brands', brands: allowed }];
    case 'use_other':
      return prompts('card.use_other');
    default:
      return commonTrouble(state.trouble);
  }
}

export function fieldConfirmPhrase(state: FieldConfirm, { policy }: Context): Phrase {
  switch (state.field) {
    case 'pan':
      return confirmPhrase(
        state,
        policy.confirm.card === 'full'
          ? [...prompts('you.entered'), { say: 'cardNumber' }]
          : [...prompts('you.entered.card'), { say: 'lastFour' }],
      );
    case 'expiry':
      return confirmPhrase(state, [...prompts('you.entered'), { say: 'expiry' }]);
    case 'cvv':
      return confirmPhrase(state, securityCodeReadBack(state.facts.card, policy.confirm.cvv));
    case 'postal':
      return confirmPhrase(state, [...prompts('you.entered'), { say: 'postalCode' }]);
  }
}

function securityCodeReadBack(card: CardFacts | null, how: 'off' | 'count' | 'digits'): Phrase {
  if (how === 'digits') return [...prompts('you.entered'), { say: 'securityCode' }];
  const value = (card && kBrandRules[card.brand].securityCode?.length) ?? 3;
  return [...prompts('cvv.count.before'), { say: 'number', value }, ...prompts('cvv.count.after')];
}

function confirmPhrase(state: Asking, readBack: Phrase): Phrase {
  const question = [...readBack, kBeforeMenu, ...prompts('confirm.menu')];
  return escalate(state, commonTrouble(state.trouble), question, prompts('confirm.help'));
}

/** S20. The security code is never read out here. */
export function summaryPhrase(state: Asking & { readonly facts: Facts }, { policy }: Context): Phrase {
  const { amount, card, done } = state.facts;
  if (!amount || !card) return [];
  return escalate(state, commonTrouble(state.trouble), [
    ...prompts('sum.pay'),
    amountOf(amount),
    ...prompts('sum.card.before'),
    { say: 'brands', brands: [card.brand] },
    ...prompts('sum.card.after'),
    policy.confirm.card === 'full' ? { say: 'cardNumber' } : { say: 'lastFour' },
    ...(done.includes('expiry') ? [...prompts('sum.exp'), { say: 'expiry' } as const] : []),
    kBeforeMenu,
    ...prompts('sum.menu'),
  ]);
}

/** S21. @param items - what can be corrected, in the order of the keys. */
export function correctionPhrase(state: CorrectMenu, items: readonly PromptId[]): Phrase {
  return escalate(state, commonTrouble(state.trouble), prompts('correct.intro', ...items, 'correct.restart'));
}

export function escapePhrase(state: Asking, { policy }: Context): Phrase {
  const menu = prompts(policy.escape === 'agent' ? 'esc.menu.agent' : 'esc.menu');
  return [...commonTrouble(state.trouble), ...menu];
}

/** S25. Generic wording gives a thief who tries cards nothing to learn from. */
export function declinedPhrase(facts: Facts, { policy }: Context): Phrase {
  if (policy.declines.wording === 'generic') return prompts('declined');
  switch (facts.lastDecline?.class) {
    case 'reenter':
      return prompts('declined.reenter');
    case 'hard':
    case 'auth_required':
      return prompts('declined.other');
    default:
      return prompts('declined');
  }
}

export function retryMenuPhrase(state: Asking): Phrase {
  return escalate(state, commonTrouble(state.trouble), prompts('retry.menu'));
}

export function maxDeclinesPhrase({ policy }: Context): Phrase {
  return [...prompts('declined.max'), ...routePhrase(policy.declines.onReached.route)];
}

export function approvedPhrase(facts: Facts): Phrase {
  if (!facts.amount) return [];
  return [...prompts('approved.before'), amountOf(facts.amount), ...prompts('approved.after')];
}

export function referencePhrase(facts: Facts, { order }: Context): Phrase {
  const text = facts.approval?.spokenReference ?? facts.approval?.authCode ?? order.paymentRef;
  return [...prompts('ref.is'), { say: 'reference', text }];
}

/** S32: what went wrong, then what happens next. */
export function failPhrase(how: Ending, context: Context): Phrase {
  return [...reasonPhrase(how, context), ...routePhrase(how.route)];
}

function reasonPhrase(how: Ending, { order, policy }: Context): Phrase {
  switch (how.code) {
    case 'UNKNOWN':
      return [
        ...prompts('unknown.before'),
        { say: 'reference', text: order.paymentRef },
        ...prompts('unknown.after'),
      ];
    case 'GATEWAY_UNAVAILABLE':
    case 'GATEWAY_CONFIG_ERROR':
      return prompts('gw.down');
    case 'INVALID_PARAMETERS':
      return prompts('sorry.parameters');
    case 'IDV_FAILED':
      return prompts('idv.failed');
    case 'IDV_UNAVAILABLE':
      return prompts('idv.unavailable');
    case 'AMOUNT_REJECTED':
      return prompts(
        (order.amount?.minor ?? 0) < (policy.amount.min ?? 1) ? 'amount.below_min' : 'amount.above_max',
        'not.charged',
      );
    case 'LOCKED_OUT':
      return prompts('locked');
    case 'MAX_INPUT':
      return prompts('tries.used', 'not.charged');
    case 'SESSION_TIMEOUT':
      return prompts('sorry.timeout', 'not.charged');
    case 'CALLER_CANCELLED':
    case 'AGENT_CANCELLED':
      return prompts('cancelled', 'not.charged');
    case 'DECLINED_LEFT':
      return prompts('not.charged');
    case 'SYSTEM_ERROR':
    case 'AGENT_LOST':
      return prompts('sorry.system');
    default:
      return [];
  }
}

function routePhrase(route: Route): Phrase {
  switch (route) {
    case 'agent':
      return prompts('fail.agent');
    case 'queue':
      return prompts('fail.queue');
    case 'hangup':
      return prompts('fail.hangup', 'bye');
    case 'return': // to the application that sent the call: its words come next
      return [];
    default:
      return prompts('fail.agent');
  }
}
