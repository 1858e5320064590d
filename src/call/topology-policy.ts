import type { PaymentPolicy, Route } from '../dialog/policy.ts';
import type { Topology } from '../ports/payment-sessions.ts';

/**
 * What the shape of a call makes of the configured conversation. Where an agent may hear the prompts, a card is never read back
 * beyond its last four digits and a security code not at all, whatever the configuration says.
 */
export function policyFor(topology: Topology, policy: PaymentPolicy): PaymentPolicy {
  switch (topology) {
    case 'ivr':
      return policy;
    case 'conference':
    case 'inline':
    case 'guest':
      return {
        ...assisted(policy),
        company: 'listening',
        confirm: { ...policy.confirm, card: 'last4', cvv: 'off' },
      };
    case 'secure_transfer':
      return { ...assisted(policy), company: 'parked' };
  }
}

/**
 * With an agent there, the way on is back to that agent: `agent` and `queue` are where automated calls go. An address that is
 * configured stays.
 */
function assisted(policy: PaymentPolicy): PaymentPolicy {
  const { onReached } = policy.declines;
  return {
    ...policy,
    failRoute: towardsAgent(policy.failRoute),
    declines: { ...policy.declines, onReached: { ...onReached, route: towardsAgent(onReached.route) } },
  };
}

function towardsAgent(route: Route): Route {
  return route === 'agent' || route === 'return' || route === 'queue' ? 'back' : route;
}
