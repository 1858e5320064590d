import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Which bytes count: those towards the server, or those back. */
export type Direction = 'up' | 'down';

export interface CuttingProxy {
  readonly port: number;
  /** The next connection loses its ends after this many bytes of a direction have passed; null lets everything pass. */
  cutNext(cut: { readonly direction: Direction; readonly bytes: number } | null): void;
  /** Bytes that passed on the last connection. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Resolves when both ends of the last connection are closed. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** A TCP proxy on a free loopback port that breaks connections at an exact byte. */
export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  let cut: { readonly direction: Direction; readonly bytes: number } | null = null;
  let passed = { up: 0, down: 0 };
  let ended: Promise<unknown> = Promise.resolve();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const limits = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
    if (cut) limits[cut.direction] = cut.bytes;
    const counts = { up: 0, down: 0 };
    passed = counts;
    const upstream = connect(targetPort, '127.0.0.1');
    const breakBoth = () => {
      client.destroy();
      upstream.destroy();
    };
    const pass = (from: Socket, to: Socket, direction: Direction) => {
      from.on('data', (chunk) => {
        const fitting = chunk.subarray(0, Math.max(0, limits[direction] - counts[direction]));
        counts[direction] += fitting.length;
        const full = counts[direction] >= limits[direction];
        to.write(fitting, () => full && breakBoth());
      });
      from.on('end', () => to.end());
    };
    pass(client, upstream, 'up');
    pass(upstream, client, 'down');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', breakBoth);
    }
    ended = Promise.all(
      [client, upstream].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
    if (limits.up === 0 || limits.down === 0) breakBoth();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutNext: (next) => {
      cut = next;
    },
    get passed() {
      return passed;
    },
    idle: async () => void (await ended),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
