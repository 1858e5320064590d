import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { encodeHep, type HepIdentity } from './hep.ts';
import type { Passing, Trace } from './trace.ts';

export interface CaptureServer extends HepIdentity {
  /** Numeric. */
  readonly host: string;
  readonly port: number;
}

/** Sends every message, masked, to a capture server. A datagram that is lost is lost: calls never wait for it. Closed once. */
export class HepExporter implements Trace {
  readonly #server: CaptureServer;
  readonly #socket: Socket;
  #open = true;

  constructor(server: CaptureServer) {
    this.#server = server;
    this.#socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    this.#socket.on('error', () => {}); // nobody listens there, or not now
    this.#socket.unref();
  }

  pass(passing: Passing): void {
    if (!this.#open) return;
    this.#socket.send(encodeHep(passing, this.#server), this.#server.port, this.#server.host, () => {});
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.close();
  }
}
