import { SocketAddress } from 'node:net';

export const kTransports = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;

export type TransportName = (typeof kTransports)[number];

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface ListenAddress extends HostPort {
  readonly transport: TransportName;
}

/** Whom the far end of a TLS connection has shown a certificate of. */
export interface PeerIdentity {
  /** It leads to an authority we trust; without this the names prove nothing. */
  readonly verified: boolean;
  /** DNS names, IP addresses and domains of SIP URIs in its subjectAltName, lower case (RFC 5922 section 7.1). */
  readonly names: readonly string[];
}

/** A way between one of our listening addresses and a peer, in either direction. Addresses are numeric; ::ffff: is removed. */
export interface Flow {
  readonly transport: TransportName;
  readonly remote: HostPort;
  /** The listening address it came in on, or leaves from. */
  readonly local: HostPort;
  /** The connection it came by. */
  readonly connection?: number;
  /** Of a TLS connection whose far end has shown a certificate. */
  readonly peer?: PeerIdentity;
  /** Over TLS: the domain that was asked for, which the certificate of the far end must name (RFC 5922 section 4). */
  readonly domain?: string;
  /** An answer whose connection has gone is sent to this port by a new one (RFC 3261 section 18.2.2). */
  readonly redialPort?: number;
}

export function isReliable(transport: TransportName): boolean {
  return transport !== 'udp';
}

/** Messages follow each other without frames, so that each must say its length. */
export function isStream(transport: TransportName): boolean {
  return transport === 'tcp' || transport === 'tls';
}

/** RFC 7118: clients connect to us, never we to them. */
export function isWebSocket(transport: TransportName): boolean {
  return transport === 'ws' || transport === 'wss';
}

export function isSecure(transport: TransportName): boolean {
  return transport === 'tls' || transport === 'wss';
}

/** What `;transport=` of our own URIs says: RFC 7118 section 5.3 has `ws` for both kinds. */
export function transportText(transport: TransportName): string {
  if (transport === 'udp') return '';
  return `;transport=${transport === 'wss' ? 'ws' : transport}`;
}

/** RFC 3261 section 19.1.2, RFC 7118 section 9. */
export function defaultPort(transport: TransportName): number {
  const ports = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 };
  return ports[transport];
}

/** `::ffff:192.0.2.1` is 192.0.2.1, and `2001:DB8:0::1` is 2001:db8::1, in every spelling the sockets produce. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  try {
    return new SocketAddress({ address, family: 'ipv6' }).address;
  } catch {
    return address; // with a zone, or no address at all
  }
}

export function hostPortKey({ host, port }: HostPort): string {
  return `${host}|${port}`;
}
