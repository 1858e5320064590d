/** A SIP message as it was sent or received. */
export interface SipMessage {
  readonly startLine: string;
  /** 0 for a request. */
  readonly status: number;
  /** Of the request, or of the request a response belongs to. */
  readonly method: string;
  readonly headers: readonly SipHeader[];
  readonly body: string;
}

export type SipHeader = readonly [name: string, value: string];

// RFC 3261 section 7.3.3 and its registry.
const kCompactNames: Readonly<Record<string, string>> = {
  c: 'content-type',
  f: 'from',
  i: 'call-id',
  l: 'content-length',
  m: 'contact',
  r: 'refer-to',
  t: 'to',
  v: 'via',
};

/** @returns undefined if the datagram is no SIP message (a keep-alive, for one). */
export function readSip(text: string): SipMessage | undefined {
  const end = text.indexOf('\r\n\r\n');
  const [startLine = '', ...lines] = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const status = Number(/^SIP\/2\.0 (\d{3}) /.exec(startLine)?.[1] ?? 0);
  const method = /^([A-Z]+) \S+ SIP\/2\.0$/.exec(startLine)?.[1];
  if (end < 0 || (status === 0 && method === undefined)) return undefined;
  const headers = lines.map(readHeader);
  const message = { startLine, status, headers, body: text.slice(end + 4) };
  return { ...message, method: method ?? headerOf(message, 'CSeq')?.split(' ')[1] ?? '' };
}

function readHeader(line: string): SipHeader {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).trim();
  return [kCompactNames[name.toLowerCase()] ?? name, line.slice(colon + 1).trim()];
}

export function writeSip(startLine: string, headers: readonly SipHeader[], body = ''): string {
  const lines = [...headers, ['Content-Length', String(Buffer.byteLength(body))] as const];
  return `${startLine}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** Values of every line of a header field, in order; names in any case. */
export function headersOf(message: Pick<SipMessage, 'headers'>, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value);
}

export function headerOf(message: Pick<SipMessage, 'headers'>, name: string): string | undefined {
  return headersOf(message, name)[0];
}

/** Branch of the topmost Via: with the method, what a transaction is known by. */
export function branchOf(message: Pick<SipMessage, 'headers'>): string {
  return /;branch=([^;,\s]+)/.exec(headerOf(message, 'Via') ?? '')?.[1] ?? '';
}

/** `<sip:a@b;x>;tag=1` -> `sip:a@b;x` */
export function uriOf(value: string): string {
  return /<([^>]+)>/.exec(value)?.[1] ?? value.split(';')[0]?.trim() ?? '';
}

export function tagOf(value: string): string | undefined {
  return /;tag=([^;\s]+)/.exec(value.replace(/<[^>]*>/, ''))?.[1];
}
