import { addressText, parseAddress, parseAddressList } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipMessage } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';

const kOneAddress = new Set([
  'from',
  'to',
  'refer-to',
  'referred-by',
  'p-asserted-identity',
  'remote-party-id',
]);
const kAddressList = new Set(['contact', 'route', 'record-route', 'path']);

/**
 * The message as the application's parser takes it: that one works with regular expressions and throws on legal but unusual
 * text. Start line and headers are unfolded already; here addresses get their brackets and quotes, and bytes that no URI holds are
 * escaped. Headers it would take for another one are left out: it undoes escapes in names, and keeps headers in a plain object.
 */
export function plainForm<M extends SipMessage>(message: M): string {
  const headers = new Headers();
  for (const { key, name, value } of message.headers) {
    if (!isMistakable(key)) headers.add(name, plainValue(key, value));
  }
  const plain = { ...message, headers };
  return serialize(plain.kind === 'request' ? { ...plain, uri: plainUri(plain.uri) } : plain);
}

const kInherited = new Set(Object.getOwnPropertyNames(Object.prototype).map((name) => name.toLowerCase()));

/** `%56ia`, `__proto__`. @param key - in lower case. */
function isMistakable(key: string): boolean {
  return key.includes('%') || kInherited.has(key);
}

/** A URI is ASCII (RFC 3261 section 25.1); a byte above becomes its escape. */
function plainUri(uri: string): string {
  return uri.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

function plainValue(key: string, value: string): string {
  if (isPlain(value)) return value;
  if (kOneAddress.has(key)) {
    const address = parseAddress(value);
    return address ? addressText(address) : value;
  }
  if (!kAddressList.has(key) || value === '*') return value;
  const addresses = parseAddressList(value);
  return addresses ? addresses.map(addressText).join(', ') : value;
}

/** The common shape, which needs no work: `<uri>;params` or `"name" <uri>` without anything unusual. */
function isPlain(value: string): boolean {
  return /^(?:"[\w .+-]*" ?)?<[^<>"\s]+>(?:;[\w.=-]+)*$/.test(value);
}
