import type { SrfRequest, SrfResponse } from 'drachtio-srf';
import type { ReferReport, ReferRequest, Replacing, SipHeaders } from '../ports/signaling.ts';
import { readReplaces } from './replaces.ts';
import { headerReader } from './request.ts';

/** Sends a NOTIFY in the dialog the REFER came by. */
export type Notify = (headers: SipHeaders, sipfrag: string) => void;

const kPatienceS = 60; // how long the subscription is said to live; it ends with the final status
/** Headers of Refer-To that may go into the new INVITE: what else it says is ours to say. */
const kCarried = /^(replaces|require|user-to-user|x-[\w-]+|referred-by)$/i;

/** Headers of the call to come travel escaped inside the URI (RFC 3261 section 19.1.1). */
export function referTo(target: string, headers: SipHeaders): string {
  const escaped = Object.entries(headers).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return escaped.length === 0 || target.startsWith('tel:')
    ? `<${target}>`
    : `<${target}?${escaped.join('&')}>`;
}

/** @returns undefined if Refer-To is not one address we could call. */
export function readReferTo(
  value: string,
): { readonly target: string; readonly headers: SipHeaders } | undefined {
  const uri = (/<([^<>]+)>/.exec(value)?.[1] ?? value.split(';')[0] ?? '').trim();
  const [target = '', query = ''] = uri.split('?', 2);
  if (!/^(sips?:[^\s<>"?,]+|tel:[0-9+*#().;=a-z-]+)$/i.test(target)) return undefined;
  const headers: Record<string, string> = {};
  for (const pair of query.split('&')) {
    const [name = '', escaped = ''] = pair.split('=', 2);
    const text = unescaped(escaped);
    if (kCarried.test(name) && text !== undefined && !/[\r\n]/.test(text)) headers[name] = text;
  }
  return { target: target.replace(/;method=invite\b/i, ''), headers };
}

/**
 * A REFER of the peer, for whoever listens.
 * @returns undefined if it asks for nothing we could do; it is answered then.
 */
export function takeRefer(req: SrfRequest, res: SrfResponse, notify: Notify): ReferRequest | undefined {
  const header = headerReader(req);
  const asked = readReferTo(header('Refer-To') ?? '');
  if (!asked || /;method=(?!invite\b)/i.test(asked.target)) {
    res.send(400, 'Bad Refer-To', {});
    return undefined;
  }
  const isReported = header('Refer-Sub')?.trim().toLowerCase() !== 'false';
  return {
    target: asked.target,
    targetHeaders: asked.headers,
    replaces: replacedBy(asked.headers),
    header,
    accept: () => {
      res.send(202, isReported ? {} : { headers: { 'Refer-Sub': 'false' } });
      return isReported ? reportBy(notify) : { tell: () => {} };
    },
    reject: (status, reason) => res.send(status, reason, {}),
  };
}

/** The first NOTIFY goes out at once (RFC 3515 section 2.4.4). */
function reportBy(notify: Notify): ReferReport {
  let isOver = false;
  const tell = (status: number, reason: string): void => {
    if (isOver) return;
    isOver = status >= 200;
    const state = isOver ? 'terminated;reason=noresource' : `active;expires=${kPatienceS}`;
    notify(
      { Event: 'refer', 'Subscription-State': state, 'Content-Type': 'message/sipfrag;version=2.0' },
      `SIP/2.0 ${status} ${reason}\r\n`,
    );
  };
  tell(100, 'Trying');
  return { tell };
}

function replacedBy(headers: SipHeaders): Replacing | null {
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === 'replaces')?.[1];
  return (value === undefined ? undefined : readReplaces(value)) ?? null;
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
