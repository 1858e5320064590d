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
 * text. Start line and headers are unfolded already; here addresses get their brackets and quotes.
 */
export function plainForm<M extends SipMessage>(message: M): string {
  const headers = new Headers();
  for (const { key, name, value } of message.headers) headers.add(name, plainValue(key, value));
  return serialize({ ...message, headers });
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
