import type { Wanted } from './prepare.ts';

/** Marks messages between the desk and the page around it, and their form. */
export const kProtocol = 'hushpay.desk/1';

/** What the page around the desk may ask for. */
export type HostMessage =
  | { readonly type: 'sign-in'; readonly key: string }
  | { readonly type: 'sign-out' }
  | { readonly type: 'prepare'; readonly payment: Wanted }
  | { readonly type: 'open'; readonly sessionId: string }
  | { readonly type: 'close' }
  | { readonly type: 'action'; readonly action: object };

/** @returns undefined for what is none, or of another protocol. */
export function hostMessage(data: unknown): HostMessage | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { protocol, ...message } = data as Readonly<Record<string, unknown>>;
  if (protocol !== kProtocol) return undefined;
  switch (message['type']) {
    case 'sign-in':
      return typeof message['key'] === 'string' ? { type: 'sign-in', key: message['key'] } : undefined;
    case 'sign-out':
    case 'close':
      return { type: message['type'] };
    case 'open': {
      const { sessionId } = message;
      return typeof sessionId === 'string' && /^[\w-]{1,64}$/.test(sessionId)
        ? { type: 'open', sessionId }
        : undefined;
    }
    case 'prepare':
      return isObject(message['payment'])
        ? { type: 'prepare', payment: message['payment'] as unknown as Wanted }
        : undefined;
    case 'action':
      return isObject(message['action']) ? { type: 'action', action: message['action'] } : undefined;
    default:
      return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
