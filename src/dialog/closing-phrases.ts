import type { Phrase } from '../ports/prompts.ts';
import { type Context, reachable } from './move.ts';
import { amountOf, prompts } from './phrases.ts';
import { operationOf, type PaymentPolicy, type Route } from './policy.ts';
import type { Ending } from './result.ts';
import type { Facts } from './states.ts';

/** S25. Generic wording gives a thief who tries cards nothing to learn from. */
export function declinedPhrase(facts: Facts, { policy }: Context): Phrase {
  if (policy.declines.wording === 'generic') return prompts('declined');
  switch (facts.lastDecline?.class) {
    case 'reenter':
      return prompts('declined.reenter');
    case 'hard':
    case 'auth_required':
      return prompts('declined.other');
    default:
      return prompts('declined');
  }
}

export function maxDeclinesPhrase({ policy, order }: Context): Phrase {
  return [
    ...prompts('declined.max'),
    ...routePhrase(reachable(policy.declines.onReached.route, order), policy),
  ];
}

export function approvedPhrase(facts: Facts, context: Context): Phrase {
  const operation = operationOf(context);
  if (operation === 'verify') return prompts('approved.verified');
  if (operation === 'tokenize') return prompts('approved.token');
  if (!facts.amount) return [];
  return [...prompts('approved.before'), amountOf(facts.amount), ...prompts('approved.after')];
}

export function referencePhrase(facts: Facts, { order }: Context): Phrase {
  const text = facts.approval?.spokenReference ?? facts.approval?.authCode ?? order.paymentRef;
  return [...prompts('ref.is'), { say: 'reference', text }];
}

/** S32: what went wrong, then what happens next. */
export function failPhrase(how: Ending, context: Context): Phrase {
  return [...reasonPhrase(how, context), ...routePhrase(how.route, context.policy)];
}

function reasonPhrase(how: Ending, { order, policy }: Context): Phrase {
  switch (how.code) {
    case 'UNKNOWN':
      return [
        ...prompts('unknown.before'),
        { say: 'reference', text: order.paymentRef },
        ...prompts('unknown.after'),
      ];
    case 'GATEWAY_UNAVAILABLE':
    case 'GATEWAY_CONFIG_ERROR':
      return prompts('gw.down');
    case 'INVALID_PARAMETERS':
      return prompts('sorry.parameters');
    case 'IDV_FAILED':
      return prompts('idv.failed');
    case 'IDV_UNAVAILABLE':
      return prompts('idv.unavailable');
    case 'AMOUNT_REJECTED':
      return prompts(
        (order.amount?.minor ?? 0) < (policy.amount.min ?? 1) ? 'amount.below_min' : 'amount.above_max',
        'not.charged',
      );
    case 'LOCKED_OUT':
      return prompts('locked');
    case 'MAX_INPUT':
      return prompts('tries.used', 'not.charged');
    case 'SESSION_TIMEOUT':
      return prompts('sorry.timeout', 'not.charged');
    case 'CALLER_CANCELLED':
    case 'AGENT_CANCELLED':
      return prompts('cancelled', 'not.charged');
    case 'DECLINED_LEFT':
      return prompts('not.charged');
    case 'SYSTEM_ERROR':
    case 'AGENT_LOST':
      return prompts('sorry.system');
    default:
      return [];
  }
}

function routePhrase(route: Route, { company }: PaymentPolicy): Phrase {
  switch (route) {
    case 'agent':
      return prompts('fail.agent');
    case 'queue':
      return prompts('fail.queue');
    case 'hangup':
      return prompts('fail.hangup', 'bye');
    case 'back':
      return prompts(company === 'parked' ? 'fail.return' : 'fail.leave');
    case 'return': // to the application that sent the call: its words come next
      return [];
    default:
      return prompts('fail.agent');
  }
}
