import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface LossyRelayOptions {
  readonly to: { readonly host: string; readonly port: number };
  /** Share of the datagrams lost, each way. */
  readonly loss: number;
  readonly random: () => number;
  /** One datagram and its copies are never lost more often than this in a row: what no timer can save is no test of timers. */
  readonly maxLossesInARow: number;
}

/** A UDP path between one caller and one server that loses datagrams. Opened once, closed once. */
export class LossyRelay {
  lost = 0;
  passed = 0;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #options: LossyRelayOptions;
  readonly #lossesOf = new Map<string, number>();
  #caller: { host: string; port: number } | undefined;

  private constructor(near: Socket, far: Socket, options: LossyRelayOptions) {
    this.#near = near;
    this.#far = far;
    this.#options = options;
    near.on('message', (bytes, from) => {
      this.#caller = { host: from.address, port: from.port };
      if (this.#passes(bytes)) far.send(bytes, options.to.port, options.to.host);
    });
    far.on('message', (bytes) => {
      if (this.#caller && this.#passes(bytes)) near.send(bytes, this.#caller.port, this.#caller.host);
    });
  }

  static async open(options: LossyRelayOptions): Promise<LossyRelay> {
    return new LossyRelay(await bound(), await bound(), options);
  }

  /** Where the caller sends. */
  get port(): number {
    return this.#near.address().port;
  }

  /** What the server takes for the caller: belongs into its Contact. */
  get callerPort(): number {
    return this.#far.address().port;
  }

  close(): void {
    this.#near.close();
    this.#far.close();
  }

  #passes(bytes: Buffer): boolean {
    const key = bytes.toString('latin1'); // a retransmission is the same bytes
    const losses = this.#lossesOf.get(key) ?? 0;
    if (losses >= this.#options.maxLossesInARow || this.#options.random() >= this.#options.loss) {
      this.passed++;
      this.#lossesOf.delete(key);
      return true;
    }
    this.lost++;
    this.#lossesOf.set(key, losses + 1);
    return false;
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
