import { kBrandRules } from '../card/brand-rules.ts';
import type { SecretField } from '../card/card-secret.ts';
import type { Money } from '../money/money.ts';
import type { Phrase, PhrasePart, PromptId } from '../ports/prompts.ts';
import type { Context } from './move.ts';
import { movesMoney, type PaymentPolicy } from './policy.ts';
import type { Asking, CardFacts, CorrectMenu, Facts, FieldConfirm, FieldEntry, Trouble } from './states.ts';

const kOfferEscapeFromTry = 2; // the third time a question is asked
const kBeforeMenu: PhrasePart = { say: 'silence', ms: 200 };

/** A phrase of prompts alone. */
export function prompts(...ids: readonly PromptId[]): Phrase {
  return ids.map((id) => ({ say: 'prompt', id }));
}

export function amountOf(amount: Money): PhrasePart {
  return { say: 'money', amount };
}

/** What is said where nothing varies. */
export const kPhrases = {
  idvHandOff: prompts('idv.handoff'),
  processing: prompts('wait.processing'),
  stillWorking: prompts('wait.still'),
  comfortTone: prompts('wait.tone'),
  referenceMenu: prompts('ref.menu'),
} as const;

/** Who is not alone is told who can hear. */
export function greetingPhrase({ company }: PaymentPolicy): Phrase {
  return company === 'listening' ? prompts('greet', 'greet.conf') : prompts('greet');
}

/** First time short, second time with a hint, third time with all help there is and the way out. */
export function escalate(state: Asking, trouble: Phrase, question: Phrase, hint: Phrase = []): Phrase {
  return [
    ...trouble,
    ...question,
    ...(state.tries > 0 ? hint : []),
    ...(state.tries >= kOfferEscapeFromTry ? prompts('noinput.2') : []),
  ];
}

/** Troubles that sound the same whatever was asked. */
export function commonTrouble(trouble: Trouble | null): Phrase {
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

export function confirmPhrase(state: Asking, readBack: Phrase): Phrase {
  const question = [...readBack, kBeforeMenu, ...prompts('confirm.menu')];
  return escalate(state, commonTrouble(state.trouble), question, prompts('confirm.help'));
}

/** S20. The security code is never read out here. Where no money moves, the card alone is confirmed; the keys mean the same. */
export function summaryPhrase(state: Asking & { readonly facts: Facts }, context: Context): Phrase {
  const { policy } = context;
  const { amount, card, done } = state.facts;
  if (!amount || !card) return [];
  const expiry: Phrase = done.includes('expiry') ? [...prompts('sum.exp'), { say: 'expiry' }] : [];
  if (!movesMoney(context)) {
    const read: Phrase =
      policy.confirm.card === 'full'
        ? [...prompts('you.entered'), { say: 'cardNumber' }]
        : [...prompts('you.entered.card'), { say: 'lastFour' }];
    return confirmPhrase(state, [...read, ...expiry]);
  }
  return escalate(state, commonTrouble(state.trouble), [
    ...prompts('sum.pay'),
    amountOf(amount),
    ...prompts('sum.card.before'),
    { say: 'brands', brands: [card.brand] },
    ...prompts('sum.card.after'),
    policy.confirm.card === 'full' ? { say: 'cardNumber' } : { say: 'lastFour' },
    ...expiry,
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

export function retryMenuPhrase(state: Asking): Phrase {
  return escalate(state, commonTrouble(state.trouble), prompts('retry.menu'));
}
