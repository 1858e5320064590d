import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as Datagram } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A SIP message as the peer saw it. */
export interface RawMessage {
  readonly text: string;
  readonly startLine: string;
  /** 0 for a request. */
  readonly status: number;
  /** Of the request, or from CSeq. */
  readonly method: string;
  readonly body: string;
  header(name: string): string;
  headers(name: string): string[];
}

export interface RawRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type PeerTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

const kPatienceMs = 60_000;
const kLinger = 3_000;

/**
 * The far end of a test: sends what it is told, byte for byte, and waits for what comes. It has no SIP stack: nothing is
 * repeated, acknowledged or absorbed unless the test does it.
 */
export class RawSipPeer {
  readonly transport: PeerTransport;
  readonly host: string;
  readonly port: number;
  /** Everything received, in order. */
  readonly received: RawMessage[] = [];
  /** Resolves when the far end has closed the connection. */
  readonly closed: Promise<void>;
  markClosed: () => void = () => {};
  readonly #write: (text: string) => void;
  readonly #close: () => void;
  readonly #taken = new Set<RawMessage>();
  readonly #waiting = new Set<() => void>();

  constructor(
    transport: PeerTransport,
    address: { readonly host: string; readonly port: number },
    write: (text: string) => void,
    close: () => void,
  ) {
    this.transport = transport;
    this.host = address.host;
    this.port = address.port;
    this.#write = write;
    this.#close = close;
    this.closed = new Promise((resolve) => {
      this.markClosed = resolve;
    });
  }

  send(text: string): void {
    this.#write(text);
  }

  close(): void {
    this.#close();
  }

  /** Called by the sockets. */
  take(text: string): void {
    this.received.push(readMessage(text));
    for (const wake of this.#waiting) wake();
  }

  /** The next message not yet returned that fits: a status (`200`), `status METHOD` (`200 BYE`, `final BYE`) or a method. */
  async next(what: string): Promise<RawMessage> {
    const deadline = Date.now() + kPatienceMs;
    for (;;) {
      const found = this.received.find((message) => !this.#taken.has(message) && fits(message, what));
      if (found) {
        this.#taken.add(found);
        return found;
      }
      await this.#moreBefore(deadline, what);
    }
  }

  count(what: string): number {
    return this.received.filter((message) => fits(message, what)).length;
  }

  #moreBefore(deadline: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const seen = this.received.map((message) => message.startLine).join(', ');
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(done);
        reject(new Error(`no ${what} came; seen: ${seen}`));
      }, deadline - Date.now());
      this.#waiting.add(done);
    });
  }
}

function fits(message: RawMessage, what: string): boolean {
  const [first = '', method] = what.split(' ');
  if (first === 'final') return message.status >= 200 && message.method === method;
  if (!/^\d/.test(first)) return message.status === 0 && message.method === first;
  return message.status === Number(first) && (method === undefined || message.method === method);
}

/** @param to - where it sends; a peer answers whoever wrote last. */
export async function openUdpPeer(
  to?: { host: string; port: number },
  host = '127.0.0.1',
): Promise<RawSipPeer> {
  const socket: Datagram = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  let target = to;
  const write = (text: string): void => {
    if (target) socket.send(Buffer.from(text, 'latin1'), target.port, target.host);
  };
  const peer = new RawSipPeer('udp', { host, port: socket.address().port }, write, () => socket.close());
  socket.on('message', (bytes, from) => {
    target ??= { host: from.address, port: from.port };
    peer.take(bytes.toString('latin1'));
  });
  return peer;
}

/** Connects to the edge. */
export async function connectTcpPeer(to: { host: string; port: number }): Promise<RawSipPeer> {
  const socket = connect(to);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return streamPeer('tcp', socket, { host: '127.0.0.1', port: socket.localPort ?? 0 }, () =>
    socket.destroy(),
  );
}

/** Waits for the edge to connect. */
export async function listenTcpPeer(): Promise<RawSipPeer> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  let socket: Socket | undefined;
  const address = { host: '127.0.0.1', port: typeof bound === 'object' && bound ? bound.port : 0 };
  const write = (text: string): void => void socket?.write(text, 'latin1');
  const peer = new RawSipPeer('tcp', address, write, () => {
    socket?.destroy();
    server.close();
  });
  server.on('connection', (accepted) => {
    socket = accepted;
    cut(accepted, (text) => peer.take(text));
  });
  return peer;
}

