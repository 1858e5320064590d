import type { Flow, HostPort, ListenAddress, TransportName } from './flow.ts';

/** What the core needs from the sockets; tests give it a network of their own. */
export interface Network {
  readonly listening: readonly ListenAddress[];
  /**
   * The way to a peer, or undefined when there is no such transport.
   * @param host - numeric.
   * @param like - a flow of the same dialog: its connection is used again while it leads to the same host.
   */
  flowTo(transport: TransportName, host: string, port: number, like?: Flow): Flow | undefined;
  /** How the far end reaches us over this flow: for Via, Contact and Record-Route. */
  advertised(flow: Flow): HostPort;
  /** Our own address, in any of its spellings. */
  isOwn(transport: TransportName, host: string, port: number): boolean;
  /** Numeric addresses of a name; never calls back synchronously unless the host is numeric already. */
  resolve(host: string, done: (address: string | undefined) => void): void;
  /** @param failed - at most once, later; a datagram never fails for certain. */
  send(flow: Flow, bytes: string, failed: (reason: string) => void): void;
}
