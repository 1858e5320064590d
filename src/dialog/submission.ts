import type { Verdict } from '../payment/payments.ts';
import type { Command } from './commands.ts';
import type { DialogEvent } from './events.ts';
import { type Context, end, enter, fail, homeRoute, insecure, type Reaction, stay } from './move.ts';
import { kPhrases } from './phrases.ts';
import { movesMoney, operationOf } from './policy.ts';
import { ending, successOf } from './result.ts';
import type { Facts, InFlight } from './states.ts';

const kStillWorkingMs = 10_000;
const kComfortToneMs = 3000;
const kNoSuchCard = '14'; // ISO 8583 field 39: the number itself is wrong

/** S22: from here on only a verdict ends it. */
export function submit(facts: Facts): Reaction {
  return enter({ name: 'SUBMIT', facts: { ...facts, attempts: facts.attempts + 1, announced: false } });
}

export function enterSubmission(state: InFlight): readonly Command[] {
  const { attempts: attempt, amount, card } = state.facts;
  if (!amount || !card) throw new Error('a submission needs an amount and a card');
  if (state.name === 'REVERSING') return [{ do: 'reverse', attempt, amount }];
  return [
    { do: 'stopCollecting' },
    { do: 'forgetKeys' },
    { do: 'sessionTimer', run: false },
    { do: 'say', phrase: kPhrases.processing, bargeIn: false },
    { do: 'startTimer', timer: 'still', ms: kStillWorkingMs },
    { do: 'submit', attempt, amount, brand: card.brand },
  ];
}

export function onSubmission(state: InFlight, event: DialogEvent, context: Context): Reaction | undefined {
  if (state.name === 'REVERSING') {
    return event.type === 'reversal' ? onReversal(state, event.result) : undefined;
  }
  switch (event.type) {
    case 'flushed':
      return isNow(state, event.attempt) && state.name === 'SUBMIT'
        ? stay({ name: 'WAIT', facts: state.facts })
        : undefined;
    case 'unanswered':
      return isNow(state, event.attempt) && state.name !== 'RESOLVE'
        ? stay({ name: 'RESOLVE', facts: state.facts })
        : undefined;
    case 'verdict':
      return isNow(state, event.attempt) ? onVerdict(state, event.verdict, context) : undefined;
    default:
      return state.facts.callerPresent ? comfort(state, event) : undefined;
  }
}

function isNow(state: InFlight, attempt: number): boolean {
  return attempt === state.facts.attempts;
}

/** S23: a tone every few seconds says that the line is alive, a sentence now and then that we are. */
function comfort(state: InFlight, event: DialogEvent): Reaction | undefined {
  if (event.type === 'said') return stay(state, { do: 'startTimer', timer: 'tone', ms: kComfortToneMs });
  if (event.type !== 'timer') return undefined;
  switch (event.timer) {
    case 'tone':
      return stay(state, { do: 'say', phrase: kPhrases.comfortTone, bargeIn: false });
    case 'still':
      return stay(
        state,
        { do: 'stopTimers' },
        { do: 'say', phrase: kPhrases.stillWorking, bargeIn: false },
        { do: 'startTimer', timer: 'still', ms: kStillWorkingMs },
      );
    default:
      return undefined;
  }
}

function onVerdict(state: InFlight, verdict: Verdict, context: Context): Reaction {
  switch (verdict.kind) {
    case 'approved':
      return onApproved(state, verdict, context);
    case 'declined':
      return onDeclined(state, verdict);
    case 'locked_out':
      return fail(state, 'LOCKED_OUT', context);
    case 'unavailable':
      return fail(state, 'GATEWAY_UNAVAILABLE', context);
    case 'misconfigured':
      return fail(state, 'GATEWAY_CONFIG_ERROR', context);
    case 'unresolved':
      return fail(state, 'UNKNOWN', context);
  }
}

function onApproved(
  state: InFlight,
  verdict: Extract<Verdict, { kind: 'approved' }>,
  context: Context,
): Reaction {
  const { transactionId, authCode, spokenReference, token = null, approvedAmount } = verdict;
  const facts: Facts = {
    ...state.facts,
    amount: approvedAmount ?? state.facts.amount,
    approval: { transactionId, authCode, spokenReference, token },
  };
  const wipe: Command = { do: 'wipe' };
  const clamp: Command = { do: 'secureMode', on: false };
  if (facts.callerPresent) {
    const first: Command[] = [{ do: 'forgetKeys' }, { do: 'stopTimers' }, wipe, clamp];
    return enter({ name: 'APPROVED', facts: insecure(facts) }, ...first);
  }
  if (context.policy.hangup.inFlight === 'reverse' && movesMoney(context))
    return enter({ name: 'REVERSING', facts }, wipe);
  return end({ ...state, facts }, ending(successOf(operationOf(context)), homeRoute(context.policy)));
}

/** S25: the card goes, whatever the decline; what stays is how it may be tried again. */
function onDeclined(state: InFlight, verdict: Extract<Verdict, { kind: 'declined' }>): Reaction {
  const facts: Facts = {
    ...state.facts,
    declines: state.facts.declines + 1,
    lastDecline: { class: verdict.class, code: verdict.code },
    card: null,
    done: [],
  };
  if (!facts.callerPresent) return end({ ...state, facts }, ending('DECLINED_HANGUP', 'hangup'));
  return enter(
    { name: 'DECLINED', facts },
    { do: 'forgetKeys' },
    { do: 'stopTimers' },
    { do: 'refuseCard', from: isHopeless(verdict) ? 'now' : 'second_decline' },
    { do: 'clearFields', fields: ['pan', 'expiry', 'start', 'issue', 'cvv', 'postal'] },
    { do: 'sessionTimer', run: true },
  );
}

/** Will the same number be declined again for certain. */
function isHopeless({ class: declineClass, code }: Extract<Verdict, { kind: 'declined' }>): boolean {
  return declineClass === 'hard' || (declineClass === 'reenter' && code === kNoSuchCard);
}

/** The caller left before the approval came, and policy does not keep such payments. */
function onReversal(state: InFlight, result: 'reversed' | 'unresolved'): Reaction {
  return end(state, ending(result === 'reversed' ? 'HANGUP_BEFORE_AUTH' : 'UNKNOWN', 'hangup'));
}
