import { hasBlankOrControl, isSpace, isToken, parseDecimal, trimBlanks } from './characters.ts';
import { type Header, Headers, nameForm } from './headers.ts';
import type { SipMessage, SipRequest } from './message.ts';

export const kMaxMessageBytes = 65_536;
const kMaxHeaders = 256;
const kMaxHeadersPerName = 64;
const kMaxHeaderBytes = 8_192;
const kMaxUriBytes = 4_096;

/** Why a message is refused, and with which status when it is a request. */
export interface Problem {
  readonly status: number;
  readonly reason: string;
}

export type Parsed =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** Not to be acted upon; the headers that could be read serve the answer. */
  | { readonly kind: 'bad-request'; readonly problem: Problem; readonly request: SipRequest }
  /** Nothing that could be answered. */
  | { readonly kind: 'rubbish'; readonly reason: string };

export interface ParseOptions {
  /** Over a stream a message must say its length (RFC 3261 section 18.3); a datagram may go on to its end. */
  readonly stream: boolean;
}

interface StartLine {
  readonly message: Pick<SipRequest, 'method' | 'uri'> | { readonly status: number; readonly reason: string };
  readonly problem?: Problem;
}

/** Reads one message. @param text - byte string of one datagram, or one message of a stream. */
export function parseMessage(text: string, options: ParseOptions): Parsed {
  if (text.length > kMaxMessageBytes) return rubbish('too-long');
  const start = skipLineEnds(text);
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) return rubbish('no-start-line');
  const line = readStartLine(text.slice(start, lineEnd));
  if (!line) return rubbish('bad-start-line');
  const end = text.indexOf('\r\n\r\n', lineEnd);
  const scanned = scanHeaders(text, lineEnd + 2, end < 0 ? text.length : end + 2);
  const body = readBody(text, end, scanned.headers, options);
  const problem = line.problem ?? scanned.problem ?? (typeof body === 'string' ? undefined : body);
  const parts = { headers: scanned.headers, body: typeof body === 'string' ? body : '' };
  if ('status' in line.message) {
    if (problem) return rubbish('bad-response');
    return { kind: 'message', message: { kind: 'response', ...line.message, ...parts } };
  }
  const request: SipRequest = { kind: 'request', ...line.message, ...parts };
  return problem ? { kind: 'bad-request', problem, request } : { kind: 'message', message: request };
}

function rubbish(reason: string): Parsed {
  return { kind: 'rubbish', reason };
}

export function badRequest(reason: string): Problem {
  return { status: 400, reason };
}

function skipLineEnds(text: string): number {
  let at = 0;
  while (text.charCodeAt(at) === 0x0d && text.charCodeAt(at + 1) === 0x0a) at += 2;
  return at;
}

function readStartLine(line: string): StartLine | undefined {
  const first = line.indexOf(' ');
  if (first <= 0) return undefined;
  return line.slice(0, 4).toUpperCase() === 'SIP/' ? readStatusLine(line) : readRequestLine(line, first);
}

function readStatusLine(line: string): StartLine | undefined {
  const match = /^SIP\/2\.0 ([1-6][0-9]{2})(?: (.*))?$/i.exec(line);
  if (!match) return undefined;
  return { message: { status: Number(match[1]), reason: match[2] ?? '' } };
}

function readRequestLine(line: string, first: number): StartLine | undefined {
  const method = line.slice(0, first);
  const last = line.lastIndexOf(' ');
  if (!isToken(method) || method.length > 64) return undefined;
  if (last <= first) return undefined;
  const uri = line.slice(first + 1, last);
  const message = { method, uri };
  const version = line.slice(last + 1);
  if (uri.length > kMaxUriBytes) return { message, problem: { status: 414, reason: 'Request-URI Too Long' } };
  if (/^SIP\/[0-9]+\.[0-9]+$/i.test(version) && version.slice(4) !== '2.0') {
    return { message, problem: { status: 505, reason: 'Version Not Supported' } };
  }
  const clean = version.toUpperCase() === 'SIP/2.0' && uri !== '' && !hasBlankOrControl(uri);
  return clean ? { message } : { message, problem: badRequest('Bad Request-Line') };
}

