import type { SipDialog } from '../dialog/dialog.ts';
import { isSessionTooShort, kMinSessionS } from '../dialog/session-expires.ts';
import type { Essentials } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';
import { kAllow, kExtensions, kMethods, unknownTags } from './methods.ts';
import type { ReplyParts } from './reply.ts';

const kGlareRetryAfterS = '1'; // RFC 3261 section 14.2: between 0 and 10 s
const kBusyRetryAfterS = '5';

/** Requests that exist only inside a dialog. */
const kInDialogOnly: ReadonlySet<string> = new Set(['BYE', 'PRACK', 'UPDATE']);

/** Why a request outside any dialog is not taken, or undefined. */
export function refuseNew(request: SipRequest, essentials: Essentials): ReplyParts | undefined {
  const { method, headers } = request;
  if (!kMethods.includes(method)) return notAllowed(501);
  if (kInDialogOnly.has(method)) return { status: 481 };
  if (essentials.maxForwards === 0 && method !== 'OPTIONS') return { status: 483 };
  if (method === 'INVITE' && !headers.has('contact')) return { status: 400, reason: 'Missing Contact' };
  return refuseExtensions(request) ?? refuseInterval(request);
}

/** RFC 3261 section 8.2.2.3. */
export function refuseExtensions(request: SipRequest): ReplyParts | undefined {
  const unknown = unknownTags(request.headers.all('require'), kExtensions);
  if (unknown.length === 0) return undefined;
  return { status: 420, headers: new Headers().add('Unsupported', unknown.join(', ')) };
}

/** Two INVITEs, or two offers, in one dialog at a time (RFC 3261 section 14.2, RFC 3311 section 5.2). */
export function refuseGlare(request: SipRequest, dialog: SipDialog): ReplyParts | undefined {
  if (request.method === 'INVITE') {
    if (dialog.inviteOut || dialog.offerOut) return { status: 491 };
    return dialog.inviteIn || dialog.updateIn ? retrySoon() : undefined;
  }
  if (request.method !== 'UPDATE') return undefined;
  if (dialog.updateIn) return retrySoon();
  if (request.body === '') return undefined;
  if (dialog.offerOut) return { status: 491 };
  return dialog.offerIn ? retrySoon() : undefined;
}

function retrySoon(): ReplyParts {
  return { status: 500, headers: new Headers().add('Retry-After', kGlareRetryAfterS) };
}

/** A session interval below ours (RFC 4028 section 9). */
export function refuseInterval(request: SipRequest): ReplyParts | undefined {
  const concerns = request.method === 'INVITE' || request.method === 'UPDATE';
  if (!concerns || !isSessionTooShort(request)) return undefined;
  return { status: 422, headers: new Headers().add('Min-SE', String(kMinSessionS)) };
}

export function notAllowed(status: 405 | 501): ReplyParts {
  return { status, headers: new Headers().add('Allow', kAllow) };
}

export function busy(): ReplyParts {
  return { status: 503, headers: new Headers().add('Retry-After', kBusyRetryAfterS) };
}

/** The answer to OPTIONS when no application wants it (RFC 3261 section 11.2). */
export function capabilities(): ReplyParts {
  const headers = new Headers().add('Allow', kAllow).add('Accept', 'application/sdp');
  return { status: 200, headers: headers.add('Supported', [...kExtensions].join(', ')) };
}
