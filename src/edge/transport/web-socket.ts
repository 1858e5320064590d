import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { kMaxMessageBytes } from '../sip/parse.ts';
import { type Closing, ConnectionListener, remoteOf, type StreamNeeds } from './connection-listener.ts';
import type { Link } from './connection-pool.ts';
import type { Flow, HostPort } from './flow.ts';
import { Gate } from './gate.ts';
import { kPing } from './keep-alive.ts';
import { listening } from './stream-listener.ts';
import { identityOf, type TlsIdentity } from './tls-identity.ts';

/** Who may open a WebSocket. */
export interface WebSocketPolicy {
  /** Path of the request line. */
  readonly path: string;
  /**
   * Origins of pages that may connect, such as `https://desk.example.net`. A browser always names the page's; a client that names
   * none is no page of somebody else's site.
   */
  readonly origins: readonly string[];
}

const kSubprotocol = 'sip'; // RFC 7118 section 4.1
const kPingMs = 30_000;
const kMaxHeadBytes = 16_384;

/** One address for SIP over WebSocket, plain or over TLS. Clients connect to it; it never dials. */
export class WebSocketListener extends ConnectionListener<'ws' | 'wss'> {
  readonly #policy: WebSocketPolicy;
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false, // 64 KB must not become 64 MB
    maxPayload: kMaxMessageBytes,
    handleProtocols: () => kSubprotocol,
  });

  constructor(
    transport: 'ws' | 'wss',
    server: Closing,
    local: HostPort,
    needs: StreamNeeds,
    policy: WebSocketPolicy,
  ) {
    super(transport, server, local, needs);
    this.#policy = policy;
  }

  /** An upgrade request. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const status = this.#refusal(request);
    if (status !== undefined) {
      this.needs.dropped?.('web-socket-refused');
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#upgrader.handleUpgrade(request, socket, head, (client) => this.#serve(client, request.socket));
  }

  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    this.pool.send(flow, bytes, failed, () => undefined);
  }

  #refusal(request: IncomingMessage): string | undefined {
    const { headers, url = '' } = request;
    const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (!this.admits(request.socket)) return '403 Forbidden';
    if (url.split('?')[0] !== this.#policy.path) return '404 Not Found';
    if (headers.origin !== undefined && !this.#policy.origins.includes(headers.origin.toLowerCase())) {
      return '403 Forbidden';
    }
    return protocols.includes(kSubprotocol) ? undefined : '400 Bad Request';
  }

  #serve(client: WebSocket, socket: Socket): void {
    const peer = socket instanceof TLSSocket ? identityOf(socket) : undefined;
    client.on('error', () => this.needs.dropped?.('web-socket-broken')); // 'close' follows
    const connection = this.take(new WebSocketLink(client), remoteOf(socket), peer);
    if (!connection) return;
    const flow = this.flowOf(connection, peer);
    const alive = watchLife(client);
    client.on('message', (data: Buffer) => {
      const text = data.toString('latin1');
      if (text === kPing) this.answerPing(connection);
      else this.needs.receive(text, flow);
    });
    client.on('close', () => {
      clearInterval(alive);
      this.lose(connection);
    });
  }
}

/** A peer that answers no ping for a whole interval has gone. */
function watchLife(client: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  client.on('pong', () => {
    isAlive = true;
  });
  return setInterval(() => {
    if (!isAlive) client.terminate();
    isAlive = false;
    if (client.readyState === WebSocket.OPEN) client.ping();
  }, kPingMs).unref();
}

class WebSocketLink implements Link {
  readonly #client: WebSocket;

  constructor(client: WebSocket) {
    this.#client = client;
  }

  get backlogBytes(): number {
    return this.#client.bufferedAmount;
  }

  /** As text, which browsers want; a body that is no text goes as binary, which every client must take as well. */
  write(bytes: string, failed: (reason: string) => void): void {
    const data = Buffer.from(bytes, 'latin1');
    this.#client.send(data, { binary: !isUtf8(data) }, (error) => error && failed(error.message));
  }

  end(): void {
    this.#client.close(1001); // going away
  }

  destroy(): void {
    this.#client.terminate();
  }
}

/** Binds a listening socket. Rejects with the system's error. @param identity - for WSS; undefined for WS. */
export async function openWebSocket(
  host: string,
  port: number,
  needs: StreamNeeds,
  policy: WebSocketPolicy,
  identity?: TlsIdentity,
  ipv6Only = false,
): Promise<WebSocketListener> {
  const options = { maxHeaderSize: kMaxHeadBytes };
  const secure = identity && createSecureServer({ ...options, ...identity.serverOptions() });
  if (secure) identity.onReload((context) => secure.setSecureContext(context));
  const server = secure ?? createServer(options);
  server.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  const gate = new Gate(server, {
    admits: (raw) => listener.admits(raw),
    unready: () => needs.dropped?.('web-socket-handshake'),
  });
  const bound = await listening(gate.server, host, port, ipv6Only);
  const listener = new WebSocketListener(secure ? 'wss' : 'ws', gate, { host, port: bound }, needs, policy);
  server.on('upgrade', (request, socket, head) => {
    gate.ready(request.socket);
    socket.on('error', () => {}); // before the WebSocket takes it over
    listener.upgrade(request, socket, head);
  });
  return listener;
}
