import { kSecretFields } from '../card/card-secret.ts';
import type { Money } from '../money/money.ts';
import { amountTrouble } from './amount.ts';
import { standingEnding } from './closing.ts';
import type { Command } from './commands.ts';
import { correct, isCorrectable } from './confirm.ts';
import { openEscape, restarted } from './escape.ts';
import type { Correctable, DialogEvent } from './events.ts';
import { type Context, end, enter, entryOf, fail, type Reaction, retry, stay } from './move.ts';
import { type Ending, ending } from './result.ts';
import {
  type BeforeSubmission,
  type Decided,
  type Escape,
  type Facts,
  type InFlight,
  kEntryNames,
  type State,
} from './states.ts';

type Open = BeforeSubmission | Escape;

/**
 * Events that may come in any state. Before a submission they end the session or change its course; while one is in flight
 * nothing does; once there is a verdict it stands.
 */
export function onInterruption(state: State, event: DialogEvent, context: Context): Reaction | undefined {
  if (event.type === 'escape') return openEscape(state);
  switch (state.name) {
    case 'END':
      return undefined;
    case 'SUBMIT':
    case 'WAIT':
    case 'RESOLVE':
    case 'REVERSING':
      return inFlight(state, event, context);
    case 'MAX_DECLINES':
    case 'APPROVED':
    case 'REFERENCE':
    case 'FAIL':
      return decided(state, event, context);
    default:
      return open(state, event, context);
  }
}

/** Class A: nothing is sent, or the last submission was declined. */
function open(state: Open, event: DialogEvent, context: Context): Reaction | undefined {
  switch (event.type) {
    case 'hangUp':
      return hungUp(state);
    case 'mediaLost':
      if (event.blame === 'caller') return hungUp(state);
      return end(gone(state), ending('SYSTEM_ERROR', 'hangup'));
    case 'agentCancel':
      return fail(state, 'AGENT_CANCELLED', context);
    case 'sessionLimit':
      return fail(state, 'SESSION_TIMEOUT', context);
    case 'fault':
    case 'recordingNotStopped':
      return fail(state, 'SYSTEM_ERROR', context);
    case 'agentLost':
      return event.policy === 'abort' ? fail(state, 'AGENT_LOST', context) : stay(agentless(state, true));
    case 'agentBack':
      return stay(agentless(state, false));
    case 'reEnter':
      return reEnter(state, event.field);
    case 'ask':
      return ask(state, event.field);
    case 'amountChosen':
      return chooseAmount(state, event.amount, context);
    case 'held':
      return hold(state, context);
    case 'unheld':
      return unhold(state);
    case 'moved':
      return moved(state);
    case 'timer':
      return event.timer === 'hold' ? holdTooLong(state, context) : undefined;
    default:
      return undefined;
  }
}

/** Class B: the caller has agreed to pay, so the verdict is waited for, with or without the caller. */
function inFlight(state: InFlight, event: DialogEvent, context: Context): Reaction | undefined {
  if (event.type === 'fault' && !event.pending) return fail(state, 'SYSTEM_ERROR', context);
  if (event.type === 'agentLost' || event.type === 'agentBack')
    return stay(agentless(state, event.type === 'agentLost'));
  const isLoss = event.type === 'hangUp' || event.type === 'mediaLost';
  if (!isLoss || !state.facts.callerPresent) return undefined;
  return stay(gone(state), { do: 'stopPlaying' }, { do: 'stopTimers' });
}

/** Class C: the verdict is known. */
function decided(state: Decided, event: DialogEvent, context: Context): Reaction | undefined {
  switch (event.type) {
    case 'hangUp':
    case 'mediaLost':
      return end(gone(state), standingEnding(state, context));
    case 'agentLost':
    case 'agentBack':
      return stay(agentless(state, event.type === 'agentLost'));
    case 'fault': // it can be told no more, but it stands
      return end(state, standingEnding(state, context));
    default:
      return undefined;
  }
}

function hungUp(state: Open): Reaction {
  const code = state.facts.declines > 0 ? 'DECLINED_HANGUP' : 'HANGUP_BEFORE_AUTH';
  return end(gone(state), ending(code, 'hangup'));
}

function gone<S extends State>(state: S): S {
  return { ...state, facts: { ...state.facts, callerPresent: false } };
}

