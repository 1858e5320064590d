import type { Socket } from 'node:net';
import { connect, createServer, TLSSocket } from 'node:tls';
import type { StreamNeeds } from './connection-listener.ts';
import { Gate } from './gate.ts';
import { listening, type StreamKind, StreamListener } from './stream-listener.ts';
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
  const handshakes = createServer(identity.serverOptions());
  identity.onReload((options) => handshakes.setSecureContext(options));
  const gate = new Gate(handshakes, {
    admits: (raw) => listener.admits(raw),
    unready: () => needs.dropped?.('tls-handshake'),
  });
  const bound = await listening(gate.server, host, port, ipv6Only);
  const listener = new StreamListener(tlsKind(identity), gate, { host, port: bound }, needs);
  handshakes.on('secureConnection', (socket) => {
    gate.ready(socket);
    socket.disableRenegotiation();
    listener.accept(socket);
  });
  return listener;
}
