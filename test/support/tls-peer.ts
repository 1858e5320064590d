import { once } from 'node:events';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import type { Pem } from './certificates.ts';
import { type RawSipPeer, streamPeer } from './raw-sip-peer.ts';

export interface TlsPeer {
  readonly peer: RawSipPeer;
  readonly socket: TLSSocket;
}

/** Connects to the edge; rejects when the handshake fails. */
export async function connectTlsPeer(
  to: { readonly host: string; readonly port: number },
  options: ConnectionOptions,
): Promise<TlsPeer> {
  const socket = connect({ host: to.host, port: to.port, ...options });
  await once(socket, 'secureConnect');
  const address = { host: to.host, port: socket.localPort ?? 0 };
  return { socket, peer: streamPeer('tls', socket, address) };
}

export interface TlsPeerServer {
  readonly port: number;
  /** The first connection that is made. */
  readonly connected: Promise<RawSipPeer>;
  close(): void;
}

/** Waits for the edge to connect. */
export async function listenTlsPeer(
  pem: Pem,
  options: { ca?: string; requestCert?: boolean } = {},
): Promise<TlsPeerServer> {
  const server = createServer({ ...pem, ...options, rejectUnauthorized: options.requestCert === true });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  const sockets: TLSSocket[] = [];
  const connected = new Promise<RawSipPeer>((resolve) => {
    server.on('secureConnection', (socket) => {
      sockets.push(socket);
      resolve(streamPeer('tls', socket, { host: '127.0.0.1', port }));
    });
  });
  return {
    port,
    connected,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