function agentless<S extends State>(state: S, agentLost: boolean): S {
  return { ...state, facts: { ...state.facts, agentLost } };
}

/** Only what was asked before, or is being asked now, can be asked again. */
function reEnter(state: Open, field: Correctable): Reaction | undefined {
  const { facts } = state;
  const isAsked = field === 'amount' ? state.name === 'AMOUNT_ENTRY' : state.name === kEntryNames[field];
  return isAsked || isCorrectable(facts, field) ? askNow(facts, field) : undefined;
}

/** A field of the card that is asked for, in any order once secure mode is on; another amount at any time. */
function ask(state: Open, field: Correctable): Reaction | undefined {
  const { facts } = state;
  if (state.name === 'ACCEPT' || state.name === 'GREETING' || state.name === 'IDV_HANDOFF') return undefined;
  if (field === 'amount') return askNow(facts, field);
  if (!facts.secure) return undefined;
  const isPlanned = facts.card?.plan.some((planned) => planned.field === field) ?? false;
  return field === 'pan' || isPlanned ? askNow(facts, field) : undefined;
}

/** Whatever was asked, or waited: what is keyed of it is not meant for this field. */
function askNow(facts: Facts, field: Correctable): Reaction {
  const reaction = correct(facts, field);
  return { ...reaction, commands: [{ do: 'stopTimers' }, { do: 'flushTypeAhead' }, ...reaction.commands] };
}

/** The conversation goes on where it stood, or, where the amount is in question, behind that question. */
function chooseAmount(state: Open, amount: Money, context: Context): Reaction | undefined {
  if (amountTrouble(amount.minor, context) !== null) return undefined;
  const facts: Facts = { ...state.facts, amount, amountKeyed: false };
  switch (state.name) {
    case 'ACCEPT':
    case 'GREETING':
    case 'IDV_HANDOFF': // settled when its turn comes
      return undefined;
    case 'AMOUNT_TELL':
    case 'AMOUNT_MENU':
    case 'AMOUNT_ENTRY':
    case 'AMOUNT_CONFIRM':
      return enter({ name: 'AMOUNT_TELL', facts }, { do: 'stopCollecting' }, { do: 'flushTypeAhead' });
    case 'SUMMARY':
      return enter({ ...state, facts, trouble: null }, { do: 'flushTypeAhead' });
    default:
      return stay({ ...state, facts });
  }
}

/** Nobody listens: the question waits, and is asked anew when the caller is back. */
function hold(state: Open, context: Context): Reaction | undefined {
  if (state.name === 'IDV_HANDOFF' || state.name === 'ACCEPT') return undefined;
  return stay(
    state,
    { do: 'stopPlaying' },
    { do: 'stopCollecting' },
    { do: 'startTimer', timer: 'hold', ms: context.policy.session.holdMs },
  );
}

function unhold(state: Open): Reaction | undefined {
  if (state.name === 'IDV_HANDOFF' || state.name === 'ACCEPT') return undefined;
  return enter(restarted(state), { do: 'stopTimers' }, { do: 'flushTypeAhead' });
}

/** What was asked is asked again; nothing of a card passes from one to the other. */
function moved(state: Open): Reaction | undefined {
  if (state.name === 'IDV_HANDOFF' || state.name === 'ACCEPT') return undefined;
  const quiet: Command[] = [
    { do: 'stopPlaying' },
    { do: 'stopCollecting' },
    { do: 'stopTimers' },
    { do: 'flushTypeAhead' },
  ];
  if (!state.facts.secure) return enter(restarted(state), ...quiet);
  const facts: Facts = { ...state.facts, card: null, done: [] };
  return enter(entryOf('pan', facts), ...quiet, { do: 'clearFields', fields: kSecretFields });
}

function holdTooLong(state: Open, context: Context): Reaction {
  return 'trouble' in state ? retry(state, 'no_input', context) : enter(state);
}

/** How it ends when not even the failure can be handled: a verdict stands, everything else is our fault. */
export function collapseEnding(state: State, context: Context): Ending {
  switch (state.name) {
    case 'MAX_DECLINES':
    case 'APPROVED':
    case 'REFERENCE':
    case 'FAIL':
    case 'END':
      return standingEnding(state, context);
    default:
      return ending('SYSTEM_ERROR', state.facts.callerPresent ? context.policy.failRoute : 'hangup');
  }
}
