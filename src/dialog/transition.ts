import { enterAmount, onAmount } from './amount.ts';
import { enterCard, onCard } from './card-entry.ts';
import { enterClosing, onClosing } from './closing.ts';
import type { Command } from './commands.ts';
import { enterConfirm, onConfirm } from './confirm.ts';
import { enterEscape, onEscape } from './escape.ts';
import type { DialogEvent } from './events.ts';
import { onInterruption } from './interruptions.ts';
import type { Context, Reaction } from './move.ts';
import { enterOpening, onOpening } from './opening.ts';
import type { State } from './states.ts';
import { enterSubmission, onSubmission } from './submission.ts';

export type { Context } from './move.ts';

export interface Transition {
  readonly state: State;
  readonly commands: readonly Command[];
}

/**
 * The conversation as a function: no clock, no card, no I/O. The picture is in `states.ts`.
 * @returns the same state object and no commands if the event does not concern the state.
 */
export function transition(state: State, event: DialogEvent, context: Context): Transition {
  const reaction = onInterruption(state, event, context) ?? react(state, event, context);
  if (!reaction) return { state, commands: [] };
  const next = Object.freeze({ ...reaction.state, facts: Object.freeze(reaction.state.facts) });
  return { state: next, commands: [...reaction.commands, ...begin(next, reaction.entrance, context)] };
}

function begin(state: State, which: Reaction['entrance'], context: Context): readonly Command[] {
  switch (which) {
    case 'whole':
      return entrance(state, context);
    case 'prompt':
      return entrance(state, context).filter((command) => command.do === 'say');
    case 'none':
      return [];
  }
}

/** What the event means in this state. */
function react(state: State, event: DialogEvent, context: Context): Reaction | undefined {
  switch (state.name) {
    case 'ACCEPT':
    case 'GREETING':
    case 'IDV_HANDOFF':
      return onOpening(state, event, context);
    case 'AMOUNT_TELL':
    case 'AMOUNT_MENU':
    case 'AMOUNT_ENTRY':
    case 'AMOUNT_CONFIRM':
      return onAmount(state, event, context);
    case 'CARD_INTRO':
    case 'PAN_ENTRY':
    case 'PAN_CHECK':
    case 'EXPIRY_ENTRY':
    case 'START_ENTRY':
    case 'ISSUE_ENTRY':
    case 'CVV_ENTRY':
    case 'POSTAL_ENTRY':
      return onCard(state, event, context);
    case 'PAN_CONFIRM':
    case 'EXPIRY_CONFIRM':
    case 'CVV_CONFIRM':
    case 'POSTAL_CONFIRM':
    case 'SUMMARY':
    case 'CORRECT_MENU':
      return onConfirm(state, event, context);
    case 'SUBMIT':
    case 'WAIT':
    case 'RESOLVE':
    case 'REVERSING':
      return onSubmission(state, event, context);
    case 'ESCAPE':
      return onEscape(state, event, context);
    case 'DECLINED':
    case 'RETRY_MENU':
    case 'MAX_DECLINES':
    case 'APPROVED':
    case 'REFERENCE':
    case 'FAIL':
    case 'END':
      return onClosing(state, event, context);
  }
}

/** What a state does when it begins. */
function entrance(state: State, context: Context): readonly Command[] {
  switch (state.name) {
    case 'ACCEPT':
    case 'GREETING':
    case 'IDV_HANDOFF':
      return enterOpening(state, context);
    case 'AMOUNT_TELL':
    case 'AMOUNT_MENU':
    case 'AMOUNT_ENTRY':
    case 'AMOUNT_CONFIRM':
      return enterAmount(state, context);
    case 'CARD_INTRO':
    case 'PAN_ENTRY':
    case 'PAN_CHECK':
    case 'EXPIRY_ENTRY':
    case 'START_ENTRY':
    case 'ISSUE_ENTRY':
    case 'CVV_ENTRY':
    case 'POSTAL_ENTRY':
      return enterCard(state, context);
    case 'PAN_CONFIRM':
    case 'EXPIRY_CONFIRM':
    case 'CVV_CONFIRM':
    case 'POSTAL_CONFIRM':
    case 'SUMMARY':
    case 'CORRECT_MENU':
      return enterConfirm(state, context);
    case 'SUBMIT':
    case 'WAIT':
    case 'RESOLVE':
    case 'REVERSING':
      return enterSubmission(state);
    case 'ESCAPE':
      return enterEscape(state, context);
    case 'DECLINED':
    case 'RETRY_MENU':
    case 'MAX_DECLINES':
    case 'APPROVED':
    case 'REFERENCE':
    case 'FAIL':
    case 'END':
      return enterClosing(state, context);
  }
}
