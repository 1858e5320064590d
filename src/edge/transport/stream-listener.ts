import type { Server, Socket } from 'node:net';
import { type Closing, ConnectionListener, remoteOf, type StreamNeeds } from './connection-listener.ts';
import type { Connection, Link } from './connection-pool.ts';
import type { Flow, HostPort, PeerIdentity } from './flow.ts';
import { KeepAlive, kPing, kPong } from './keep-alive.ts';
import { StreamFramer } from './stream-framer.ts';

/** How TCP and TLS differ. */
export interface StreamKind {
  readonly transport: 'tcp' | 'tls';
  /** Emitted by a dialled socket when it can be written to in earnest. */
  readonly readyEvent: 'connect' | 'secureConnect';
  dial(remote: HostPort, domain: string | undefined): Socket;
  identity(socket: Socket): PeerIdentity | undefined;
}

/** One TCP or TLS listening address. */
export class StreamListener extends ConnectionListener<'tcp' | 'tls'> {
  readonly #kind: StreamKind;

  constructor(kind: StreamKind, server: Closing, local: HostPort, needs: StreamNeeds) {
    super(kind.transport, server, local, needs);
    this.#kind = kind;
  }

  /** Takes a connection the far end opened. */
  accept(socket: Socket): void {
    if (!this.admits(socket)) {
      socket.destroy();
      return;
    }
    const connection = this.take(new SocketLink(socket), remoteOf(socket), this.#kind.identity(socket));
    if (connection) this.#serve(socket, connection, undefined);
  }

  /** Sends by the flow's connection, by one that leads to the same place, or by a new one. */
  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    this.pool.send(flow, bytes, failed, () => this.#dial(flow));
  }

  #dial({ remote, redialPort, domain }: Flow): Connection {
    const { limits } = this.needs;
    const place = { host: remote.host, port: redialPort ?? remote.port };
    const socket = this.#kind.dial(place, domain);
    const timeout = setTimeout(() => socket.destroy(new Error('connect timed out')), limits.connectMs);
    const keepAlive = new KeepAlive({
      everyMs: limits.keepAliveMs,
      patienceMs: limits.pongMs,
      ping: () => socket.write(kPing),
      dead: () => socket.destroy(),
    });
    socket.once(this.#kind.readyEvent, () => clearTimeout(timeout));
    socket.once('close', () => {
      clearTimeout(timeout);
      keepAlive.stop();
    });
    const connection = this.pool.add({ link: new SocketLink(socket), remote: place, isKnown: true, domain });
    this.#serve(socket, connection, keepAlive);
    return connection;
  }

  #serve(socket: Socket, connection: Connection, keepAlive: KeepAlive | undefined): void {
    let flow: Flow | undefined;
    const framer = new StreamFramer({
      message: (text) => {
        flow ??= this.flowOf(connection, this.#kind.identity(socket));
        this.needs.receive(text, flow);
      },
      ping: () => this.answerPing(connection),
    });
    socket.setNoDelay(true);
    socket.setTimeout(this.needs.limits.tcpIdleMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      keepAlive?.heard(text === kPong);
      if (!framer.push(text)) socket.destroySoon();
    });
    socket.on('end', () => {
      framer.finish();
      socket.end();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.lose(connection));
  }
}

class SocketLink implements Link {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: string, failed: (reason: string) => void): void {
    this.#socket.write(bytes, 'latin1', (error) => error && failed(error.message));
  }

  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Listens. Rejects with the system's error. @returns the port. */
export async function listening(
  server: Server,
  host: string,
  port: number,
  ipv6Only = false,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only }, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', () => {}); // of single connections
  const bound = server.address();
  return typeof bound === 'object' && bound ? bound.port : port;
}
