import type { LocateQuery, Target } from '../resolve/target.ts';
import type { Counter } from '../stats.ts';
import { startOf } from '../trace/trace.ts';
import type { Flow, HostPort, ListenAddress, TransportName } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';

/** Told of every message that is sent. */
export type Sent = (flow: Flow, bytes: string) => void;

/** A network that counts what is sent, and shows it to the trace. */
export class MeteredNetwork implements Network {
  readonly #network: Network;
  readonly #messages: Counter;
  readonly #sent: Sent;

  /** @param messages - counts `out udp INVITE` and the like. */
  constructor(network: Network, messages: Counter, sent: Sent) {
    this.#network = network;
    this.#messages = messages;
    this.#sent = sent;
  }

  get listening(): readonly ListenAddress[] {
    return this.#network.listening;
  }

  flowTo(
    transport: TransportName,
    host: string,
    port: number,
    like?: Flow,
    domain?: string,
  ): Flow | undefined {
    return this.#network.flowTo(transport, host, port, like, domain);
  }

  advertised(flow: Flow): HostPort {
    return this.#network.advertised(flow);
  }

  isOwn(transport: TransportName, host: string, port: number): boolean {
    return this.#network.isOwn(transport, host, port);
  }

  locate(query: LocateQuery, done: (targets: readonly Target[]) => void): void {
    this.#network.locate(query, done);
  }

  vouch(flow: Flow): void {
    this.#network.vouch(flow);
  }

  cutOff(source: string): void {
    this.#network.cutOff(source);
  }

  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    this.#messages.add(`out ${flow.transport} ${startOf(bytes)}`);
    this.#sent(flow, bytes);
    this.#network.send(flow, bytes, failed);
  }
}
