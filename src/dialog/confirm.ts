import { kSecretFields } from '../card/card-secret.ts';
import type { PlannedFieldId } from '../card/field-plan.ts';
import type { PromptId } from '../ports/prompts.ts';
import { resolveAmount } from './amount.ts';
import { withField } from './card-entry.ts';
import type { Command } from './commands.ts';
import type { Correctable, DialogEvent } from './events.ts';
import { askAgain, type Context, enter, entryOf, fail, type Reaction, retry, without } from './move.ts';
import { proceed } from './next.ts';
import { correctionPhrase, fieldConfirmPhrase, summaryPhrase } from './phrases.ts';
import type { CorrectMenu, Facts, FieldConfirm, State, Summary } from './states.ts';
import { submit } from './submission.ts';
import { collect } from './timing.ts';

type ConfirmStage = FieldConfirm | Summary | CorrectMenu;

/** Keys of the correction menu: part of the recordings, so they stay the same whatever is offered. */
const kCorrections: readonly { key: number; what: Correctable; prompt: PromptId }[] = [
  { key: 1, what: 'pan', prompt: 'correct.card' },
  { key: 2, what: 'expiry', prompt: 'correct.exp' },
  { key: 3, what: 'cvv', prompt: 'correct.cvv' },
  { key: 4, what: 'amount', prompt: 'correct.amount' },
  { key: 5, what: 'postal', prompt: 'correct.postal' },
];
const kStartOverKey = 9;

/** A stray key must never confirm a payment: what was typed ahead is gone before the question is asked. */
export function enterConfirm(state: ConfirmStage, context: Context): readonly Command[] {
  return [
    { do: 'flushTypeAhead' },
    collect('menu', state.facts, context),
    { do: 'say', phrase: phraseOf(state, context), bargeIn: true },
  ];
}

export function onConfirm(state: ConfirmStage, event: DialogEvent, context: Context): Reaction | undefined {
  switch (event.type) {
    case 'noInput':
      return retry(state, 'no_input', context);
    case 'restarted':
      return askAgain(state);
    case 'choice':
      return onChoice(state, event.key, context);
    default:
      return undefined;
  }
}

function onChoice(state: ConfirmStage, key: number, context: Context): Reaction {
  switch (state.name) {
    case 'SUMMARY':
      return onSummary(state, key, context);
    case 'CORRECT_MENU':
      return onCorrection(state, key, context);
    default:
      return onFieldConfirm(state, key, context);
  }
}

function phraseOf(state: ConfirmStage, context: Context) {
  switch (state.name) {
    case 'SUMMARY':
      return summaryPhrase(state, context);
    case 'CORRECT_MENU':
      return correctionPhrase(
        state,
        offered(state.facts).map(({ prompt }) => prompt),
      );
    default:
      return fieldConfirmPhrase(state, context);
  }
}

/** S12, S14, S17, S19. */
function onFieldConfirm(state: FieldConfirm, key: number, context: Context): Reaction {
  switch (key) {
    case 1:
      return proceed(withField(state, state.field), context);
    case 2:
      return enter(entryOf(state.field, state.facts));
    case 3:
      return enter({ ...state, trouble: null });
    default:
      return retry(state, 'invalid_key', context);
  }
}

/** S20. */
function onSummary(state: Summary, key: number, context: Context): Reaction {
  switch (key) {
    case 1:
      return submit(state.facts);
    case 2:
      return enter({ name: 'CORRECT_MENU', facts: state.facts, tries: 0, trouble: null });
    case 3:
      return enter({ ...state, trouble: null });
    default:
      return retry(state, 'invalid_key', context);
  }
}

/** S21. */
function onCorrection(state: CorrectMenu, key: number, context: Context): Reaction {
  const chosen = offered(state.facts).find((each) => each.key === key);
  if (!chosen && key !== kStartOverKey) return retry(state, 'invalid_key', context);
  const facts: Facts = { ...state.facts, corrections: state.facts.corrections + 1 };
  const next: CorrectMenu = { ...state, facts };
  if (facts.corrections > context.policy.input.corrections) return fail(next, 'MAX_INPUT', context);
  return chosen ? correct(facts, chosen.what) : startOver(next, context);
}

/** Takes what is to be corrected out of what is done and asks for it; what is missing then decides how it goes on. */
export function correct(facts: Facts, what: Correctable): Reaction {
  if (what === 'amount') return enter({ name: 'AMOUNT_ENTRY', facts, tries: 0, trouble: null });
  return enter(entryOf(what, { ...facts, done: without(facts.done, what) }));
}

/** Can this be asked again: it was asked before. */
export function isCorrectable(facts: Facts, what: Correctable): boolean {
  if (what === 'amount') return facts.amountKeyed;
  return what === 'pan' ? facts.card !== null : isPlanned(facts, what) && facts.done.includes(what);
}

function offered(facts: Facts) {
  return kCorrections.filter(({ what }) => isCorrectable(facts, what));
}

function isPlanned({ card }: Facts, field: PlannedFieldId): boolean {
  return card?.plan.some((planned) => planned.field === field) ?? false;
}

/** Everything the caller chose or keyed is asked again; a fixed amount stays. */
function startOver(state: CorrectMenu, context: Context): Reaction {
  const clear: Command = { do: 'clearFields', fields: kSecretFields };
  const facts: Facts = { ...state.facts, card: null, done: [] };
  if (context.policy.amount.policy === 'fixed' && !facts.amountKeyed) {
    return enter(entryOf('pan', facts), clear);
  }
  return resolveAmount({ ...state, facts } satisfies State, context, clear);
}