/** A peer at one end of a connection that is there. */
export function streamPeer(
  transport: 'tcp' | 'tls',
  socket: Socket,
  address: { host: string; port: number },
  close: () => void = () => socket.destroy(),
): RawSipPeer {
  const peer = new RawSipPeer(transport, address, (text) => void socket.write(text, 'latin1'), close);
  cut(socket, (text) => peer.take(text));
  socket.once('close', () => peer.markClosed());
  return peer;
}

function cut(socket: Socket, take: (text: string) => void): void {
  let pending = '';
  socket.setTimeout(kPatienceMs + kLinger);
  socket.on('error', () => {});
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

export function readMessage(text: string): RawMessage {
  const end = text.indexOf('\r\n\r\n');
  const [startLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = (name: string): string[] =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim());
  const header = (name: string): string => headers(name)[0] ?? '';
  const status = startLine.startsWith('SIP/') ? Number(startLine.split(' ')[1]) : 0;
  const method = status === 0 ? (startLine.split(' ')[0] ?? '') : (header('CSeq').split(' ')[1] ?? '');
  return { text, startLine, status, method, body: text.slice(end + 4), header, headers };
}

export function writeRequest({ method, uri, headers, body = '' }: RawRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${uri} SIP/2.0\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Answers a request: copies what RFC 3261 section 8.2.6 wants copied. */
export function writeReply(
  request: RawMessage,
  status: string,
  extra: {
    readonly toTag?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  } = {},
): string {
  const to = request.header('To');
  const tagged = extra.toTag !== undefined && !to.includes(';tag=') ? `${to};tag=${extra.toTag}` : to;
  const body = extra.body ?? '';
  const lines = [
    ...request.headers('Via').map((via) => `Via: ${via}`),
    ...request.headers('Record-Route').map((route) => `Record-Route: ${route}`),
    `From: ${request.header('From')}`,
    `To: ${tagged}`,
    `Call-ID: ${request.header('Call-ID')}`,
    `CSeq: ${request.header('CSeq')}`,
    ...Object.entries(extra.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
  ];
  return `SIP/2.0 ${status}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

export const kSdp = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 30000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

export function randomName(): string {
  return randomBytes(6).toString('base64url');
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** A call the peer places: knows its tags and numbers, so that a test says only what matters. */
export class RawCall {
  readonly callId = `${randomName()}@peer`;
  readonly fromTag = randomName();
  readonly peer: RawSipPeer;
  readonly target: string;
  toTag = '';
  seq = 0;
  lastBranch = '';

  constructor(peer: RawSipPeer, target: string) {
    this.peer = peer;
    this.target = target;
  }

  get contact(): string {
    const { transport, host, port } = this.peer;
    return `<sip:peer@${bracketed(host)}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}>`;
  }

  /** The text of a request of this call. @param over - headers that replace the usual ones. */
  text(method: string, over: Readonly<Record<string, string>> = {}, body = ''): string {
    if (method !== 'ACK' && method !== 'CANCEL') this.seq++;
    if (method !== 'CANCEL') this.lastBranch = `z9hG4bK${randomName()}`;
    const headers: Record<string, string> = {
      Via: `SIP/2.0/${this.peer.transport.toUpperCase()} ${bracketed(this.peer.host)}:${this.peer.port};branch=${this.lastBranch};rport`,
      From: `"Peer" <sip:peer@${bracketed(this.peer.host)}:${this.peer.port}>;tag=${this.fromTag}`,
      To: `<${this.target}>${this.toTag === '' || method === 'CANCEL' ? '' : `;tag=${this.toTag}`}`,
      'Call-ID': this.callId,
      CSeq: `${this.seq} ${method}`,
      Contact: this.contact,
      'Max-Forwards': '70',
      ...(body.startsWith('v=0') ? { 'Content-Type': 'application/sdp' } : {}),
      ...over,
    };
    return writeRequest({ method, uri: this.target, headers, body });
  }

  send(method: string, over: Readonly<Record<string, string>> = {}, body = ''): string {
    const text = this.text(method, over, body);
    this.peer.send(text);
    return text;
  }

  /** INVITE, 200, ACK. */
  async establish(over: Readonly<Record<string, string>> = {}): Promise<RawMessage> {
    this.send('INVITE', over, kSdp);
    const answer = await this.peer.next('200 INVITE');
    this.learn(answer);
    this.send('ACK');
    return answer;
  }

  learn(answer: RawMessage): void {
    this.toTag = /;tag=([^;]+)/.exec(answer.header('To'))?.[1] ?? '';
  }
}