interface Scan {
  readonly headers: Headers;
  readonly problem: Problem | undefined;
}

/** One pass over the header lines; unfolds, expands compact names. Reads on after a mistake, so that an answer can be built. */
function scanHeaders(text: string, from: number, end: number): Scan {
  const list: Header[] = [];
  const counts = new Map<string, number>();
  let problem: Problem | undefined;
  let lines = 0; // those that are no header count too: each is searched for a colon to the end of the message
  for (let at = from; at < end; ) {
    if (++lines > kMaxHeaders) return { headers: new Headers(list), problem: badRequest('Too Many Headers') };
    const next = lineEndFrom(text, at, end);
    const header = readHeader(text, at, next);
    at = next + 2;
    if (typeof header === 'string') {
      problem ??= badRequest(header);
      continue;
    }
    const count = (counts.get(header.key) ?? 0) + 1;
    counts.set(header.key, count);
    if (count > kMaxHeadersPerName)
      return { headers: new Headers(list), problem: badRequest('Too Many Headers') };
    list.push(header);
  }
  return { headers: new Headers(list), problem };
}

/** Where the line ends, folded continuations included (RFC 3261 section 7.3.1). */
function lineEndFrom(text: string, at: number, end: number): number {
  let lineEnd = text.indexOf('\r\n', at);
  while (lineEnd >= 0 && lineEnd + 2 < end && isSpace(text.charCodeAt(lineEnd + 2))) {
    lineEnd = text.indexOf('\r\n', lineEnd + 2);
  }
  return lineEnd < 0 || lineEnd > end ? end : lineEnd;
}

/** The header, or what is wrong with it. */
function readHeader(text: string, at: number, end: number): Header | string {
  const colon = text.indexOf(':', at);
  if (colon < 0 || colon >= end) return 'Header Without Colon';
  if (end - at > kMaxHeaderBytes) return 'Header Too Long';
  const name = text.slice(at, colon).trimEnd(); // a blank before the colon is legal and must not hide a header
  if (!isToken(name)) return 'Bad Header Name';
  const value = unfold(text.slice(colon + 1, end));
  if (value.includes('\r') || value.includes('\n')) return 'Stray Line End';
  const form = nameForm(name);
  return { key: form.key, name: form.name, value };
}

/** In linear time, whatever blanks it holds: strangers are parsed as well. @param value - a blank follows each line end in it. */
function unfold(value: string): string {
  const line = value.includes('\r\n') ? value.split('\r\n').map(trimBlanks).join(' ') : value;
  return trimBlanks(line);
}

/** The body, cut to its Content-Length, or what is wrong with that. */
function readBody(text: string, headEnd: number, headers: Headers, options: ParseOptions): string | Problem {
  if (headEnd < 0) return badRequest('No End Of Headers');
  const rest = text.slice(headEnd + 4);
  const said = headers.all('content-length');
  if (said.length > 1) return badRequest('Repeated Content-Length');
  if (said[0] === undefined) return options.stream ? badRequest('Missing Content-Length') : rest;
  const length = parseDecimal(said[0], kMaxMessageBytes);
  if (length === undefined || length > rest.length) return badRequest('Bad Content-Length');
  return rest.length === length ? rest : rest.slice(0, length);
}

/** Reads what the application sends: its Content-Length counts characters, so the body is simply the rest. */
export function parseApplicationMessage(text: string): SipMessage | undefined {
  const lineEnd = text.indexOf('\r\n');
  const line = lineEnd < 0 ? undefined : readStartLine(text.slice(0, lineEnd));
  if (!line || line.problem) return undefined;
  const end = text.indexOf('\r\n\r\n', lineEnd);
  const { headers, problem } = scanHeaders(text, lineEnd + 2, end < 0 ? text.length : end + 2);
  if (problem) return undefined;
  const parts = { headers, body: end < 0 ? '' : text.slice(end + 4) };
  return 'status' in line.message
    ? { kind: 'response', ...line.message, ...parts }
    : { kind: 'request', ...line.message, ...parts };
}
