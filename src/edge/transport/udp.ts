import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIPv4, isIPv6 } from 'node:net';
import { type Flow, type HostPort, plainAddress } from './flow.ts';

const kSocketBufferBytes = 4_194_304; // a burst of a few thousand messages

/** There is no route, the address is of a family this socket does not speak, or the datagram is too long for any. */
const kHopeless = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EMSGSIZE', 'EINVAL', 'EAFNOSUPPORT']);

export type Receive = (text: string, flow: Flow) => void;

/** One UDP socket. Opened by {@link openUdp}, closed once; sending after that does nothing. */
export class UdpListener {
  readonly transport = 'udp';
  readonly local: HostPort;
  readonly #socket: Socket;
  readonly #isIpv6: boolean;
  #open = true;

  constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.local = { host, port: socket.address().port };
    this.#isIpv6 = isIPv6(host);
  }

  /**
   * @param bytes - byte string. A datagram that cannot be sent now is lost like one on the way: timers repeat it.
   * @param failed - no copy of it will ever leave.
   */
  send(remote: HostPort, bytes: string, failed: (reason: string) => void = () => {}): void {
    if (!this.#open || remote.port === 0) return;
    const data = Buffer.from(bytes, 'latin1');
    this.#socket.send(data, remote.port, this.#reachable(remote.host), (error) => {
      const code = error && 'code' in error ? String(error.code) : '';
      if (kHopeless.has(code)) failed(code);
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  /** A socket bound to `::` speaks IPv4 by mapped addresses. */
  #reachable(host: string): string {
    return this.#isIpv6 && isIPv4(host) ? `::ffff:${host}` : host;
  }
}

/** Binds a socket. Rejects with the system's error (`EADDRINUSE`, `EACCES`, …). @param port - 0 for any free one. */
export async function openUdp(
  host: string,
  port: number,
  receive: Receive,
  ipv6Only = false,
): Promise<UdpListener> {
  const family = isIPv6(host) ? 6 : 4;
  let isBound = false;
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only,
    // peers are numeric: asking the resolver would put each datagram off to a later turn of the event loop
    lookup: (name, options, done) => (isBound ? done(null, name, family) : lookup(name, options, done)),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  isBound = true;
  socket.removeAllListeners('error');
  socket.on('error', () => {}); // of single datagrams, such as an unreachable port
  growBuffers(socket);
  const listener = new UdpListener(socket, host);
  socket.on('message', (bytes, from) => {
    const remote = { host: plainAddress(from.address), port: from.port };
    receive(bytes.toString('latin1'), { transport: 'udp', remote, local: listener.local });
  });
  return listener;
}

function growBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(kSocketBufferBytes);
    socket.setSendBufferSize(kSocketBufferBytes);
  } catch {
    // the system allows less: it keeps its default
  }
}
