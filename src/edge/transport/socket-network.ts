import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Flow, HostPort, ListenAddress, TransportName } from './flow.ts';
import type { Network } from './network.ts';
import type { TcpListener } from './tcp.ts';
import type { UdpListener } from './udp.ts';

export type Listener = UdpListener | TcpListener;

const kAnyAddress = new Set(['0.0.0.0', '::']);

/** The network of the process: its listening sockets. Takes them over and closes them. */
export class SocketNetwork implements Network {
  readonly #listeners: Listener[] = [];
  readonly #externalHost: string | null;

  /** @param externalHost - how the far side of a NAT reaches us, or null. */
  constructor(externalHost: string | null) {
    this.#externalHost = externalHost;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  get listening(): readonly ListenAddress[] {
    return this.#listeners.map(({ transport, local }) => ({ transport, ...local }));
  }

  flowTo(transport: TransportName, host: string, port: number, like?: Flow): Flow | undefined {
    const remote = { host, port };
    const fits = like?.transport === transport;
    const listener = (fits && this.#listenerOf(like)) || this.#listenerFor(transport, host);
    if (!listener) return undefined;
    const flow = { transport, remote, local: listener.local };
    const reuse =
      fits && like.remote.host === host && listener.transport === 'tcp' ? like.connection : undefined;
    return reuse === undefined ? flow : { ...flow, connection: reuse };
  }

  advertised(flow: Flow): HostPort {
    return { host: this.#advertisedHost(flow), port: flow.local.port };
  }

  isOwn(transport: TransportName, name: string, port: number): boolean {
    const host = name === 'localhost' ? '127.0.0.1' : name;
    return this.#listeners.some(({ transport: own, local }) => {
      if (own !== transport || local.port !== port) return false;
      if (local.host === host || host === this.#externalHost) return true;
      return kAnyAddress.has(local.host) && ownAddresses().includes(host);
    });
  }

  resolve(host: string, done: (address: string | undefined) => void): void {
    if (isIP(host) !== 0) {
      done(host);
      return;
    }
    lookup(host, { verbatim: false }, (error, address) => done(error ? undefined : address));
  }

  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    const listener = this.#listenerOf(flow);
    if (!listener) failed('no such listener');
    else if (listener.transport === 'udp') listener.send(flow.remote, bytes);
    else listener.send(flow, bytes, failed);
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
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
    const sameFamily = candidates.filter(({ local }) => family === 0 || isIP(local.host) === family);
    return (
      sameFamily.find(({ local }) => isLoopback(local.host) === isLoopback(host)) ??
      sameFamily[0] ??
      candidates[0]
    );
  }

  #advertisedHost({ local, remote }: Flow): string {
    if (isLoopback(remote.host) && kAnyAddress.has(local.host))
      return local.host === '::' ? '::1' : '127.0.0.1';
    if (this.#externalHost !== null && !isLoopback(remote.host)) return this.#externalHost;
    if (!kAnyAddress.has(local.host)) return local.host;
    const family = local.host === '::' ? 6 : 4;
    return ownAddresses().find((address) => isIP(address) === family && !isLoopback(address)) ?? '127.0.0.1';
  }
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host === 'localhost';
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).map(({ address }) => address),
  );
}
