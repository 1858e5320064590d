import type { SecretField } from '../card/card-secret.ts';
import type { Command } from './commands.ts';
import { type Context, enter, entryOf, type Reaction } from './move.ts';
import type { Facts, State } from './states.ts';
import { submit } from './submission.ts';

/**
 * What is still to be asked once the amount is settled: the one place that knows the order. A correction takes a field out of
 * `done` and so brings the conversation back here, and from here to the summary.
 */
export function proceed(from: State, context: Context, ...first: Command[]): Reaction {
  const { facts } = from;
  if (!facts.secure) return enter({ name: 'CARD_INTRO', facts: { ...facts, secure: true } }, ...first);
  const field = missingField(facts);
  if (field) return enter(entryOf(field, facts), ...first);
  if (context.policy.confirm.policy === 'per_field') return submit(facts);
  return enter({ name: 'SUMMARY', facts, tries: 0, trouble: null }, ...first);
}

function missingField(facts: Facts): SecretField | undefined {
  if (!facts.card || !facts.done.includes('pan')) return 'pan';
  return facts.card.plan.find(({ field }) => !facts.done.includes(field))?.field;
}
