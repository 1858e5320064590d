export type TransportName = 'udp' | 'tcp';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface ListenAddress extends HostPort {
  readonly transport: TransportName;
}

/** A way between one of our listening addresses and a peer, in either direction. Addresses are numeric; ::ffff: is removed. */
export interface Flow {
  readonly transport: TransportName;
  readonly remote: HostPort;
  /** The listening address it came in on, or leaves from. */
  readonly local: HostPort;
  /** The TCP connection it came by. */
  readonly connection?: number;
}

export function isReliable(transport: TransportName): boolean {
  return transport !== 'udp';
}

/** `::ffff:192.0.2.1` is 192.0.2.1, in every spelling the sockets produce. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

export function hostPortKey({ host, port }: HostPort): string {
  return `${host}|${port}`;
}
