import type { Server, Socket } from 'node:net';
import type { EdgeLimits } from '../limits.ts';
import { type Connection, ConnectionPool, type Link } from './connection-pool.ts';
import { type Flow, type HostPort, type PeerIdentity, plainAddress } from './flow.ts';
import { KeepAlive, kPing, kPong } from './keep-alive.ts';
import { StreamFramer } from './stream-framer.ts';
import type { Receive } from './udp.ts';

export interface StreamNeeds {
  readonly receive: Receive;
  /** Whether this source may connect. */
  readonly accepts: (host: string) => boolean;
  /** A connection has gone, whoever had opened it. */
  readonly lost?: (flow: Flow) => void;
  /** Counts what was not taken. */
  readonly dropped?: (reason: string) => void;
  readonly limits: Pick<EdgeLimits, 'tcpConnections' | 'tcpIdleMs' | 'connectMs' | 'keepAliveMs' | 'pongMs'>;
}

/** How TCP and TLS differ. */
export interface StreamKind {
  readonly transport: 'tcp' | 'tls';
  /** Emitted by a dialled socket when it can be written to in earnest. */
  readonly readyEvent: 'connect' | 'secureConnect';
  dial(remote: HostPort, domain: string | undefined): Socket;
  identity(socket: Socket): PeerIdentity | undefined;
}

/** What takes connections for a listener: closed when the last one has gone. */
export interface Closing {
  close(): Promise<void>;
}

/** One TCP or TLS listening address with the connections made from and to it. Closed once. */
export class StreamListener {
  readonly transport: 'tcp' | 'tls';
  readonly local: HostPort;
  readonly #kind: StreamKind;
  readonly #server: Closing;
  readonly #needs: StreamNeeds;
  readonly #pool: ConnectionPool;
  #open = true;

  constructor(kind: StreamKind, server: Closing, local: HostPort, needs: StreamNeeds) {
    this.transport = kind.transport;
    this.#kind = kind;
    this.#server = server;
    this.local = local;
    this.#needs = needs;
    this.#pool = new ConnectionPool(needs.limits.tcpConnections);
  }

  has(connection: number): boolean {
    return this.#pool.has(connection);
  }

  find(flow: Flow): number | undefined {
    return this.#pool.find(flow)?.id;
  }

  /** Whether a source may connect now. */
  admits(socket: Socket): boolean {
    if (this.#pool.isFull) {
      this.#needs.dropped?.('too-many-connections');
      return false;
    }
    return this.#needs.accepts(plainAddress(socket.remoteAddress ?? ''));
  }

  /** Takes a connection the far end opened. */
  accept(socket: Socket): void {
    if (!this.admits(socket)) {
      socket.destroy();
      return;
    }
    const remote = { host: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    const link = new SocketLink(socket);
    this.#serve(socket, this.#pool.add(link, remote), undefined);
  }

  /** Sends by the flow's connection, by one that leads to the same place, or by a new one. */
  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    this.#pool.send(flow, bytes, failed, () => this.#dial(flow));
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const closed = this.#server.close();
    this.#pool.close();
    await closed;
  }

  #dial({ remote, redialPort, domain }: Flow): Connection {
    const { limits } = this.#needs;
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
    const connection = this.#pool.add(new SocketLink(socket), place, domain);
    this.#serve(socket, connection, keepAlive);
    return connection;
  }

  #serve(socket: Socket, connection: Connection, keepAlive: KeepAlive | undefined): void {
    let flow: Flow | undefined;
    const framer = new StreamFramer({
      message: (text) => {
        flow ??= this.#flowOf(socket, connection);
        this.#needs.receive(text, flow);
      },
      ping: () => socket.write(kPong),
    });
    socket.setNoDelay(true);
    socket.setTimeout(this.#needs.limits.tcpIdleMs, () => socket.destroy());
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
    socket.on('close', () => {
      this.#pool.remove(connection);
      const { id, remote } = connection;
      this.#needs.lost?.({ transport: this.transport, remote, local: this.local, connection: id });
    });
  }

  #flowOf(socket: Socket, { id, remote, domain }: Connection): Flow {
    const peer = this.#kind.identity(socket);
    return {
      transport: this.transport,
      remote,
      local: this.local,
      connection: id,
      ...(peer && { peer }),
      ...(domain !== undefined && { domain }),
    };
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
