import { connect, createServer, type Server, type Socket } from 'node:net';
import type { EdgeLimits } from '../limits.ts';
import { type Flow, type HostPort, hostPortKey, plainAddress } from './flow.ts';
import { StreamFramer } from './stream-framer.ts';
import type { Receive } from './udp.ts';

export interface TcpNeeds {
  readonly receive: Receive;
  /** Whether this source may connect. */
  readonly accepts: (host: string) => boolean;
  readonly limits: Pick<EdgeLimits, 'tcpConnections' | 'tcpIdleMs'>;
}

interface Connection {
  readonly id: number;
  readonly socket: Socket;
  readonly remote: HostPort;
}

const kMaxWaitingBytes = 4_194_304; // a peer that does not read
const kKeepAliveAnswer = '\r\n'; // RFC 5626 section 4.4.1
const kConnectMs = 10_000;

/** One TCP listening address with the connections made from and to it. Opened by {@link openTcp}, closed once. */
export class TcpListener {
  readonly transport = 'tcp';
  readonly local: HostPort;
  readonly #server: Server;
  readonly #needs: TcpNeeds;
  readonly #byId = new Map<number, Connection>();
  readonly #byRemote = new Map<string, Connection>();
  #nextId = 1;
  #open = true;

  constructor(server: Server, local: HostPort, needs: TcpNeeds) {
    this.#server = server;
    this.local = local;
    this.#needs = needs;
  }

  has(connection: number): boolean {
    return this.#byId.has(connection);
  }

  /** Takes a connection the far end opened. */
  accept(socket: Socket): void {
    const host = plainAddress(socket.remoteAddress ?? '');
    if (!this.#open || this.#isFull || !this.#needs.accepts(host)) socket.destroy();
    else this.#attach(socket, { host, port: socket.remotePort ?? 0 });
  }

  get #isFull(): boolean {
    return this.#byId.size >= this.#needs.limits.tcpConnections;
  }

  /**
   * Sends by the flow's connection, by one that leads to the same address, or by a new one.
   * @param failed - when the connection could not be made or broke before the bytes were handed to the system.
   */
  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    const known = flow.connection === undefined ? undefined : this.#byId.get(flow.connection);
    const connection = known ?? this.#byRemote.get(hostPortKey(flow.remote)) ?? this.#dial(flow.remote);
    if (!connection) {
      failed('no connection');
      return;
    }
    if (connection.socket.writableLength > kMaxWaitingBytes) {
      connection.socket.destroy();
      failed('peer does not read');
      return;
    }
    connection.socket.write(bytes, 'latin1', (error) => error && failed(error.message));
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.#byId.values()) socket.destroySoon();
    await closed;
  }

  #dial(remote: HostPort): Connection | undefined {
    if (!this.#open || this.#isFull) return undefined;
    const socket = connect({ host: remote.host, port: remote.port });
    const timeout = setTimeout(() => socket.destroy(new Error('connect timed out')), kConnectMs);
    socket.once('connect', () => clearTimeout(timeout));
    socket.once('close', () => clearTimeout(timeout));
    return this.#attach(socket, remote);
  }

  #attach(socket: Socket, remote: HostPort): Connection {
    const connection = { id: this.#nextId++, socket, remote };
    const key = hostPortKey(remote);
    this.#byId.set(connection.id, connection);
    this.#byRemote.set(key, connection);
    const flow: Flow = { transport: 'tcp', remote, local: this.local, connection: connection.id };
    const framer = new StreamFramer({
      message: (text) => this.#needs.receive(text, flow),
      ping: () => socket.write(kKeepAliveAnswer),
    });
    socket.setNoDelay(true);
    socket.setTimeout(this.#needs.limits.tcpIdleMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      if (!framer.push(chunk.toString('latin1'))) socket.destroySoon();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#byId.delete(connection.id);
      if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
    });
    return connection;
  }
}

/** Binds a listening socket. Rejects with the system's error. @param port - 0 for any free one. */
export async function openTcp(host: string, port: number, needs: TcpNeeds): Promise<TcpListener> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', () => {}); // of single connections
  const bound = server.address();
  const local = { host, port: typeof bound === 'object' && bound ? bound.port : port };
  const listener = new TcpListener(server, local, needs);
  server.on('connection', (socket) => listener.accept(socket));
  return listener;
}
