import { findCardLike } from '../../card/card-like.ts';

// What leaves the process for a capture server, or is kept to be looked at, has been through here. Masked stretches keep their
// length, so that Content-Length stays true and the message can still be dissected.

const kCallData = /^x-pay-[^:]*:/i;
const kCredentials = /^(?:proxy-)?authorization[ \t]*:/i;
const kCredentialValue = /\b(?:response|cnonce)[ \t]*=[ \t]*"?([^",\s]+)/gi;
const kContentType = /\r\n(?:content-type|c)[ \t]*:[ \t]*([^;\r\n]*)/gi;
/** Bodies that hold no keys; every other one is masked whole. */
const kOpenTypes: ReadonlySet<string> = new Set(['application/sdp', 'message/sipfrag']);
/** Keys and passwords of media: SDES, MIKEY, ICE. */
const kSecretLine = /^(?:k=|a=crypto:|a=key-mgmt:|a=ice-pwd:)/i;

/**
 * The message without what a caller keyed: bodies of INFO and of every type but SDP and sipfrag, values of X-Pay-* headers,
 * answers to digest challenges, media keys, and whatever looks like a card number.
 * @param text - a whole message, a byte string.
 * @returns a byte string of the same length.
 */
export function maskMessage(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const body = end < 0 ? '' : text.slice(end + 4);
  const masked = maskHead(head) + (end < 0 ? '' : '\r\n\r\n') + maskBody(head, body);
  return maskCards(masked);
}

const kShortestCard = 12;

/** Digits of what looks like a card number become `*`. */
export function maskCards(text: string): string {
  if (!hasDigits(text, kShortestCard)) return text;
  let masked = '';
  let from = 0;
  for (const { start, end } of findCardLike(text)) {
    if (start < from) continue;
    masked += text.slice(from, start) + text.slice(start, end).replace(/\d/g, '*');
    from = end;
  }
  return from === 0 ? text : masked + text.slice(from);
}

function hasDigits(text: string, count: number): boolean {
  let left = count;
  for (let at = 0; at < text.length && left > 0; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) left--;
  }
  return left === 0;
}

function maskHead(head: string): string {
  let hides = false; // the header a folded line belongs to is call data
  const lines = head.split('\r\n').map((line) => {
    if (/^[ \t]/.test(line)) return hides ? starred(line) : line;
    hides = kCallData.test(line);
    if (hides) return hidden(line, kCallData);
    return kCredentials.test(line) ? line.replace(kCredentialValue, hideValue) : line;
  });
  return lines.join('\r\n');
}

function maskBody(head: string, body: string): string {
  if (body === '') return '';
  const types = Array.from(head.matchAll(kContentType), ([, type = '']) => type.trim().toLowerCase());
  const isOpen = types.length === 1 && kOpenTypes.has(types[0] ?? '');
  if (!isOpen || isInfo(head)) return starred(body);
  return body
    .split('\r\n')
    .map((line) => (kSecretLine.test(line) ? hidden(line, kSecretLine) : line))
    .join('\r\n');
}

function isInfo(head: string): boolean {
  return /^INFO /i.test(head) || /\r\ncseq[ \t]*:[^\r\n]*\binfo\b/i.test(head);
}

/** What follows the name is hidden. */
function hidden(line: string, name: RegExp): string {
  const from = name.exec(line)?.[0].length ?? 0;
  return line.slice(0, from) + starred(line.slice(from));
}

function hideValue(parameter: string, value: string): string {
  return parameter.slice(0, parameter.lastIndexOf(value)) + starred(value);
}

/** Blanks and line ends stay. */
function starred(text: string): string {
  return text.replace(/[^ \t\r\n]/g, '*');
}
