import type { PaymentOrder, Route } from '../dialog/policy.ts';
import type { SipHeaders } from '../ports/signaling.ts';

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

/** A destination and what a call to it is to carry: a `Replaces` in it names the leg whose place the caller takes there. */
export function addressOf(destination: string): { readonly uri: string; readonly headers: SipHeaders } {
  const [uri = '', escaped = ''] = destination.split(/\?Replaces=/i);
  const replaces = unescaped(escaped);
  return { uri, headers: replaces === '' ? {} : { Replaces: replaces } };
}

/** An agent waits there, reserved, for the caller to come back. */
export function isReserved(destination: string | null): boolean {
  return destination !== null && 'Replaces' in addressOf(destination).headers;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
