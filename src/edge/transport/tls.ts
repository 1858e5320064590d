import type { Socket } from 'node:net';
import { connect, createServer, TLSSocket } from 'node:tls';
import { listening, type StreamKind, StreamListener, type StreamNeeds } from './stream-listener.ts';
import { guardHandshakes } from './tls-handshakes.ts';
import { identityOf, type TlsIdentity } from './tls-identity.ts';

function tlsKind(identity: TlsIdentity): StreamKind {
  return {
    transport: 'tls',
    readyEvent: 'secureConnect',
    dial: ({ host, port }, domain) => connect({ ...identity.clientOptions(host, domain), host, port }),
    identity: (socket: Socket) => (socket instanceof TLSSocket ? identityOf(socket) : undefined),
  };
}

/** Binds a listening socket for SIP over TLS. Rejects with the system's error. @param port - 0 for any free one. */
export async function openTls(
  host: string,
  port: number,
  needs: StreamNeeds,
  identity: TlsIdentity,
  ipv6Only = false,
): Promise<StreamListener> {
  const server = createServer({ ...identity.serverOptions(), allowHalfOpen: true }); // as in tcp.ts
  identity.onReload((options) => server.setSecureContext(options));
  const bound = await listening(server, host, port, ipv6Only);
  const listener = new StreamListener(tlsKind(identity), server, { host, port: bound }, needs);
  guardHandshakes(server, (raw) => listener.admits(raw), needs.dropped);
  server.on('secureConnection', (socket) => listener.accept(socket));
  return listener;
}
