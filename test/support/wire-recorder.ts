import { connect, createServer, type Socket } from 'node:net';
import { type RawMessage, readMessage } from './raw-sip-peer.ts';

/** One frame of the protocol between a SIP server and an application. */
export interface WireFrame {
  readonly from: 'app' | 'server';
  readonly tokens: readonly string[];
  readonly message: RawMessage | undefined;
}

export interface WireRecorder {
  /** On 127.0.0.1: whoever connects here is led on to the target. */
  readonly port: number;
  readonly frames: readonly WireFrame[];
  close(): void;
}

/** Stands between an application and a SIP server and notes what they say. @param connecting - which of them connects. */
export async function recordWire(targetPort: number, connecting: 'app' | 'server'): Promise<WireRecorder> {
  const frames: WireFrame[] = [];
  const sockets = new Set<Socket>();
  const other = connecting === 'app' ? 'server' : 'app';
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: targetPort });
    for (const [socket, peer, from] of [
      [near, far, connecting],
      [far, near, other],
    ] as const) {
      sockets.add(socket);
      const cut = cutFrames((payload) => frames.push(readFrame(from, payload)));
      socket.on('data', (chunk) => {
        cut(chunk.toString('latin1'));
        peer.write(chunk);
      });
      socket.on('error', () => {});
      socket.on('close', () => peer.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound ? bound.port : 0,
    frames,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function cutFrames(take: (payload: string) => void): (text: string) => void {
  let pending = '';
  return (text) => {
    pending += text;
    for (;;) {
      const hash = pending.indexOf('#');
      const length = Number(pending.slice(0, hash));
      if (hash < 0 || pending.length < hash + 1 + length) return;
      take(pending.slice(hash + 1, hash + 1 + length));
      pending = pending.slice(hash + 1 + length);
    }
  };
}

function readFrame(from: 'app' | 'server', payload: string): WireFrame {
  const end = payload.indexOf('\r\n');
  if (end < 0) return { from, tokens: payload.split('|'), message: undefined };
  return { from, tokens: payload.slice(0, end).split('|'), message: readMessage(payload.slice(end + 2)) };
}

/** Reads a written-down recording: `>>> SERVER -> APP`, then the frame with its line ends as LF. */
export function readRecording(text: string): WireFrame[] {
  const frames: WireFrame[] = [];
  for (const block of text.split(/\n(?=>>> |=== )/)) {
    const match = /^>>> (SERVER -> APP|APP -> SERVER)\n\d+#([\s\S]*)$/.exec(block);
    if (!match) continue;
    const payload = (match[2] ?? '').trimEnd().replaceAll('\n', '\r\n');
    const hasMessage = payload.includes('\r\n');
    frames.push(
      readFrame(match[1] === 'APP -> SERVER' ? 'app' : 'server', hasMessage ? `${payload}\r\n\r\n` : payload),
    );
  }
  return frames;
}

/** Headers of a message of the server's that an application may rest on. */
const kTelling = [
  'Contact',
  'RSeq',
  'RAck',
  'Session-Expires',
  'Record-Route',
  'Reason',
  'WWW-Authenticate',
  'Proxy-Authenticate',
];

/**
 * What a frame of the server says, names and numbers left out. Left out as well is what drachtio-server itself leaves empty at
 * times and applications therefore do not read: the transport of an ACK or of an echoed answer, the dialog of an echoed answer.
 */
export function shapeOf({ tokens, message }: WireFrame): string {
  const [, kind = '', ...rest] = tokens;
  const meaningful = kind === 'response' ? rest.slice(1) : rest;
  const text = meaningful.map(tokenShape).join('|');
  const isEcho = kind === 'response' && text.includes('Msg sent:');
  const loose = isEcho || message?.method === 'ACK' ? text.replace(/\|N\|P?\|/, '|N||') : text;
  const line = isEcho && message?.status ? loose.replace('|ID|DLG|', '|ID||') : loose;
  return `${kind}|${line}${message ? ` ${messageShape(message, text.startsWith('network'))}` : ''}`;
}

function tokenShape(token: string): string {
  if (/^(udp|tcp)\/[\d.]+:\d+/.test(token)) return 'HOSTPORTS';
  if (/^v\d+\.\d+\.\d+/.test(token)) return 'VERSION';
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(token)) return 'ID';
  if (token.includes(';from-tag=')) return 'DLG';
  if (/^\d\d:\d\d:\d\d\.\d{6}$/.test(token)) return 'TIME';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(token)) return 'IP';
  if (/^\d+$/.test(token)) return 'N';
  return token === 'udp' || token === 'tcp' ? 'P' : token;
}

function messageShape(message: RawMessage, isPeers: boolean): string {
  const what = message.status > 0 ? `${message.status} ${message.method}` : message.method;
  const isTentative = message.status > 100 && message.status < 200 && message.header('RSeq') === '';
  const telling = kTelling.filter(
    (name) => message.header(name) !== '' && !(name === 'Contact' && isTentative),
  );
  return isPeers ? what : `${what} [${telling.join(' ')}]`;
}
