import { resolveAmount } from './amount.ts';
import type { Command } from './commands.ts';
import type { Admission, DialogEvent } from './events.ts';
import { type Context, enter, fail, type Reaction } from './move.ts';
import { greetingPhrase, kPhrases } from './phrases.ts';
import { movesMoney, operationOf } from './policy.ts';
import type { Opening, State } from './states.ts';

export function enterOpening(state: Opening, { policy }: Context): readonly Command[] {
  switch (state.name) {
    case 'ACCEPT':
      return [];
    case 'GREETING':
      return [
        { do: 'sessionTimer', run: true },
        { do: 'say', phrase: greetingPhrase(policy), bargeIn: true },
      ];
    case 'IDV_HANDOFF':
      return [
        { do: 'startTimer', timer: 'idv', ms: policy.idv.timeoutMs },
        { do: 'say', phrase: kPhrases.idvHandOff, bargeIn: false },
        { do: 'handOffToIdv', target: policy.idv.target ?? '' },
      ];
  }
}

export function onOpening(state: Opening, event: DialogEvent, context: Context): Reaction | undefined {
  switch (state.name) {
    case 'ACCEPT':
      return event.type === 'start' ? accept(state, event.admission, context) : undefined;
    case 'GREETING':
      return event.type === 'said' ? checkIdentity(state, context) : undefined;
    case 'IDV_HANDOFF':
      if (event.type === 'timer' && event.timer === 'idv') return fail(state, 'IDV_UNAVAILABLE', context);
      return event.type === 'idv' ? onIdv(state, event.result, context) : undefined;
  }
}

/** S00: can this call pay at all. */
function accept(state: State, admission: Admission, context: Context): Reaction {
  if (!isPayable(context)) return fail(state, 'INVALID_PARAMETERS', context);
  switch (admission) {
    case 'unknown_merchant':
      return fail(state, 'INVALID_PARAMETERS', context);
    case 'locked_out':
      return fail(state, 'LOCKED_OUT', context);
    case 'gateway_down':
      return fail(state, 'GATEWAY_UNAVAILABLE', context);
    case 'ok':
      return enter({ name: 'GREETING', facts: state.facts });
  }
}

/** Profile `pureconnect-ivr` insists on a customer and an amount. Limits hold in one currency, so no other can be paid. */
export function isPayable(context: Context): boolean {
  const { order, policy } = context;
  const { amount } = order;
  if (order.currency !== policy.amount.currency) return false;
  if (!(policy.operations ?? ['sale']).includes(operationOf(context))) return false;
  if (!movesMoney(context)) return policy.profile !== 'pureconnect-ivr' || order.customerId !== null;
  if (policy.profile === 'pureconnect-ivr' && (order.customerId === null || amount === null)) return false;
  if (amount === null) return true;
  return Number.isSafeInteger(amount.minor) && amount.minor > 0 && amount.currency === order.currency;
}

/** S02: known callers go on, others are identified where that is set up. */
function checkIdentity(state: State, context: Context): Reaction {
  const { idv } = context.policy;
  if (context.order.identified === 'true') return resolveAmount(state, context);
  if (idv.target !== null) return enter({ name: 'IDV_HANDOFF', facts: state.facts });
  return idv.required ? fail(state, 'IDV_UNAVAILABLE', context) : resolveAmount(state, context);
}

function onIdv(state: State, result: 'verified' | 'failed' | 'abandoned', context: Context): Reaction {
  switch (result) {
    case 'verified':
      return resolveAmount(state, context, { do: 'stopTimers' }, { do: 'flushTypeAhead' }); // keyed for the application
    case 'failed':
      return fail(state, 'IDV_FAILED', context);
    case 'abandoned':
      return fail(state, 'IDV_UNAVAILABLE', context);
  }
}
