import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { type Pem, TestAuthority } from '../support/certificates.ts';
import { openEdge } from '../support/edge-with-srf.ts';
import { RawCall, RawSipPeer } from '../support/raw-sip-peer.ts';

let authority: TestAuthority;
let pem: Pem;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  authority = new TestAuthority();
  pem = authority.issue(['IP:127.0.0.1']);
});

afterAll(() => authority.remove());

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(over: Partial<EdgeConfig> = {}): Promise<EdgeServer> {
  const edge = await openEdge({
    listen: [
      { transport: 'ws', host: '127.0.0.1', port: 0 },
      { transport: 'wss', host: '127.0.0.1', port: 0 },
    ],
    tls: { certificates: [pem], ca: authority.cert, clients: 'ignored', verifyServers: true },
    webSocket: { path: '/sip', origins: ['https://desk.example.net'] },
    ...over,
  });
  closing.push(() => edge.close());
  return edge;
}

function portOf(edge: EdgeServer, transport: 'ws' | 'wss'): number {
  return edge.listen.find((address) => address.transport === transport)?.port ?? 0;
}

interface Asked {
  readonly transport?: 'ws' | 'wss';
  readonly path?: string;
  readonly protocol?: string;
  readonly options?: ClientOptions;
}

function client(
  edge: EdgeServer,
  { transport = 'ws', path = '/sip', protocol = 'sip', options }: Asked = {},
): WebSocket {
  const url = `${transport}://127.0.0.1:${portOf(edge, transport)}${path}`;
  const socket = new WebSocket(url, protocol === '' ? [] : [protocol], { ca: authority.cert, ...options });
  closing.push(() => socket.terminate());
  return socket;
}

async function connected(
  edge: EdgeServer,
  asked: Asked = {},
): Promise<{ socket: WebSocket; peer: RawSipPeer }> {
  const socket = client(edge, asked);
  const address = { host: 'df7jal23ls0d.invalid', port: 5060 };
  const peer = new RawSipPeer(
    asked.transport ?? 'ws',
    address,
    (text) => socket.send(text),
    () => socket.close(),
  );
  socket.on('message', (data: Buffer) => peer.take(data.toString('latin1')));
  await once(socket, 'open');
  return { socket, peer };
}

describe.each(['ws', 'wss'] as const)('over %s', (transport) => {
  test('a request is answered by its connection, whatever its Via says', async () => {
    const edge = await open();
    const { socket, peer } = await connected(edge, { transport });
    new RawCall(peer, 'sip:x@hushpay.test').send('OPTIONS');
    const answer = await peer.next('503 OPTIONS');
    expect(answer.header('Via')).toContain(`SIP/2.0/${transport.toUpperCase()} df7jal23ls0d.invalid`);
    expect(answer.header('Via')).toContain('received=127.0.0.1');
    expect(socket.protocol).toBe('sip');
    expect(socket.extensions).toBe('');
  });
});

test('a request cut into frames, and one without Content-Length, are whole messages', async () => {
  const edge = await open();
  const { socket, peer } = await connected(edge);
  const text = new RawCall(peer, 'sip:x@hushpay.test').text('OPTIONS');
  socket.send(text.slice(0, 40), { fin: false });
  socket.send(text.slice(40));
  await peer.next('503 OPTIONS');
  socket.send(
    Buffer.from(new RawCall(peer, 'sip:x@hushpay.test').text('OPTIONS').replace(/Content-Length: 0\r\n/, '')),
  );
  await peer.next('503 OPTIONS');
});

test('a double CRLF is answered by a CRLF, a ping by a pong', async () => {
  const edge = await open();
  const { socket } = await connected(edge);
  socket.send('\r\n\r\n');
  const [pong] = await once(socket, 'message');
  expect(String(pong)).toBe('\r\n');
  socket.ping('are you there');
  const [echo] = await once(socket, 'pong');
  expect(String(echo)).toBe('are you there');
});

test('what is no WebSocket is told so', async () => {
  const edge = await open();
  const answer = await fetch(`http://127.0.0.1:${portOf(edge, 'ws')}/sip`);
  expect(answer.status).toBe(426);
});

describe('who may connect', () => {
  test.each([
    { what: 'another path', asked: { path: '/other' }, status: 404 },
    { what: 'no subprotocol', asked: { protocol: '' }, status: 400 },
    { what: 'another subprotocol', asked: { protocol: 'chat' }, status: 400 },
    { what: 'a page of another site', asked: { options: { origin: 'https://evil.example' } }, status: 403 },
  ])('not $what: $status', async ({ asked, status }) => {
    const edge = await open();
    const socket = client(edge, asked);
    const [error] = await once(socket, 'error').catch((caught: unknown) => [caught]);
    expect(String(error)).toContain(`Unexpected server response: ${status}`);
    expect(edge.stats().drops['web-socket-refused']).toBe(1);
  });

  test('a page of ours, and a client that is no page', async () => {
    const edge = await open();
    await connected(edge, { options: { origin: 'https://desk.example.net' } });
    await connected(edge);
  });

  test('a source that may not call is cut off before it has said anything', async () => {
    const edge = await open({ allowFrom: ['192.0.2.0/24'] });
    const socket = connect(portOf(edge, 'ws'), '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.on('close', resolve));
    expect(edge.stats().drops['unknown-source']).toBe(1);
  });
});

describe('what breaks the rules ends its own connection', () => {
  async function closeCode(socket: WebSocket): Promise<number> {
    socket.on('error', () => {});
    const [code] = await once(socket, 'close');
    return code as number;
  }

  test('a message that is too long', async () => {
    const edge = await open();
    const { socket } = await connected(edge);
    const closed = closeCode(socket);
    socket.send('x'.repeat(70_000));
    expect(await closed).toBe(1009);
  });

  test('frames without end that are too long together', async () => {
    const edge = await open();
    const { socket } = await connected(edge);
    const closed = closeCode(socket);
    for (let sent = 0; sent < 70_000; sent += 10_000) socket.send('x'.repeat(10_000), { fin: false });
    expect(await closed).toBe(1009);
  });

  test('a frame that is not masked', async () => {
    const edge = await open();
    const { socket } = await connected(edge);
    const closed = closeCode(socket);
    socket.send('OPTIONS', { mask: false });
    expect(await closed).toBe(1002);
    await expect.poll(() => edge.stats().drops['web-socket-broken']).toBe(1);
  });
});
