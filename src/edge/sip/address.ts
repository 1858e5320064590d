import { Cursor, isToken } from './characters.ts';
import { schemeOf } from './uri.ts';

/** One value of From, To, Contact, Route or the like. */
export interface Address {
  /** As written, quotes included; '' without one. */
  readonly display: string;
  /** Without the angle brackets. */
  readonly uri: string;
  /** Header parameters: names in lower case, values as written, '' without one. */
  readonly params: ReadonlyMap<string, string>;
}

/** One address, or undefined when the value is malformed or holds more than one. */
export function parseAddress(value: string): Address | undefined {
  const cursor = new Cursor(value);
  const address = readAddress(cursor);
  return address && cursor.skipSpace().done ? address : undefined;
}

/** A comma-separated list, or undefined when any of it is malformed. */
export function parseAddressList(value: string): Address[] | undefined {
  const cursor = new Cursor(value);
  const addresses: Address[] = [];
  do {
    const address = readAddress(cursor);
    if (!address) return undefined;
    addresses.push(address);
  } while (cursor.take(','));
  return cursor.skipSpace().done ? addresses : undefined;
}

function readAddress(cursor: Cursor): Address | undefined {
  cursor.skipSpace();
  const display = cursor.peek() === '"' ? cursor.quoted() : readTokens(cursor);
  if (display === undefined) return undefined;
  if (cursor.take('<')) return readBracketed(cursor, display);
  // addr-spec: no display name, and `?` or `,` would be ambiguous (RFC 3261 section 20.10)
  if (display !== '') return undefined;
  const uri = cursor.until(' \t;,?<>"');
  if ('?<>"'.includes(cursor.peek()) && !cursor.done) return undefined;
  return finish(cursor, '', uri);
}

function readBracketed(cursor: Cursor, display: string): Address | undefined {
  const start = cursor.at;
  const uri = cursor.until('>');
  if (cursor.peek() !== '>' || cursor.text.charAt(start - 1) !== '<') return undefined;
  cursor.at++;
  return finish(cursor, display, uri);
}

function finish(cursor: Cursor, display: string, uri: string): Address | undefined {
  if (schemeOf(uri) === undefined || /[\s<>"]/.test(uri)) return undefined;
  const params = readParams(cursor);
  return params && { display, uri, params };
}

/** Words of an unquoted display name; bytes above 127 are tolerated. Leaves the cursor in front of `<`, or where it was. */
function readTokens(cursor: Cursor): string | undefined {
  const start = cursor.at;
  const bracket = cursor.text.indexOf('<', start);
  if (bracket < 0) return '';
  const words = cursor.text.slice(start, bracket).trim();
  if (words.startsWith('sip:') || words.startsWith('sips:')) return '';
  if (!/^[A-Za-z0-9\-.!%*_+`'~ \t\x80-\xff]*$/.test(words)) return words.includes(':') ? '' : undefined;
  cursor.at = bracket;
  return words;
}

/** `;name[=value]…`, or undefined when one of them is empty or unfinished. */
export function readParams(cursor: Cursor): Map<string, string> | undefined {
  const params = new Map<string, string>();
  while (cursor.take(';')) {
    const name = cursor.token();
    if (name === undefined) return undefined;
    let value = '';
    if (cursor.take('=')) {
      const read = cursor.peek() === '"' ? cursor.quoted() : cursor.until(' \t;,"');
      if (!read) return undefined;
      value = read;
    }
    params.set(name.toLowerCase(), value);
  }
  return params;
}

export function paramsText(params: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${value}`;
  return text;
}

/** Writes an address so that every parser takes it: brackets always, quotes where the display name needs them. */
export function addressText(address: Address): string {
  return `${displayText(address.display)}<${address.uri}>${paramsText(address.params)}`;
}

function displayText(display: string): string {
  if (display === '') return '';
  const plain = display.startsWith('"') || display.split(/[ \t]+/).every(isToken);
  return plain ? `${display} ` : `"${display}" `;
}

/** The same address with another tag. */
export function withTag(address: Address, tag: string): Address {
  return { ...address, params: new Map([...address.params, ['tag', tag]]) };
}

export function tagOf(address: Address): string {
  return address.params.get('tag') ?? '';
}
