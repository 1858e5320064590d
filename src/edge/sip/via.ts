import { paramsText, readParams } from './address.ts';
import { Cursor } from './characters.ts';
import { parseHostPort, uriHost } from './uri.ts';

/** The topmost value of a message's Via headers (RFC 3261 section 20.42). */
export interface Via {
  /** Upper case: `UDP`, `TCP`. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyMap<string, string>;
  /** What follows in the same header line, commas included; '' mostly. */
  readonly rest: string;
}

export const kMagicCookie = 'z9hG4bK';

export function parseTopVia(value: string): Via | undefined {
  const cursor = new Cursor(value);
  const protocol = cursor.skipSpace().token();
  if (protocol?.toUpperCase() !== 'SIP' || !cursor.take('/')) return undefined;
  if (cursor.token() === undefined || !cursor.take('/')) return undefined;
  const transport = cursor.token();
  if (transport === undefined || !isBlank(cursor)) return undefined;
  const host = cursor.skipSpace().peek() === '[' ? `${cursor.until(']')}]` : cursor.until(' \t:;,');
  if (host.endsWith(']')) cursor.at++;
  const port = cursor.take(':') ? `:${cursor.until(' \t;,')}` : '';
  const place = parseHostPort(host + port);
  const params = readParams(cursor);
  if (!place || !params) return undefined;
  cursor.skipSpace();
  if (!cursor.done && cursor.peek() !== ',') return undefined;
  return { transport: transport.toUpperCase(), ...place, params, rest: value.slice(cursor.at) };
}

function isBlank(cursor: Cursor): boolean {
  return cursor.peek() === ' ' || cursor.peek() === '\t';
}

export function viaText(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${uriHost(via.host)}${port}${paramsText(via.params)}${via.rest}`;
}

/** Notes where the message really came from: `received` (RFC 3261 section 18.2.1) and `rport` (RFC 3581). */
export function stampVia(via: Via, source: { readonly host: string; readonly port: number }): Via {
  const wantsPort = via.params.has('rport');
  if (!wantsPort && via.host === source.host) return via;
  const params = new Map(via.params);
  if (wantsPort) params.set('rport', String(source.port));
  if (via.host !== source.host) params.set('received', source.host);
  return { ...via, params };
}
