import { hasBlankOrControl, isToken, parseDecimal } from './characters.ts';

/** A SIP or SIPS URI taken apart (RFC 3261 section 19.1). */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  readonly user: string | undefined;
  /** Lower case; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Parameter names in lower case; a parameter without value is ''. */
  readonly params: ReadonlyMap<string, string>;
  readonly headers: string;
}

const kHost = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])$/;
const kForbidden = /[<>"]/;

export function schemeOf(uri: string): string | undefined {
  const colon = uri.indexOf(':');
  if (colon <= 0) return undefined;
  const scheme = uri.slice(0, colon).toLowerCase();
  return /^[a-z][a-z0-9+.-]*$/.test(scheme) ? scheme : undefined;
}

/** The URI, or undefined when it is not a well-formed `sip:` or `sips:` one. */
export function parseSipUri(text: string): SipUri | undefined {
  const scheme = schemeOf(text);
  if ((scheme !== 'sip' && scheme !== 'sips') || kForbidden.test(text) || hasBlankOrControl(text))
    return undefined;
  let rest = text.slice(scheme.length + 1);
  let user: string | undefined;
  const at = rest.indexOf('@'); // the user part may hold ; and ? itself
  if (at >= 0) {
    user = rest.slice(0, at);
    if (user === '') return undefined;
    rest = rest.slice(at + 1);
  }
  const question = rest.indexOf('?');
  const headers = question < 0 ? '' : rest.slice(question + 1);
  const [hostPort = '', ...params] = (question < 0 ? rest : rest.slice(0, question)).split(';');
  const place = parseHostPort(hostPort);
  const map = parseParams(params);
  return place && map && { scheme, user, ...place, params: map, headers };
}

export interface HostAndMaybePort {
  readonly host: string;
  readonly port: number | undefined;
}

/** `host[:port]`; the host in lower case, an IPv6 address without its brackets. */
export function parseHostPort(text: string): HostAndMaybePort | undefined {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']') + 1) : text.indexOf(':');
  const host = colon < 0 ? text : text.slice(0, colon);
  if (host.length > 255 || !kHost.test(host)) return undefined;
  const port = colon < 0 ? undefined : parseDecimal(text.slice(colon + 1), 65_535);
  if (colon >= 0 && port === undefined) return undefined;
  return { host: (host.startsWith('[') ? host.slice(1, -1) : host).toLowerCase(), port };
}

function parseParams(params: readonly string[]): Map<string, string> | undefined {
  const map = new Map<string, string>();
  for (const param of params) {
    const equals = param.indexOf('=');
    const name = (equals < 0 ? param : param.slice(0, equals)).toLowerCase();
    if (name === '' || !/^[\x21-\x7e\x80-\xff]+$/.test(name)) return undefined;
    map.set(name, equals < 0 ? '' : param.slice(equals + 1));
  }
  return map;
}

/** An address as it stands in a URI or Via: IPv6 in brackets. */
export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

export function hostPortText(place: { readonly host: string; readonly port: number }): string {
  return `${uriHost(place.host)}:${place.port}`;
}

/** `;transport=` in lower case, '' when it is absent or no token. */
export function transportParam(uri: SipUri): string {
  const transport = uri.params.get('transport') ?? '';
  return isToken(transport) ? transport.toLowerCase() : '';
}
