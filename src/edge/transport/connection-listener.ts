import type { Socket } from 'node:net';
import type { EdgeLimits } from '../limits.ts';
import { sourceKey } from '../trust/source-key.ts';
import { type Connection, ConnectionPool, type Link } from './connection-pool.ts';
import { type Flow, type HostPort, type PeerIdentity, plainAddress, type TransportName } from './flow.ts';
import { type StrangerLimits, Strangers } from './strangers.ts';
import type { Receive } from './udp.ts';

export interface StreamNeeds {
  readonly receive: Receive;
  /** Whether this source may connect. */
  readonly accepts: (host: string) => boolean;
  /** Whether a connection is one of a trunk, by its address or its certificate. */
  readonly knows: (flow: Flow) => boolean;
  /** A connection has gone, whoever had opened it. */
  readonly lost?: (flow: Flow) => void;
  /** Counts what was not taken. */
  readonly dropped?: (reason: string) => void;
  readonly limits: StrangerLimits &
    Pick<EdgeLimits, 'tcpConnections' | 'tcpIdleMs' | 'connectMs' | 'keepAliveMs' | 'pongMs'>;
}

/** What takes connections for a listener: closed when the last one has gone. */
export interface Closing {
  close(): Promise<void>;
}

/** One listening address with the connections made from and to it. Closed once. */
export abstract class ConnectionListener<T extends TransportName> {
  readonly transport: T;
  readonly local: HostPort;
  protected readonly needs: StreamNeeds;
  protected readonly pool: ConnectionPool;
  readonly #server: Closing;
  readonly #strangers: Strangers;
  #open = true;

  constructor(transport: T, server: Closing, local: HostPort, needs: StreamNeeds) {
    this.transport = transport;
    this.local = local;
    this.needs = needs;
    this.pool = new ConnectionPool(needs.limits.tcpConnections);
    this.#strangers = new Strangers(needs.limits);
    this.#server = server;
  }

  /** Sends by the flow's connection, or by another that leads to the same place. */
  abstract send(flow: Flow, bytes: string, failed: (reason: string) => void): void;

  has(connection: number): boolean {
    return this.pool.has(connection);
  }

  find(flow: Flow): number | undefined {
    return this.pool.find(flow)?.id;
  }

  /** Whether a source may connect now. */
  admits(socket: Socket): boolean {
    if (this.pool.isFull) {
      this.needs.dropped?.('too-many-connections');
      return false;
    }
    return this.needs.accepts(plainAddress(socket.remoteAddress ?? ''));
  }

  /** The far end of a connection has shown who it is. */
  vouch(connection: number): void {
    this.#strangers.prove(connection);
  }

  /** Ends the connections of a source that is not listened to any more. @param source - a sourceKey(). */
  cutOff(source: string): void {
    this.pool.cutOff(source);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const closed = this.#server.close();
    this.pool.close();
    await closed;
  }

  protected flowOf({ id, remote, domain }: Connection, peer: PeerIdentity | undefined): Flow {
    return {
      transport: this.transport,
      remote,
      local: this.local,
      connection: id,
      ...(peer && { peer }),
      ...(domain !== undefined && { domain }),
    };
  }

  /** Takes a connection the far end opened, or ends it: there are too many of strangers. */
  protected take(link: Link, remote: HostPort, peer: PeerIdentity | undefined): Connection | undefined {
    const flow = { transport: this.transport, remote, local: this.local, ...(peer && { peer }) };
    const isKnown = this.needs.knows(flow);
    if (!isKnown && !this.#strangers.hasRoom(sourceKey(remote.host))) {
      this.needs.dropped?.('too-many-strangers');
      link.destroy();
      return undefined;
    }
    const connection = this.pool.add({ link, remote, isKnown });
    if (!isKnown) this.#strangers.add(connection, () => this.#tooLate(link));
    return connection;
  }

  #tooLate(link: Link): void {
    this.needs.dropped?.('stranger-for-too-long');
    link.destroy();
  }

  /** Answers a keep-alive. */
  protected answerPing(connection: Connection): void {
    if (!this.pool.answerPing(connection)) this.needs.dropped?.('peer-does-not-read');
  }

  /** It has gone. */
  protected lose(connection: Connection): void {
    this.pool.remove(connection);
    this.#strangers.remove(connection);
    this.needs.lost?.(this.flowOf(connection, undefined));
  }
}

export function remoteOf(socket: Socket): HostPort {
  return { host: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
}
