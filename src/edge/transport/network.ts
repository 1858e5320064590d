import type { LocateQuery, Target } from '../resolve/target.ts';
import type { Flow, HostPort, ListenAddress, TransportName } from './flow.ts';

/** What the core needs from the sockets; tests give it a network of their own. */
export interface Network {
  readonly listening: readonly ListenAddress[];
  /**
   * The way to a peer, or undefined when there is no such transport.
   * @param host - numeric, or a name that {@link locate} will replace.
   * @param like - a flow of the same dialog: its connection is used again while it lives and leads to the same host.
   */
  flowTo(
    transport: TransportName,
    host: string,
    port: number,
    like?: Flow,
    domain?: string,
  ): Flow | undefined;
  /** How the far end reaches us over this flow: for Via, Contact and Record-Route. */
  advertised(flow: Flow): HostPort;
  /** Our own address, in any of its spellings. */
  isOwn(transport: TransportName, host: string, port: number): boolean;
  /** Where to try, best first (RFC 3263); empty when nothing is known. Later, unless the host is numeric already. */
  locate(query: LocateQuery, done: (targets: readonly Target[]) => void): void;
  /** The far end of a flow has shown who it is: its connection, if it is one, stays for as long as any. */
  vouch(flow: Flow): void;
  /** Ends the connections of a source that is banned, but those of trunks and our own. @param source - a sourceKey(). */
  cutOff(source: string): void;
  /** @param failed - at most once, later; that a datagram has arrived is never certain. */
  send(flow: Flow, bytes: string, failed: (reason: string) => void): void;
}
