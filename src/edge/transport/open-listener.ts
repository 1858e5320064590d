import { isIPv4, isIPv6 } from 'node:net';
import type { StreamNeeds } from './connection-listener.ts';
import type { ListenAddress } from './flow.ts';
import type { Listener } from './socket-network.ts';
import { openTcp } from './tcp.ts';
import { openTls } from './tls.ts';
import type { TlsIdentity } from './tls-identity.ts';
import { openUdp } from './udp.ts';
import { openWebSocket, type WebSocketPolicy } from './web-socket.ts';

/** What listeners of all kinds share. */
export interface ListenerNeeds extends StreamNeeds {
  /** Undefined without certificates: no TLS then, neither as server nor as client. */
  readonly identity: TlsIdentity | undefined;
  readonly webSocket: WebSocketPolicy;
}

/** Binds one address. Rejects with the system's error. @param all - every address of the process. */
export function openListener(
  { transport, host, port }: ListenAddress,
  needs: ListenerNeeds,
  all: readonly ListenAddress[],
): Promise<Listener> {
  // `::` takes IPv4 as well, unless IPv4 has a socket of its own
  const ipv6Only = isIPv6(host) && all.some((other) => other.transport === transport && isIPv4(other.host));
  const { identity, webSocket } = needs;
  switch (transport) {
    case 'udp':
      return openUdp(host, port, needs.receive, ipv6Only);
    case 'tcp':
      return openTcp(host, port, needs, ipv6Only);
    case 'tls':
      return openTls(host, port, needs, certain(identity), ipv6Only);
    case 'ws':
      return openWebSocket(host, port, needs, webSocket, undefined, ipv6Only);
    case 'wss':
      return openWebSocket(host, port, needs, webSocket, certain(identity), ipv6Only);
  }
}

function certain(identity: TlsIdentity | undefined): TlsIdentity {
  if (!identity) throw new RangeError('TLS needs a certificate');
  return identity;
}
