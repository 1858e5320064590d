import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What came back for one message. */
export interface Reaction {
  /** Final statuses, in order. */
  readonly statuses: readonly number[];
  /** The far end closed the connection. */
  readonly closed: boolean;
}

/**
 * Sends one message, byte for byte, and waits for a final answer; when silence is right too, only until the edge has answered a probe
 * sent after it.
 */
export type Exchange = (text: string, patience: Patience) => Promise<Reaction>;

export interface Patience {
  readonly maySayNothing: boolean;
  /** The connection is to end after the answer. */
  readonly untilClosed?: boolean;
}

const kPatienceMs = 60_000;
const kSipPort = 5060;

/** A loopback address nobody else uses: answers go to the port in Via, whatever it is, so that port must be free. */
export function loneAddress(): string {
  const octet = (): number => 1 + Math.floor(Math.random() * 253);
  return `127.${octet()}.${octet()}.${octet()}`;
}

/** @param probe - resolves when the edge has answered an OPTIONS. */
export function udpExchange(edge: Place, host: string, probe: () => Promise<void>): Exchange {
  return async (text, { maySayNothing }) => {
    const socket = createSocket('udp4');
    socket.bind(sentByPort(text), host);
    await once(socket, 'listening');
    const statuses: number[] = [];
    const answered = new Promise<void>((resolve) =>
      socket.on('message', (bytes) => {
        const status = finalStatus(bytes.toString('latin1'));
        if (status === undefined) return;
        statuses.push(status);
        resolve();
      }),
    );
    socket.send(Buffer.from(text, 'latin1'), edge.port, edge.host);
    await within(maySayNothing ? Promise.race([answered, probe().then(probe)]) : answered);
    socket.close();
    return { statuses, closed: false };
  };
}

/** @param ca - of a TLS edge; plain TCP without it. */
export function streamExchange(edge: Place, probe: () => Promise<void>, ca?: string): Exchange {
  return async (text, { maySayNothing, untilClosed = false }) => {
    const from = { ...edge, localAddress: loneAddress() }; // or a copy by another transport would be a retransmission
    const socket = ca === undefined ? connect(from) : connectTls({ ...from, ca });
    await once(socket, ca === undefined ? 'connect' : 'secureConnect');
    const statuses: number[] = [];
    let isClosed = false;
    const closed = once(socket, 'close').then(() => {
      isClosed = true;
    });
    const answered = new Promise<void>((resolve) =>
      cutStream(socket, (message) => {
        const status = finalStatus(message);
        if (status === undefined) return;
        statuses.push(status);
        resolve();
      }),
    );
    socket.on('error', () => {});
    if (endsEarly(text))
      socket.end(text, 'latin1'); // the rest never comes: say so, or it would be waited for
    else socket.write(text, 'latin1');
    await within(Promise.race([answered, closed, ...(maySayNothing ? [probe().then(probe)] : [])]));
    if (untilClosed) await within(closed);
    socket.destroy();
    return { statuses, closed: isClosed };
  };
}

async function within(wait: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), kPatienceMs);
  await Promise.race([wait, once(patience.signal, 'abort')]);
  clearTimeout(timer);
}

/** RFC 3261 section 18.2.2: where an answer without rport goes. */
function sentByPort(text: string): number {
  const via = /^(?:via|v)[ \t]*:\s*([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/im.exec(text)?.[1] ?? '';
  const sentBy = /^SIP\s*\/\s*[0-9.]+\s*\/\s*\w+\s+(?:\[[^\]]*\]|[^\s:;,[]+)\s*(?::\s*(\d+))?/i.exec(via);
  const port = Number(sentBy?.[1] ?? kSipPort);
  return port > 0 && port < 65_536 ? port : kSipPort;
}

function finalStatus(text: string): number | undefined {
  const status = Number(/^SIP\/2\.0 (\d{3}) /.exec(text)?.[1] ?? 0);
  return status >= 200 ? status : undefined;
}

function endsEarly(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/\r\n(?:content-length|l)[ \t]*:\s*(\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? 0);
  return end < 0 || text.length < end + 4 + length;
}

function cutStream(socket: Socket, take: (message: string) => void): void {
  let pending = '';
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    for (;;) {
      pending = pending.replace(/^(?:\r\n)+/, ''); // keep-alives
      const end = pending.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(pending.slice(0, end))?.[1] ?? 0);
      if (end < 0 || pending.length < end + 4 + length) return;
      take(pending.slice(0, end + 4 + length));
      pending = pending.slice(end + 4 + length);
    }
  });
}
