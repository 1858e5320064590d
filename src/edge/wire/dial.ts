import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Connects to an application that listens. Rejects when it cannot be reached in time. @param url - `tcp:` or `tls:`, with a port. */
export function dial(url: URL, timeoutMs: number): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const target = { host, port: Number(url.port) };
  return new Promise((resolve, reject) => {
    if (!(target.port > 0)) throw new RangeError('no port');
    const isTls = url.protocol === 'tls:';
    const socket = isTls ? connectTls({ ...target, servername: host }) : connect(target);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error('application does not answer')));
    socket.once('error', fail);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', fail);
      resolve(socket);
    });
  });
}
