import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

export interface RawServer {
  readonly port: number;
  /** Every byte received, one Buffer per connection. */
  readonly received: Buffer[];
  close(): Promise<void>;
}

/** A server on a free loopback port that speaks bytes: `onRequest` runs once per request whose body has come in whole. */
export async function startRawServer(
  onRequest: (socket: Socket) => void,
  tls?: TlsOptions,
): Promise<RawServer> {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    const index = received.push(Buffer.alloc(0)) - 1;
    let handled = 0;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const all = Buffer.concat([received[index] ?? Buffer.alloc(0), chunk]);
      received[index] = all;
      for (let end = endOfRequest(all, handled); end > 0; end = endOfRequest(all, handled)) {
        handled = end;
        onRequest(socket);
      }
    });
  };
  const server: Server = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Offset behind the first whole request at or after `from`, or 0. */
function endOfRequest(bytes: Buffer, from: number): number {
  const headEnd = bytes.indexOf('\r\n\r\n', from);
  if (headEnd < 0) return 0;
  const head = bytes.toString('latin1', from, headEnd);
  const end = headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return end <= bytes.length ? end : 0;
}

/** An HTTP/1.1 answer with a length. */
export function httpAnswer(
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const lines = Object.entries({ 'content-type': 'application/json', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `HTTP/1.1 ${status} Answer\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}
