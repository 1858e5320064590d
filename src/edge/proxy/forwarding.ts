import type { Composed } from '../core/composing.ts';
import { viaHeader } from '../core/composing.ts';
import { newBranch } from '../identifiers.ts';
import { addressText, parseAddressList } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { hostPortText, parseSipUri, transportParam } from '../sip/uri.ts';
import { parseTopVia } from '../sip/via.ts';
import type { Flow } from '../transport/flow.ts';
import { transportText } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';

/** Headers of the application that never replace those of the request. */
const kKept = new Set([
  'via', 'max-forwards', 'from', 'to', 'call-id', 'cseq', 'contact', 'content-length', 'record-route', 'route', 'rack',
]); // biome-ignore format: a list

export interface Forwarding {
  readonly requestUri: string;
  readonly flow: Flow;
  /** Where the request came from, when we stay in the dialog. */
  readonly recordRouteFor: Flow | undefined;
  /** Headers the application adds. */
  readonly added: Headers;
}

/** The request as a proxy sends it on (RFC 3261 section 16.6). @param request - without our own Route. */
export function composeForward(network: Network, request: SipRequest, how: Forwarding): Composed {
  const branch = newBranch();
  const { flow } = how;
  const headers = new Headers()
    .add('Via', viaHeader(flow, network.advertised(flow), branch))
    .addAll('Via', request.headers.all('via'));
  if (how.recordRouteFor) headers.addAll('Record-Route', recordRoutesOf(network, how.recordRouteFor, flow));
  headers.add('Max-Forwards', String(Math.max(0, maxForwards(request) - 1)));
  const replaced = new Set([...how.added].map(({ key }) => key).filter((key) => !kKept.has(key)));
  for (const { key, name, value } of request.headers) {
    const written = key === 'via' || key === 'max-forwards' || key === 'content-length';
    if (!written && !replaced.has(key)) headers.add(name, value);
  }
  for (const { key, name, value } of how.added) if (!kKept.has(key)) headers.add(name, value);
  return { request: { ...request, uri: how.requestUri, headers }, branch };
}

export function maxForwards(request: SipRequest): number {
  const value = Number(request.headers.first('max-forwards') ?? '70');
  return Number.isInteger(value) ? value : 70;
}

/** One for each side when the transports differ (RFC 5658 section 3). */
function recordRoutesOf(network: Network, from: Flow, to: Flow): string[] {
  const routes = [recordRoute(network, to)];
  if (from.transport !== to.transport) routes.push(recordRoute(network, from));
  return routes;
}

function recordRoute(network: Network, flow: Flow): string {
  return `<sip:${hostPortText(network.advertised(flow))}${transportText(flow.transport)};lr>`;
}

/** The request without the routes that lead to ourselves; undefined when the first one does not. */
export function withoutOwnRoutes(network: Network, request: SipRequest): SipRequest | undefined {
  const routes = request.headers.all('route').flatMap((value) => parseAddressList(value) ?? []);
  let own = 0;
  while (isOwnUri(network, routes[own]?.uri)) own++;
  if (own === 0) return undefined;
  const headers = new Headers();
  for (const { key, name, value } of request.headers) if (key !== 'route') headers.add(name, value);
  headers.addAll('Route', routes.slice(own).map(addressText));
  return { ...request, headers };
}

function isOwnUri(network: Network, text: string | undefined): boolean {
  const uri = text === undefined ? undefined : parseSipUri(text);
  if (!uri) return false;
  const transport = transportParam(uri) || 'udp';
  const port = uri.port ?? 5060;
  return network.listening.some(
    (address) =>
      (address.transport === transport || transport === 'udp') &&
      (network.isOwn(address.transport, uri.host, port) || isAdvertised(network, address, uri.host, port)),
  );
}

function isAdvertised(
  network: Network,
  local: Network['listening'][number],
  host: string,
  port: number,
): boolean {
  const flow: Flow = { transport: local.transport, remote: { host, port }, local };
  const advertised = network.advertised(flow);
  return advertised.host === host && advertised.port === port;
}

/** The first Route left, or the Request-URI (RFC 3261 section 16.6, step 6). */
export function hopOf(request: SipRequest): string {
  const route = request.headers.first('route');
  return (route === undefined ? undefined : parseAddressList(route)?.[0]?.uri) ?? request.uri;
}

/** The answer on its way back: without our Via (RFC 3261 section 16.7, step 3). */
export function withoutTopVia(response: SipResponse): SipResponse {
  const headers = new Headers();
  let isTop = true;
  for (const { key, name, value } of response.headers) {
    if (key !== 'via' || !isTop) {
      headers.add(name, value);
      continue;
    }
    isTop = false;
    const rest = parseTopVia(value)?.rest.replace(/^[ \t]*,[ \t]*/, '') ?? '';
    if (rest !== '') headers.add(name, rest);
  }
  return { ...response, headers };
}
