import type { PaymentOrder, Route } from '../dialog/policy.ts';

/** The SIP URI of a route; null: nobody is asked to send the call anywhere. */
export function destinationOf(route: Route, destinations: PaymentOrder['destinations']): string | null {
  switch (route) {
    case 'hangup':
    case 'back': // we leave, the others go on
      return null;
    case 'return':
    case 'agent':
    case 'queue':
      return destinations[route];
    default:
      return route;
  }
}
