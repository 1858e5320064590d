import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { kSystemClock } from '../../process/system-clock.ts';
import { DnsClient } from '../resolve/dns-client.ts';
import { type Dns, locate } from '../resolve/locate.ts';
import type { LocateQuery, Target } from '../resolve/target.ts';
import {
  type Flow,
  type HostPort,
  isWebSocket,
  type ListenAddress,
  plainAddress,
  type TransportName,
} from './flow.ts';
import type { Network } from './network.ts';
import type { StreamListener } from './stream-listener.ts';
import type { UdpListener } from './udp.ts';
import type { WebSocketListener } from './web-socket.ts';

export type Listener = UdpListener | StreamListener | WebSocketListener;

const kAnyAddress = new Set(['0.0.0.0', '::']);
/** RFC 7118 section 5: a browser has no address of its own and writes a random name of this domain. */
const kUnreachable = /(^|\.)invalid$/;

/** The network of the process: its listening sockets. Takes them over and closes them. */
export class SocketNetwork implements Network {
  readonly #listeners: Listener[] = [];
  readonly #externalHost: string | null;
  readonly #dns: Dns;
  readonly #guard: (task: () => void) => void;

  /**
   * @param externalHost - how the far side of a NAT reaches us, or null.
   * @param guard - runs what is called back later: a mistake in it must not end the process.
   */
  constructor(
    externalHost: string | null,
    dns: Dns = new DnsClient([], kSystemClock),
    guard: (task: () => void) => void = (task) => task(),
  ) {
    this.#externalHost = externalHost;
    this.#dns = dns;
    this.#guard = guard;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  get listening(): readonly ListenAddress[] {
    return this.#listeners.map(({ transport, local }) => ({ transport, ...local }));
  }

  flowTo(
    transport: TransportName,
    host: string,
    port: number,
    like?: Flow,
    domain?: string,
  ): Flow | undefined {
    const fits = like?.transport === transport ? like : undefined;
    const own = fits && this.#listenerOf(fits);
    if (fits && own && this.#leadsTo(own, fits, host)) return fits;
    const listener = own ?? this.#listenerFor(transport, host);
    if (!listener) return undefined;
    const flow = { transport, remote: { host, port }, local: listener.local };
    if (isWebSocket(transport)) return this.#connected(flow);
    return transport === 'tls' ? { ...flow, domain: domain ?? host } : flow;
  }

  advertised(flow: Flow): HostPort {
    return { host: this.#advertisedHost(flow), port: flow.local.port };
  }

  isOwn(transport: TransportName, name: string, port: number): boolean {
    const host = name === 'localhost' ? '127.0.0.1' : plainAddress(name);
    return this.#listeners.some(({ transport: own, local }) => {
      if (own !== transport || local.port !== port) return false;
      if (local.host === host || host === this.#externalHost) return true;
      return kAnyAddress.has(local.host) && ownAddresses().includes(host);
    });
  }

  locate(query: LocateQuery, done: (targets: readonly Target[]) => void): void {
    const transports = [...new Set(this.#listeners.map(({ transport }) => transport))];
    locate(query, { dns: this.#dns, transports, random: Math.random }).then(
      (targets) => this.#guard(() => done(targets.filter(({ host }) => this.#canReach(host)))),
      () => this.#guard(() => done([])),
    );
  }

  vouch(flow: Flow): void {
    if (flow.connection === undefined) return;
    const listener = this.#listenerOf(flow);
    if (listener && listener.transport !== 'udp') listener.vouch(flow.connection);
  }

  cutOff(source: string): void {
    for (const listener of this.#listeners) if (listener.transport !== 'udp') listener.cutOff(source);
  }

  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    const listener = this.#listenerOf(flow);
    if (!listener) failed('no such listener');
    else if (listener.transport === 'udp') listener.send(flow.remote, bytes, failed);
    else listener.send(flow, bytes, (reason) => this.#guard(() => failed(reason)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  /** The connection of a flow lives, and the far end of it is who is meant (RFC 5923). */
  #leadsTo(listener: Listener, like: Flow, host: string): boolean {
    if (listener.transport === 'udp' || like.connection === undefined || !listener.has(like.connection)) {
      return false;
    }
    return like.remote.host === plainAddress(host) || kUnreachable.test(host);
  }

  /** A WebSocket is there already, or cannot be had. */
  #connected(flow: Flow): Flow | undefined {
    for (const listener of this.#listeners) {
      if (listener.transport === 'udp' || listener.transport !== flow.transport) continue;
      const at = { ...flow, local: listener.local };
      const connection = listener.find(at);
      if (connection !== undefined) return { ...at, connection };
    }
    return undefined;
  }

  #listenerOf({ transport, local }: Flow): Listener | undefined {
    return this.#listeners.find(
      (listener) =>
        listener.transport === transport &&
        listener.local.port === local.port &&
        listener.local.host === local.host,
    );
  }

  /** The first of the transport that can reach the host: of its address family, and loopback only for loopback. */
  #listenerFor(transport: TransportName, host: string): Listener | undefined {
    const candidates = this.#listeners.filter((listener) => listener.transport === transport);
    const family = isIP(host);
    const fitting = candidates.filter(({ local }) => family === 0 || speaks(local.host, family));
    return fitting.find(({ local }) => isLoopback(local.host) === isLoopback(host)) ?? fitting[0];
  }

  #canReach(host: string): boolean {
    return this.#listeners.some(({ local }) => speaks(local.host, isIP(host)));
  }

  #advertisedHost({ local, remote }: Flow): string {
    const family = isIP(remote.host) || isIP(local.host);
    if (isLoopback(remote.host) && kAnyAddress.has(local.host)) return family === 6 ? '::1' : '127.0.0.1';
    const external = this.#externalHost;
    const isOfFamily = external !== null && (isIP(external) === 0 || isIP(external) === family);
    if (external !== null && isOfFamily && !isLoopback(remote.host)) return external;
    if (!kAnyAddress.has(local.host)) return local.host;
    const address = ownAddresses().find((own) => isIP(own) === family && !isLoopback(own));
    return address ?? (family === 6 ? '::1' : '127.0.0.1');
  }
}

/** A socket bound to `::` speaks IPv4 as well. */
function speaks(localHost: string, family: number): boolean {
  return isIP(localHost) === family || isIP(localHost) === 0 || localHost === '::';
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host === 'localhost';
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).filter(({ address }) => !address.startsWith('fe80:')).map(({ address }) => address),
  );
}
