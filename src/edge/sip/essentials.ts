import { type Address, parseAddress, parseAddressList } from './address.ts';
import { checkBody } from './body.ts';
import { isCallId, isToken, parseDecimal } from './characters.ts';
import type { Headers } from './headers.ts';
import { type CSeq, kMaxSeq, type SipMessage, type SipRequest } from './message.ts';
import { badRequest, type Problem } from './parse.ts';
import { parseSipUri, schemeOf } from './uri.ts';
import { parseTopVia, type Via } from './via.ts';

/** The headers every decision of the edge rests on, parsed and checked. */
export interface Essentials {
  readonly via: Via;
  readonly from: Address;
  readonly to: Address;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly maxForwards: number;
}

const kSingle = [
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'content-type',
  'expires',
  'event',
  'refer-to',
];

/** Reads and checks them (RFC 3261 section 8.1.1), or says what is wrong. */
export function readEssentials(message: SipMessage): Essentials | Problem {
  const { headers } = message;
  for (const key of kSingle) {
    if (headers.countOf(key) > 1) return badRequest(`Repeated ${key}`);
  }
  const via = parseTopVia(headers.first('via') ?? '');
  if (!via) return badRequest('Bad Via');
  const from = parseAddress(headers.first('from') ?? '');
  if (!from) return badRequest('Bad From');
  const to = parseAddress(headers.first('to') ?? '');
  if (!to) return badRequest('Bad To');
  const callId = headers.first('call-id') ?? '';
  if (!isCallId(callId)) return badRequest('Bad Call-ID');
  const cseq = parseCSeq(headers.first('cseq') ?? '');
  if (!cseq) return badRequest('Bad CSeq');
  const maxForwards = parseDecimal(headers.first('max-forwards') ?? '70', 255);
  if (maxForwards === undefined) return badRequest('Bad Max-Forwards');
  if (![from, to].every((address) => isToken(address.params.get('tag') ?? 'x'))) return badRequest('Bad Tag');
  return { via, from, to, callId, cseq, maxForwards };
}

export function isProblem(result: Essentials | Problem): result is Problem {
  return 'status' in result;
}

/** A header that is a number, or undefined. */
export function parseDecimalHeader(headers: Headers, key: string): number | undefined {
  return parseDecimal(headers.first(key) ?? '', kMaxSeq);
}

export function parseCSeq(text: string): CSeq | undefined {
  const match = /^([0-9]{1,20})[ \t]+([^ \t]+)$/.exec(text);
  const seq = parseDecimal(match?.[1] ?? '', kMaxSeq);
  const method = match?.[2] ?? '';
  return seq === undefined || !isToken(method) ? undefined : { seq, method };
}

/** What more a request must satisfy before it is looked at (RFC 3261 sections 8.2.1 and 8.2.2, RFC 4475 section 3). */
export function checkRequest(request: SipRequest, essentials: Essentials): Problem | undefined {
  if (essentials.cseq.method !== request.method) return badRequest('CSeq Method Mismatch');
  const target = checkRequestUri(request.uri);
  if (target) return target;
  const body = checkBody(request.headers, request.body);
  return body === undefined ? checkContacts(request) : badRequest(body);
}

function checkRequestUri(uri: string): Problem | undefined {
  const scheme = schemeOf(uri);
  if (scheme === undefined) return badRequest('Bad Request-URI');
  if (scheme === 'tel') return undefined;
  if (scheme !== 'sip' && scheme !== 'sips') return { status: 416, reason: 'Unsupported URI Scheme' };
  const parsed = parseSipUri(uri);
  if (parsed?.headers !== '') return badRequest('Bad Request-URI'); // headers have no place there: section 19.1.1
  return undefined;
}

function checkContacts({ method, headers }: SipRequest): Problem | undefined {
  for (const value of headers.all('record-route')) {
    if (!parseAddressList(value)) return badRequest('Bad Record-Route');
  }
  for (const value of headers.all('contact')) {
    if (value === '*' && method === 'REGISTER') continue;
    const addresses = parseAddressList(value);
    if (!addresses) return badRequest('Bad Contact');
  }
  return undefined;
}
