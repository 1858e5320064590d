import type { SecretField } from '../card/card-secret.ts';
import type { CollectTarget, Command } from './commands.ts';
import type { PaymentOrder, PaymentPolicy, Route } from './policy.ts';
import { type Ending, ending, type ResultCode } from './result.ts';
import {
  type Asking,
  type Facts,
  type FieldEntry,
  kEntryNames,
  type State,
  type StateName,
  type Trouble,
} from './states.ts';

/** What every decision may look at besides state and event. */
export interface Context {
  readonly order: PaymentOrder;
  readonly policy: PaymentPolicy;
}

/** What a stage answers to an event; undefined: the event does not concern it. */
export interface Reaction {
  readonly state: State;
  /** How much of the state's entrance follows the commands: its prompt and its entry, the prompt alone, nothing. */
  readonly entrance: 'whole' | 'prompt' | 'none';
  readonly commands: readonly Command[];
}

/** Goes to a state, or into the same one anew. */
export function enter(state: State, ...first: Command[]): Reaction {
  return { state, entrance: 'whole', commands: first };
}

/** Goes on in a state without its entrance. */
export function stay(state: State, ...commands: Command[]): Reaction {
  return { state, entrance: 'none', commands };
}

/** Asks again while the entry goes on: the caller has cleared it with star. */
export function askAgain<S extends State & Asking>(state: S): Reaction {
  const untroubled = { ...state, trouble: null };
  return { state: untroubled, entrance: 'prompt', commands: [] };
}

export function entryOf(
  field: SecretField,
  facts: Facts,
  tries = 0,
  trouble: Trouble | null = null,
): FieldEntry {
  return { name: kEntryNames[field], field, facts, tries, trouble };
}

/** Counts an answer that was of no use and asks again, until policy has had enough. */
export function retry<S extends State & Asking>(state: S, trouble: Trouble, context: Context): Reaction {
  const { attempts, sessionErrors } = context.policy.input;
  const facts: Facts = { ...state.facts, errors: state.facts.errors + 1 };
  const next = { ...state, facts, tries: state.tries + 1, trouble };
  const note: Command = { do: 'noteFieldError', field: targetOf(state), reason: trouble };
  if (next.tries >= attempts || facts.errors >= sessionErrors) return fail(next, 'MAX_INPUT', context, note);
  return enter(next, note, { do: 'flushTypeAhead' });
}

/** What a state collects. */
function targetOf(state: State & Asking): CollectTarget {
  if (state.name === 'AMOUNT_ENTRY') return 'amount';
  return isFieldEntry(state) ? state.field : 'menu';
}

function isFieldEntry(state: State): state is FieldEntry {
  return 'field' in state && state.name === kEntryNames[state.field];
}

/** Tells the caller why, and ends; ends at once if nobody is there to be told. */
export function fail(from: State, code: ResultCode, context: Context, ...first: Command[]): Reaction {
  const how = ending(code, reachable(openRoute(routeFor(code, context.policy), from.facts), context.order));
  if (!from.facts.callerPresent) return end(from, how, ...first);
  return enter(
    { name: 'FAIL', facts: insecure(from.facts), ending: how, stage: stageOf(from) },
    ...first,
    ...close(from.facts),
  );
}

export function end(from: State, how: Ending, ...first: Command[]): Reaction {
  const route = openRoute(how.route, from.facts);
  return enter(
    { name: 'END', facts: insecure(from.facts), ending: { ...how, route }, stage: stageOf(from) },
    ...first,
    ...close(from.facts),
  );
}

/** What must have happened before secure mode ends, in this order: nothing collects, the card is gone, the clamp opens. */
export function close(facts: Facts): readonly Command[] {
  const off: readonly Command[] = facts.secure ? [{ do: 'secureMode', on: false }] : [];
  return [
    { do: 'stopCollecting' },
    { do: 'forgetKeys' },
    { do: 'stopTimers' },
    { do: 'sessionTimer', run: false },
    { do: 'wipe' },
    ...off,
  ];
}

export function insecure(facts: Facts): Facts {
  return { ...facts, secure: false };
}

export function without<T>(list: readonly T[], ...items: readonly T[]): readonly T[] {
  return list.filter((each) => !items.includes(each));
}

/** Where the conversation stood when it began to end. */
function stageOf(from: State): StateName {
  if (from.name === 'FAIL' || from.name === 'END') return from.stage;
  return from.name === 'ESCAPE' ? from.back.name : from.name;
}

/** The route that is still open: nobody is led to an agent who has left, or led anywhere after hanging up. */
function openRoute(route: Route, { callerPresent, agentLost }: Facts): Route {
  if (!callerPresent) return 'hangup';
  return agentLost && route === 'back' ? 'queue' : route;
}

/** Where a call goes that was paid: to where it came from, unless an agent who was parked needs the customer no more. */
export function homeRoute({ company, agent }: PaymentPolicy): Route {
  switch (company) {
    case 'alone':
      return 'return';
    case 'listening':
      return 'back';
    case 'parked':
      return agent.onPaid;
  }
}

/** The route that leads somewhere: an agent or queue that is not set up is the application that sent the call, if that wants it back. */
export function reachable(route: Route, { destinations }: PaymentOrder): Route {
  if (route !== 'agent' && route !== 'queue' && route !== 'return') return route;
  if (destinations[route] !== null) return route;
  return destinations.return === null ? 'hangup' : 'return';
}

function routeFor(code: ResultCode, policy: PaymentPolicy): Route {
  switch (code) {
    case 'AGENT_REQUESTED':
    case 'AGENT_CANCELLED':
      return policy.company === 'alone' ? 'agent' : 'back';
    case 'HANGUP_BEFORE_AUTH':
    case 'DECLINED_HANGUP':
      return 'hangup';
    default:
      return policy.failRoute;
  }
}
