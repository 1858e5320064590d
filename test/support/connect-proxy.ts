import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ConnectProxy {
  readonly url: string;
  /** `host:port` of every tunnel that was asked for. */
  readonly asked: readonly string[];
  /** Bytes that went through towards the other side. */
  readonly passed: Buffer[];
  close(): Promise<void>;
}

/** An HTTP proxy that tunnels (CONNECT), or refuses to with a status. */
export async function startConnectProxy(refuseWith: number | null = null): Promise<ConnectProxy> {
  const asked: string[] = [];
  const passed: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, client: Socket) => {
    asked.push(request.url ?? '');
    sockets.add(client);
    client.on('error', () => undefined);
    if (refuseWith !== null) {
      client.end(`HTTP/1.1 ${refuseWith} No\r\n\r\n`);
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const target = connect(Number(port), host);
    sockets.add(target);
    target.on('error', () => client.destroy());
    target.on('connect', () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    client.on('data', (chunk: Buffer) => passed.push(chunk));
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    passed,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
