import { BlockList, isIP } from 'node:net';
import { parseSipUri, uriHost } from '../sip/uri.ts';
import { type Flow, isWebSocket } from '../transport/flow.ts';

/**
 * When requests in a dialog go to where the far end's message came from instead of to its Contact: never; when the Contact
 * names a private address, or one under `.invalid`, and the message came from another one; whenever the two differ.
 */
export type NatFix = 'off' | 'private' | 'always';

const kPrivate = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  kPrivate.addSubnet(net, bits, 'ipv4');
kPrivate.addSubnet('fc00::', 7, 'ipv6');
kPrivate.addSubnet('fe80::', 10, 'ipv6');

const kSipPort = 5060;

/**
 * The URI to send to instead of the Contact, or undefined.
 * @param hasRoutes - the message bore Record-Route: a proxy in between knows the way.
 */
export function natHop(fix: NatFix, contact: string, source: Flow, hasRoutes: boolean): string | undefined {
  if (fix === 'off' || hasRoutes || isWebSocket(source.transport)) return undefined;
  const uri = parseSipUri(contact);
  const { host, port } = source.remote;
  // a phone that does not know its address writes a name that never resolves (RFC 2606, RFC 7118 section 5)
  if (uri?.host.endsWith('.invalid')) return `sip:${uriHost(host)}:${port};transport=${source.transport}`;
  if (!uri || isIP(uri.host) === 0) return undefined;
  const isDatagram = source.transport === 'udp'; // a connection never comes from the port of the Contact
  const isElsewhere =
    fix === 'always'
      ? uri.host !== host || (isDatagram && (uri.port ?? kSipPort) !== port)
      : uri.host !== host && kPrivate.check(uri.host, isIP(uri.host) === 6 ? 'ipv6' : 'ipv4');
  return isElsewhere ? `sip:${uriHost(host)}:${port};transport=${source.transport}` : undefined;
}
