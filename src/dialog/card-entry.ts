import { kBrandRules } from '../card/brand-rules.ts';
import type { SecretField } from '../card/card-secret.ts';
import type { Command } from './commands.ts';
import type { CardVerdict, DialogEvent } from './events.ts';
import { askAgain, type Context, enter, entryOf, type Reaction, retry, without } from './move.ts';
import { proceed } from './next.ts';
import { cardIntroPhrase, entryPhrase } from './phrases.ts';
import {
  type CardFacts,
  type CardIntro,
  type ConfirmedField,
  type Facts,
  type FieldEntry,
  kConfirmNames,
  type PanCheck,
  type State,
} from './states.ts';
import { collect } from './timing.ts';

type CardStage = CardIntro | FieldEntry | PanCheck;

export function enterCard(state: CardStage, context: Context): readonly Command[] {
  switch (state.name) {
    case 'CARD_INTRO':
      return [
        { do: 'secureMode', on: true },
        { do: 'say', phrase: cardIntroPhrase(context), bargeIn: !context.policy.consent },
      ];
    case 'PAN_CHECK':
      return [{ do: 'checkPan' }];
    default:
      return [
        { do: 'clearFields', fields: [state.field] },
        collect(state.field, state.facts, context),
        { do: 'say', phrase: entryPhrase(state, context), bargeIn: true },
      ];
  }
}

export function onCard(state: CardStage, event: DialogEvent, context: Context): Reaction | undefined {
  switch (state.name) {
    case 'CARD_INTRO':
      return event.type === 'said' ? proceed(state, context) : undefined;
    case 'PAN_CHECK':
      return event.type === 'panChecked' ? onPanChecked(state, event.verdict, context) : undefined;
    default:
      return onEntry(state, event, context);
  }
}

/** S10, S13, S15, S16, S18: one field is keyed. */
function onEntry(state: FieldEntry, event: DialogEvent, context: Context): Reaction | undefined {
  switch (event.type) {
    case 'noInput':
      return event.skip && isSkippable(state)
        ? proceed(withField(state, state.field), context)
        : retry(state, 'no_input', context);
    case 'tooShort':
      return retry(state, 'short', context);
    case 'restarted':
      return askAgain(state);
    case 'panKeyed':
      if (state.field !== 'pan') return undefined;
      return enter({ name: 'PAN_CHECK', facts: state.facts, tries: state.tries });
    case 'fieldKeyed':
      if (state.field !== event.field || event.field === 'pan') return undefined;
      return event.verdict === 'ok'
        ? accept(state, state.field, context)
        : retry(state, event.verdict, context);
    default:
      return undefined;
  }
}

/** S11. */
function onPanChecked(state: PanCheck, verdict: CardVerdict, context: Context): Reaction {
  if (verdict.kind === 'refused')
    return retry(entryOf('pan', state.facts, state.tries), verdict.reason, context);
  const { kind: _, ...card } = verdict;
  const stale = staleFields(state.facts, card);
  const facts: Facts = { ...state.facts, card, done: without(state.facts.done, ...stale) };
  const reaction = accept({ ...state, facts }, 'pan', context);
  return stale.length > 0
    ? { ...reaction, commands: [{ do: 'clearFields', fields: stale }, ...reaction.commands] }
    : reaction;
}

/** Fields entered for the card before that this card does not have, or has in another form. */
function staleFields({ card: before, done }: Facts, card: CardFacts): readonly SecretField[] {
  if (!before) return [];
  const codeOf = ({ brand }: CardFacts) => kBrandRules[brand].securityCode;
  const isSameCode =
    codeOf(before)?.length === codeOf(card)?.length && codeOf(before)?.skippable === codeOf(card)?.skippable;
  return done.filter((field) => {
    if (field === 'pan') return false;
    if (field === 'cvv' && !isSameCode) return true;
    return !card.plan.some((planned) => planned.field === field);
  });
}

/** Entered and valid: read it back if each field is confirmed, else go on. */
function accept(from: State, field: SecretField, context: Context): Reaction {
  return isReadBack(field, context)
    ? enter({ name: kConfirmNames[field], field, facts: from.facts, tries: 0, trouble: null })
    : proceed(withField(from, field), context);
}

function isReadBack(field: SecretField, { policy }: Context): field is ConfirmedField {
  if (policy.confirm.policy === 'summary' || !(field in kConfirmNames)) return false;
  return field !== 'cvv' || policy.confirm.cvv !== 'off';
}

function isSkippable({ field, facts }: FieldEntry): boolean {
  return facts.card?.plan.some((planned) => planned.field === field && planned.skippable) ?? false;
}

/** The state with this field taken as answered. */
export function withField<S extends State>(state: S, field: SecretField): S {
  const done = [...without(state.facts.done, field), field];
  return { ...state, facts: { ...state.facts, done } };
}
