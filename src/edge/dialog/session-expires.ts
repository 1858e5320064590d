import { parseDecimal } from '../sip/characters.ts';
import type { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';

/** The least interval taken, and the floor of RFC 4028 section 5. */
export const kMinSessionS = 90;
const kMaxSessionS = 2 ** 31 - 1;

/** A Session-Expires header (RFC 4028 section 4). */
export interface SessionExpires {
  readonly intervalS: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

/** What both ends of a dialog have agreed upon. */
export interface SessionInterval {
  readonly intervalS: number;
  readonly refresher: 'us' | 'them';
}

/** The header, or undefined when it is absent or cannot be read. */
export function readSessionExpires(headers: Headers): SessionExpires | undefined {
  const [number = '', ...params] = (headers.first('session-expires') ?? '').split(';');
  const intervalS = parseDecimal(number.trim(), kMaxSessionS);
  if (intervalS === undefined) return undefined;
  const named = params.map((param) => /^\s*refresher\s*=\s*(uac|uas)\s*$/i.exec(param)?.[1]);
  const refresher = named.find((name) => name !== undefined)?.toLowerCase();
  return { intervalS, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}

export function readMinSe(headers: Headers): number | undefined {
  return parseDecimal((headers.first('min-se') ?? '').split(';')[0]?.trim() ?? '', kMaxSessionS);
}

export function sessionExpiresText(intervalS: number, refresher: 'uac' | 'uas'): string {
  return `${intervalS};refresher=${refresher}`;
}

/** Whether a header such as Supported or Require names an option. */
export function names(headers: Headers, key: 'supported' | 'require', option: string): boolean {
  return headers
    .all(key)
    .some((value) => value.split(',').some((tag) => tag.trim().toLowerCase() === option));
}

function supportsTimer({ headers }: SipRequest): boolean {
  return names(headers, 'supported', 'timer') || names(headers, 'require', 'timer');
}

/** Refused with 422 only when the caller would understand it (RFC 4028 section 9). */
export function isSessionTooShort(request: SipRequest): boolean {
  const asked = readSessionExpires(request.headers);
  return asked !== undefined && asked.intervalS < kMinSessionS && supportsTimer(request);
}

/** What a 2xx to INVITE or UPDATE says about the session, and what follows from it. */
export interface SessionAnswer {
  readonly header: string;
  /** The far end is to refresh: `Require: timer` tells it so (RFC 4028 section 9). */
  readonly requires: boolean;
  readonly interval: SessionInterval;
}

/**
 * The answerer's side of RFC 4028 section 9: takes what the caller asks, or what the application says instead.
 * @param given - headers the application wrote into its 2xx.
 * @returns undefined when the session has no timer.
 */
export function answerSession(request: SipRequest, given: Headers): SessionAnswer | undefined {
  const asked = readSessionExpires(request.headers);
  const own = readSessionExpires(given);
  const canRefresh = supportsTimer(request);
  const least = Math.max(kMinSessionS, readMinSe(request.headers) ?? 0);
  const wanted = own?.intervalS ?? asked?.intervalS;
  if (wanted === undefined) return undefined;
  const ceiling = asked?.intervalS ?? kMaxSessionS; // an answerer may only shorten
  const intervalS = Math.max(least, Math.min(wanted, ceiling));
  const chosen = asked?.refresher ?? own?.refresher ?? 'uac';
  const refresher = canRefresh ? chosen : 'uas';
  return {
    header: sessionExpiresText(intervalS, refresher),
    requires: refresher === 'uac',
    interval: { intervalS, refresher: refresher === 'uac' ? 'them' : 'us' },
  };
}

/**
 * The asker's side of RFC 4028 section 7.2.
 * @param before - of the dialog until now: kept up by us when the far end no longer speaks of it.
 */
export function sessionFromAnswer(
  answer: Headers,
  before: SessionInterval | undefined,
): SessionInterval | undefined {
  const agreed = readSessionExpires(answer);
  if (!agreed) return before && { ...before, refresher: 'us' };
  return { intervalS: agreed.intervalS, refresher: agreed.refresher === 'uas' ? 'them' : 'us' };
}
