import { isIP } from 'node:net';
import type { LocateQuery } from '../resolve/target.ts';
import { parseSipUri, type SipUri, transportParam } from '../sip/uri.ts';
import { defaultPort, type Flow, isSecure, isWebSocket, type TransportName } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';

/** Where a request goes, or why it cannot; the reasons are those of drachtio-server, which applications know. */
export type NextHop =
  | {
      readonly kind: 'flow';
      /** With the name instead of the address, and the transport as a guess, as long as there is a query. */
      readonly flow: Flow;
      /** What is to be looked up first; undefined when the flow says it all. */
      readonly query?: LocateQuery;
    }
  | { readonly kind: 'refused'; readonly reason: string };

/** @param uri - of the next hop. @param like - flow of the same dialog. */
export function nextHop(network: Network, uri: string, like?: Flow): NextHop {
  const parsed = parseSipUri(uri);
  if (!parsed) return { kind: 'refused', reason: 'invalid request-uri' };
  const transport = transportOf(network, parsed, like);
  const { host } = parsed;
  const port = parsed.port || (transport ? defaultPort(transport) : 0);
  if (transport && network.isOwn(transport, host, port)) {
    return { kind: 'refused', reason: 'can not send request to myself' };
  }
  const flow = transport && network.flowTo(transport, host, port, like);
  if (!flow) return { kind: 'refused', reason: 'requested protocol/transport not available' };
  if (isIP(flow.remote.host) !== 0) return { kind: 'flow', flow };
  const fixed = transportParam(parsed) !== '' || like !== undefined;
  const query: LocateQuery = {
    host,
    port: parsed.port,
    transport: fixed || parsed.port !== undefined ? transport : undefined,
    secure: parsed.scheme === 'sips',
  };
  return { kind: 'flow', flow, query };
}

/** Which transport carries a URI (RFC 3261 section 19.1.5, RFC 7118 section 5.3); a guess where NAPTR will tell. */
function transportOf(network: Network, uri: SipUri, like: Flow | undefined): TransportName | undefined {
  const asked = transportParam(uri);
  const available = network.listening.map(({ transport }) => transport);
  const secure = uri.scheme === 'sips';
  const has = (transport: TransportName): TransportName | undefined =>
    available.includes(transport) ? transport : undefined;
  if (asked === 'ws' || asked === 'wss') return webSocketOf(available, secure || asked === 'wss', like);
  if (asked === 'tls' || (secure && asked === 'tcp')) return has('tls');
  // who called by a connection is called back by it: it is there, and UDP may be closed
  if (asked === '' && like) return secure && !isSecure(like.transport) ? has('tls') : like.transport;
  if (secure) return asked === '' ? has('tls') : undefined;
  if (asked === '') return has('udp') ?? available.find((transport) => !isWebSocket(transport));
  return available.find((transport) => transport === asked);
}

/** `transport=ws` stands for both kinds: the connection that is there says which. */
function webSocketOf(
  available: readonly TransportName[],
  secure: boolean,
  like: Flow | undefined,
): TransportName | undefined {
  if (like && isWebSocket(like.transport)) return like.transport;
  if (secure) return available.includes('wss') ? 'wss' : undefined;
  return available.includes('ws') ? 'ws' : available.find((transport) => transport === 'wss');
}
