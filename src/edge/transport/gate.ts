import { createServer, type Server, type Socket } from 'node:net';

export interface GateNeeds {
  /** Whether this source may go on now. */
  readonly admits: (raw: Socket) => boolean;
  /** One that came in was not ready in time, or went before it was. */
  readonly unready: () => void;
}

const kReadyMs = 10_000;
const kMaxUnready = 1_000;

/**
 * What stands before a server that has a handshake to make: a source that may not come is sent off before one is spent on it, and
 * one that dawdles does not keep its place. Closed once.
 */
export class Gate {
  readonly server: Server = createServer();
  readonly #unready = new Map<string, Socket>();

  /** @param inner - the server behind it; it listens to nothing itself. */
  constructor(inner: Pick<Server, 'emit'>, { admits, unready }: GateNeeds) {
    this.server.on('connection', (raw) => {
      raw.on('error', () => {}); // 'close' follows
      if (this.#unready.size >= kMaxUnready || !admits(raw)) {
        raw.destroy();
        return;
      }
      const key = keyOf(raw);
      this.#unready.set(key, raw);
      const timeout = setTimeout(() => this.#unready.has(key) && raw.destroy(), kReadyMs);
      raw.once('close', () => {
        clearTimeout(timeout);
        if (this.#unready.get(key) === raw && this.#unready.delete(key)) unready();
      });
      inner.emit('connection', raw);
    });
  }

  /** The handshake is made. */
  ready(socket: Socket): void {
    this.#unready.delete(keyOf(socket));
  }

  /** Resolves when the last connection has gone: those that are ready are ended by their owner. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const raw of this.#unready.values()) raw.destroy();
    await closed;
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}|${remotePort}`;
}
