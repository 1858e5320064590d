import { isIP } from 'node:net';
import { parseSipUri, type SipUri, transportParam } from '../sip/uri.ts';
import type { Flow, TransportName } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';

const kSipPort = 5060;

/** Where a request goes, or why it cannot; the reasons are those of drachtio-server, which applications know. */
export type NextHop =
  | { readonly kind: 'flow'; readonly flow: Flow }
  | { readonly kind: 'refused'; readonly reason: string };

/** @param uri - of the next hop. @param like - flow of the same dialog. */
export function nextHop(network: Network, uri: string, like?: Flow): NextHop {
  const parsed = parseSipUri(uri);
  if (!parsed) return { kind: 'refused', reason: 'invalid request-uri' };
  const transport = transportOf(network, parsed, like);
  const { host } = parsed;
  const port = parsed.port || kSipPort;
  if (transport && network.isOwn(transport, host, port)) {
    return { kind: 'refused', reason: 'can not send request to myself' };
  }
  const flow = transport && network.flowTo(transport, host, port, like);
  if (!flow) return { kind: 'refused', reason: 'requested protocol/transport not available' };
  return { kind: 'flow', flow };
}

/** Which transports carry a URI; TLS, WS and the lookup of RFC 3263 have their place here. */
function transportOf(network: Network, uri: SipUri, like: Flow | undefined): TransportName | undefined {
  const asked = transportParam(uri);
  const available = network.listening.map(({ transport }) => transport);
  if (uri.scheme === 'sips' || asked === 'tls') return undefined;
  // who called by TCP is called back by TCP: its connection is there, and UDP may be closed
  if (asked === '' && like) return like.transport;
  if (asked === '') return available.includes('udp') ? 'udp' : available[0];
  return available.find((transport) => transport === asked);
}

export function isResolved(flow: Flow): boolean {
  return isIP(flow.remote.host) !== 0;
}
