import type { Counter } from '../stats.ts';
import type { Flow, HostPort, ListenAddress, TransportName } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';

/** A network that counts what is sent. */
export class MeteredNetwork implements Network {
  readonly #network: Network;
  readonly #transports: Counter;

  /** @param transports - counts `out udp` and the like. */
  constructor(network: Network, transports: Counter) {
    this.#network = network;
    this.#transports = transports;
  }

  get listening(): readonly ListenAddress[] {
    return this.#network.listening;
  }

  flowTo(transport: TransportName, host: string, port: number, like?: Flow): Flow | undefined {
    return this.#network.flowTo(transport, host, port, like);
  }

  advertised(flow: Flow): HostPort {
    return this.#network.advertised(flow);
  }

  isOwn(transport: TransportName, host: string, port: number): boolean {
    return this.#network.isOwn(transport, host, port);
  }

  resolve(host: string, done: (address: string | undefined) => void): void {
    this.#network.resolve(host, done);
  }

  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    this.#transports.add(flow.transport === 'udp' ? 'out udp' : 'out tcp');
    this.#network.send(flow, bytes, failed);
  }
}
