import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Direction = 'up' | 'down';

/** What happens to the bytes of a direction once `atByte` of them have passed, all connections counted together. */
export interface Fault {
  readonly kind: 'cut' | 'reset' | 'stall' | 'duplicate' | 'corrupt';
  readonly direction: Direction;
  readonly atByte: number;
  /** Happens again after as many bytes more, until it has happened so often. */
  readonly times: number;
}

/** A line to the bank that does to bytes what lines do. */
export class FaultyLine {
  /** Bytes that have passed since the fault was set. */
  readonly passed = { up: 0, down: 0 };
  /** Grows whenever bytes come or connections end. */
  activity = 0;
  /** Whether bytes are being held back. */
  stalled = false;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #held: (() => void)[] = [];
  #fault: Fault | null = null;
  #happened = 0;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(targetPort, '127.0.0.1')));
  }

  static async open(targetPort: number): Promise<FaultyLine> {
    const line = new FaultyLine(targetPort);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set(fault: Fault | null): void {
    this.#fault = fault;
    this.#happened = 0;
    this.passed.up = 0;
    this.passed.down = 0;
    this.release();
  }

  /** Lets go of what was held back: it arrives late, whoever still waits for it. */
  release(): void {
    this.stalled = false;
    for (const send of this.#held.splice(0)) send();
  }

  async close(): Promise<void> {
    this.#held = [];
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: Socket, bank: Socket): void {
    const pair = [client, bank] as const;
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.activity++;
        this.#sockets.delete(socket);
        // What is on its way to the bank gets there although the caller has gone.
        if (!this.stalled) for (const other of pair) other.end();
      });
    }
    this.#pass(pair, client, bank, 'up');
    this.#pass(pair, bank, client, 'down');
  }

  #pass(pair: readonly [Socket, Socket], from: Socket, to: Socket, direction: Direction): void {
    from.on('data', (chunk) => {
      this.activity++;
      const fault = this.#dueIn(direction, chunk.length);
      this.passed[direction] += chunk.length;
      if (this.stalled) this.#held.push(() => to.write(chunk));
      else if (fault) this.#happen(fault, pair, to, chunk);
      else to.write(chunk);
    });
  }

  #dueIn(direction: Direction, length: number): (Fault & { readonly offset: number }) | undefined {
    const fault = this.#fault;
    if (!fault || fault.direction !== direction || this.#happened >= fault.times) return undefined;
    const dueAt = fault.atByte * (this.#happened + 1);
    const offset = dueAt - this.passed[direction];
    return offset < length ? { ...fault, offset: Math.max(0, offset) } : undefined;
  }

  #happen(
    { kind, offset }: Fault & { readonly offset: number },
    pair: readonly [Socket, Socket],
    to: Socket,
    chunk: Buffer,
  ): void {
    this.#happened++;
    const before = chunk.subarray(0, offset);
    const after = chunk.subarray(offset);
    switch (kind) {
      case 'cut':
      case 'reset':
        to.write(before, () => {
          for (const socket of pair) kind === 'cut' ? socket.destroy() : socket.resetAndDestroy();
        });
        break;
      case 'stall':
        to.write(before);
        this.stalled = true;
        this.#held.push(() => to.write(after));
        break;
      case 'duplicate':
        to.write(Buffer.concat([chunk, after]));
        break;
      case 'corrupt': {
        const wrong = Buffer.from(chunk);
        wrong.writeUInt8(wrong.readUInt8(offset) ^ 0x55, offset);
        to.write(wrong);
      }
    }
  }
}
