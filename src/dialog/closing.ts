import {
  approvedPhrase,
  declinedPhrase,
  failPhrase,
  maxDeclinesPhrase,
  referencePhrase,
} from './closing-phrases.ts';
import type { Command } from './commands.ts';
import type { DialogEvent } from './events.ts';
import {
  askAgain,
  type Context,
  close,
  end,
  enter,
  entryOf,
  fail,
  homeRoute,
  type Reaction,
  reachable,
  retry,
  stay,
} from './move.ts';
import { kPhrases, retryMenuPhrase } from './phrases.ts';
import { operationOf } from './policy.ts';
import { ending, successOf } from './result.ts';
import type { Decided, Declined, Reference, RetryMenu, State } from './states.ts';
import { collect } from './timing.ts';

const kMostReferencePlays = 3;
const kMostSilentRetryMenus = 2;

type ClosingStage = Decided | Declined | RetryMenu;

export function enterClosing(state: ClosingStage, context: Context): readonly Command[] {
  switch (state.name) {
    case 'DECLINED':
      return [{ do: 'say', phrase: declinedPhrase(state.facts, context), bargeIn: true }];
    case 'RETRY_MENU':
      return [
        { do: 'flushTypeAhead' },
        collect('menu', state.facts, context),
        { do: 'say', phrase: retryMenuPhrase(state), bargeIn: true },
      ];
    case 'MAX_DECLINES':
      return [{ do: 'say', phrase: maxDeclinesPhrase(context), bargeIn: false }];
    case 'APPROVED':
      return [{ do: 'say', phrase: approvedPhrase(state.facts, context), bargeIn: true }];
    case 'REFERENCE':
      return [
        { do: 'stopCollecting' },
        { do: 'say', phrase: referencePhrase(state.facts, context), bargeIn: state.plays > 1 },
      ];
    case 'FAIL':
      return [{ do: 'say', phrase: failPhrase(state.ending, context), bargeIn: false }];
    case 'END':
      return [{ do: 'stopPlaying' }, { do: 'finish', ending: state.ending }];
  }
}

export function onClosing(state: ClosingStage, event: DialogEvent, context: Context): Reaction | undefined {
  switch (state.name) {
    case 'DECLINED':
      return event.type === 'said' ? afterDecline(state, context) : undefined;
    case 'RETRY_MENU':
      return onRetryMenu(state, event, context);
    case 'MAX_DECLINES':
      return event.type === 'said' ? end(announced(state), maxDeclinesEnding(context)) : undefined;
    case 'APPROVED':
      if (event.type !== 'said') return undefined;
      return enter({ name: 'REFERENCE', facts: announced(state).facts, plays: 1, told: false });
    case 'REFERENCE':
      return onReference(state, event, context);
    case 'FAIL':
      if (event.type !== 'said') return undefined;
      return end(state.ending.code === 'UNKNOWN' ? announced(state) : state, state.ending);
    case 'END':
      return undefined;
  }
}

/** How it ends if nothing more is said: the verdict stands. */
export function standingEnding(state: Decided, context: Context) {
  switch (state.name) {
    case 'MAX_DECLINES':
      return maxDeclinesEnding(context);
    case 'APPROVED':
    case 'REFERENCE':
      return approvedEnding(context);
    case 'FAIL':
    case 'END':
      return state.ending;
  }
}

function afterDecline(from: Declined, context: Context): Reaction {
  const { declines } = context.policy;
  const { facts } = announced(from);
  if (facts.declines >= declines.max) {
    return enter({ name: 'MAX_DECLINES', facts: { ...facts, secure: false } }, ...close(facts));
  }
  return declines.autoRetry
    ? enter(entryOf('pan', facts), { do: 'flushTypeAhead' })
    : enter({ name: 'RETRY_MENU', facts, tries: 0, trouble: null });
}

function approvedEnding(context: Context) {
  return ending(successOf(operationOf(context)), homeRoute(context.policy));
}

function maxDeclinesEnding({ policy, order }: Context) {
  const { result, route } = policy.declines.onReached;
  return ending('DECLINED_MAX', reachable(route, order), result);
}

/** S26: silence is a way to leave. */
function onRetryMenu(state: RetryMenu, event: DialogEvent, context: Context): Reaction | undefined {
  switch (event.type) {
    case 'noInput':
      return state.tries + 1 >= kMostSilentRetryMenus
        ? fail(state, 'DECLINED_LEFT', context)
        : retry(state, 'no_input', context);
    case 'restarted':
      return askAgain(state);
    case 'choice':
      if (event.key === 1) return enter(entryOf('pan', state.facts));
      if (event.key === 2) return fail(state, 'DECLINED_LEFT', context);
      return retry(state, 'invalid_key', context);
    default:
      return undefined;
  }
}

/** S29: the reference first, then the menu; anything but "again" goes on to S30. */
function onReference(state: Reference, event: DialogEvent, context: Context): Reaction | undefined {
  const leave = () => end(state, approvedEnding(context));
  if (!state.told) {
    if (event.type !== 'said') return undefined;
    return state.plays >= kMostReferencePlays ? leave() : offerRepeat(state, context);
  }
  switch (event.type) {
    case 'choice':
      return event.key === 1 ? enter({ ...state, plays: state.plays + 1, told: false }) : leave();
    case 'noInput':
      return leave();
    default:
      return undefined;
  }
}

function offerRepeat(state: Reference, context: Context): Reaction {
  return stay({ ...state, told: true }, { do: 'flushTypeAhead' }, collect('menu', state.facts, context), {
    do: 'say',
    phrase: kPhrases.referenceMenu,
    bargeIn: true,
  });
}

function announced<S extends State>(state: S): S {
  return { ...state, facts: { ...state.facts, announced: true } };
}
