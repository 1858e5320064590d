import { connect, createServer } from 'node:net';
import type { StreamNeeds } from './connection-listener.ts';
import { listening, type StreamKind, StreamListener } from './stream-listener.ts';

const kTcp: StreamKind = {
  transport: 'tcp',
  readyEvent: 'connect',
  dial: ({ host, port }) => connect({ host, port }),
  identity: () => undefined,
};

/** Binds a listening socket. Rejects with the system's error. @param port - 0 for any free one. */
export async function openTcp(
  host: string,
  port: number,
  needs: StreamNeeds,
  ipv6Only = false,
): Promise<StreamListener> {
  const server = createServer({ allowHalfOpen: true }); // what was cut off is answered before the end
  const bound = await listening(server, host, port, ipv6Only);
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  const listener = new StreamListener(kTcp, { close }, { host, port: bound }, needs);
  server.on('connection', (socket) => listener.accept(socket));
  return listener;
}
