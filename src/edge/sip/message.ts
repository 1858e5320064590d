import type { Headers } from './headers.ts';

/** A request. All text is a byte string, see characters.ts. */
export interface SipRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: string;
}

export type SipMessage = SipRequest | SipResponse;

export interface CSeq {
  readonly seq: number;
  readonly method: string;
}

/** CSeq numbers and other 32-bit scalars stay below 2^31 (RFC 3261 section 8.1.1.5). */
export const kMaxSeq = 2 ** 31 - 1;

export const kReasons: Readonly<Record<number, string>> = {
  100: 'Trying', 180: 'Ringing', 181: 'Call Is Being Forwarded', 182: 'Queued', 183: 'Session Progress', 200: 'OK',
  202: 'Accepted', 400: 'Bad Request', 405: 'Method Not Allowed', 408: 'Request Timeout', 413: 'Request Entity Too Large',
  416: 'Unsupported URI Scheme', 420: 'Bad Extension', 422: 'Session Interval Too Small', 481: 'Call/Transaction Does Not Exist', 482: 'Loop Detected',
  483: 'Too Many Hops', 487: 'Request Terminated', 491: 'Request Pending', 500: 'Server Internal Error',
  501: 'Not Implemented', 503: 'Service Unavailable', 504: 'Server Time-out', 505: 'Version Not Supported',
  513: 'Message Too Large',
}; // biome-ignore format: a table
