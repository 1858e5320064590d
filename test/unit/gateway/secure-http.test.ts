import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { ExchangeResult } from '../../../src/gateway/http-exchange.ts';
import { SecureHttp } from '../../../src/gateway/secure-http.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/payment-request.ts';
import { httpAnswer, type RawServer, startRawServer } from '../../support/raw-server.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kBody = 'a body of more than sixty-four bytes, so that it lives outside the heap of the engine';
const kDeadlineMs = 30_000;
const kMebibyte = 1 << 20;

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** One SecureHttp, its fake clock, and how often it said that the first byte may leave. */
class Client {
  readonly clock = new FakeClock();
  readonly http: SecureHttp;
  flushes = 0;

  constructor(baseUrl: string, ca: string | null = null) {
    this.http = new SecureHttp(
      { baseUrl, ca: ca === null ? null : Buffer.from(ca), connectTimeoutMs: 5_000 },
      this.clock,
    );
    closing.unshift(() => this.http.close());
  }

  /** Posts the body and sees that it is all zero afterwards. */
  async post(onFlushed: () => void = () => undefined): Promise<ExchangeResult> {
    const body = Buffer.allocUnsafeSlow(kBody.length);
    body.write(kBody);
    const note = () => {
      this.flushes++;
      onFlushed();
    };
    try {
      const headers = { 'content-type': 'text/plain' };
      return await this.http.exchange({
        method: 'POST',
        path: '/payments',
        headers,
        body,
        deadlineMs: kDeadlineMs,
        onFlushed: note,
      });
    } finally {
      expect(body.every((byte) => byte === 0)).toBe(true);
    }
  }
}

async function serverThat(onRequest: (socket: Socket) => void, tls?: TlsOptions): Promise<RawServer> {
  const server = await startRawServer(onRequest, tls);
  closing.push(() => server.close());
  return server;
}

function answering(bytes: Buffer | string): (socket: Socket) => void {
  return (socket) => void socket.write(bytes);
}

describe('what is sent', () => {
  it('is one request with its length and the body as it was given', async () => {
    const server = await serverThat(answering(httpAnswer(200, '{}')));
    const client = new Client(`http://127.0.0.1:${server.port}/base/`);
    expect(await client.post()).toMatchObject({
      kind: 'answered',
      status: 200,
      contentType: 'application/json',
    });
    const text = Buffer.concat(server.received).toString('latin1');
    expect(text).toMatch(/^POST \/base\/payments HTTP\/1\.1\r\n/);
    expect(text).toContain(`content-length: ${kBody.length}\r\n`);
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(kBody);
    expect(client.flushes).toBe(1);
    expect(client.clock.pending).toBe(0);
  });

  it('says that nothing follows where there is no body', async () => {
    const server = await serverThat(answering(httpAnswer(200, '{}')));
    const client = new Client(`http://127.0.0.1:${server.port}`);
    await client.http.exchange({
      method: 'POST',
      path: '/reversal',
      headers: {},
      body: null,
      deadlineMs: kDeadlineMs,
    });
    const text = Buffer.concat(server.received).toString('latin1');
    expect(text).toMatch(/^POST \/reversal HTTP\/1\.1\r\ncontent-length: 0\r\n/);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
  });

  it('is nothing before the flush has been told', async () => {
    const server = await serverThat(answering(httpAnswer(200, '{}')));
    const client = new Client(`http://127.0.0.1:${server.port}`);
    const failure = new Error('the journal is full');
    const exchange = client.post(() => {
      throw failure;
    });
    await expect(exchange).rejects.toBe(failure);
    await server.close();
    expect(Buffer.concat(server.received)).toHaveLength(0);
  });

  it('goes over one connection while the server keeps it', async () => {
    const server = await serverThat(answering(httpAnswer(200, '{}')));
    const client = new Client(`http://127.0.0.1:${server.port}`);
    for (let turn = 0; turn < 3; turn++) expect(await client.post()).toMatchObject({ kind: 'answered' });
    expect(server.received).toHaveLength(1);
  });

  it('stops where an answer overtakes it', async () => {
    const body = Buffer.alloc(32 * kMebibyte, 1);
    let received = 0;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.once('data', () => socket.write(httpAnswer(413, '')));
      socket.on('data', (chunk) => {
        received += chunk.length;
        if (received < kMebibyte) return;
        socket.pause();
        setImmediate(() => socket.resume());
      });
      socket.on('error', () => undefined);
      socket.on('close', end);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => void server.close());
    const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const exchange = client.http.exchange({
      method: 'POST',
      path: '/',
      headers: {},
      body,
      deadlineMs: kDeadlineMs,
    });
    expect(await exchange).toMatchObject({ kind: 'answered', status: 413 });
    await ended;
    expect(received).toBeLessThan(body.length);
    expect(body.every((byte) => byte === 0)).toBe(true);
  });

  it('finds localhost by its name, over TLS too', async () => {
    const tls = selfSigned();
    const plain = await serverThat(answering(httpAnswer(200, '{}')));
    const secure = await serverThat(answering(httpAnswer(200, '{}')), tls);
    for (const client of [
      new Client(`http://localhost:${plain.port}`),
      new Client(`https://localhost:${secure.port}`, tls.cert),
    ]) {
      expect(await client.post()).toMatchObject({ kind: 'answered', status: 200 });
    }
  });

  it('is never sent a second time, also not when a kept connection turns out to be dead', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests++;
      if (requests === 1) socket.write(httpAnswer(200, '{}'));
      else socket.resetAndDestroy();
    });
    const client = new Client(`http://127.0.0.1:${server.port}`);
    expect(await client.post()).toMatchObject({ kind: 'answered' });
    expect(await client.post()).toMatchObject({ kind: 'unknown', reason: 'ECONNRESET' });
    expect(requests).toBe(2);
    expect(server.received).toHaveLength(1);
  });
});

describe('failures before the first byte are not_sent', () => {
  it('connection refused', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    const client = new Client(`http://127.0.0.1:${server.port}`);
    expect(await client.post()).toEqual({ kind: 'not_sent', reason: 'ECONNREFUSED' });
    expect(client.flushes).toBe(0);
  });

  it('a name that no DNS server needs to be asked about', async () => {
    const client = new Client(`https://${'a'.repeat(64)}.invalid`);
    expect(await client.post()).toEqual({ kind: 'not_sent', reason: 'ENOTFOUND' });
    expect(client.flushes).toBe(0);
  });

  it('TLS to a server that never answers the handshake', async () => {
    const server = await serverThat(() => undefined);
    const client = new Client(`https://127.0.0.1:${server.port}`);
    const result = client.post();
    await until(() => server.received.length === 1);
    await client.clock.advance(5_000);
    expect(await result).toEqual({ kind: 'not_sent', reason: 'no connection within 5000 ms' });
    expect(client.flushes).toBe(0);
  });

  it('TLS to a server that hangs up on the handshake', async () => {
    const server = await serverThat(() => undefined);
    const client = new Client(`https://127.0.0.1:${server.port}`);
    const result = client.post();
    await until(() => (server.received[0]?.length ?? 0) > 0);
    await server.close();
    expect(await result).toMatchObject({ kind: 'not_sent' });
  });

  it('a certificate nobody vouches for, and accepts it from the CA file', async () => {
    const tls = selfSigned();
    const server = await serverThat(answering(httpAnswer(200, '{}')), tls);
    const url = `https://127.0.0.1:${server.port}`;
    const stranger = new Client(url);
    expect(await stranger.post()).toMatchObject({ kind: 'not_sent', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(stranger.flushes).toBe(0);
    expect(Buffer.concat(server.received)).toHaveLength(0);
    const friend = new Client(url, tls.cert);
    expect(await friend.post()).toMatchObject({ kind: 'answered', status: 200 });
    expect(await friend.post()).toMatchObject({ kind: 'answered', status: 200 });
    expect(friend.flushes).toBe(2);
    expect(server.received.filter((bytes) => bytes.length > 0)).toHaveLength(1);
  });

  it('TLS older than 1.2', async () => {
    const tls = selfSigned();
    const old = {
      ...tls,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const;
    const server = await serverThat(answering(httpAnswer(200, '{}')), old);
    const client = new Client(`https://127.0.0.1:${server.port}`, tls.cert);
    expect(await client.post()).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringContaining('PROTOCOL_VERSION'),
    });
  });

  it('a certificate of another name', async () => {
    const tls = selfSigned();
    const server = await serverThat(answering(httpAnswer(200, '{}')), tls);
    const client = new Client(`https://127.0.0.2:${server.port}`, tls.cert);
    expect(await client.post()).toMatchObject({ kind: 'not_sent' });
  });
});

describe('failures after it are unknown', () => {
  const kCases: readonly (readonly [title: string, answer: (socket: Socket) => void, reason: string])[] = [
    ['a reset', (socket) => void socket.resetAndDestroy(), 'ECONNRESET'],
    ['an end without an answer', (socket) => void socket.end(), 'ECONNRESET'],
    ['bytes that are not HTTP', answering('SSH-2.0-hello\r\n'), 'HPE_INVALID_CONSTANT'],
    [
      'headers without an end',
      answering(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_000)}\r\n`.repeat(20)}`),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'a switch of protocols',
      answering('HTTP/1.1 101 Switch\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'connection closed',
    ],
    ['two lengths', answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'), 'HPE_'],
    [
      'a length and chunks',
      answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}'),
      'HPE_',
    ],
    [
      'a broken chunk',
      answering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
      'HPE_INVALID_CHUNK_SIZE',
    ],
  ];
  it.each(kCases)('%s', async (_title, answer, reason) => {
    const server = await serverThat(answer);
    const client = new Client(`http://127.0.0.1:${server.port}`);
    const result = await client.post();
    expect(result).toMatchObject({ kind: 'unknown', reason: expect.stringContaining(reason) });
    expect(client.flushes).toBe(1);
  });

  it('no answer within the deadline, and the connection is closed', async () => {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const server = await serverThat((socket) => void socket.once('close', () => close()));
    const client = new Client(`http://127.0.0.1:${server.port}`);
    const result = client.post();
    await until(() => Buffer.concat(server.received).includes(kBody));
    await client.clock.advance(kDeadlineMs);
    expect(await result).toEqual({ kind: 'unknown', reason: 'no answer within 30000 ms' });
    await closed;
    expect(client.clock.pending).toBe(0);
  });

  it('an answer that drips past the deadline', async () => {
    const server = await serverThat(answering('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{'));
    const client = new Client(`http://127.0.0.1:${server.port}`);
    const result = client.post();
    await until(() => Buffer.concat(server.received).includes(kBody));
    await client.clock.advance(kDeadlineMs);
    expect(await result).toMatchObject({ kind: 'unknown' });
  });

  it.each([
    ['with a length', `HTTP/1.1 200 OK\r\ncontent-length: ${kMebibyte + 1}\r\n\r\n`],
    ['without one', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'],
  ])('a reply of more than 1 MiB %s', async (_title, head) => {
    const server = await serverThat((socket) => {
      socket.write(head);
      socket.write(Buffer.alloc(kMebibyte + 1, 0x20));
    });
    const client = new Client(`http://127.0.0.1:${server.port}`);
    expect(await client.post()).toEqual({ kind: 'unknown', reason: 'reply larger than 1048576 bytes' });
  });

  it('closing while it waits', async () => {
    const server = await serverThat(() => undefined);
    const client = new Client(`http://127.0.0.1:${server.port}`);
    const result = client.post();
    await until(() => Buffer.concat(server.received).includes(kBody));
    client.http.close();
    client.http.close();
    expect(await result).toMatchObject({ kind: 'unknown' });
  });
});

describe('what comes back', () => {
  it('is a reply of exactly 1 MiB', async () => {
    const server = await serverThat(answering(httpAnswer(200, Buffer.alloc(kMebibyte, 0x20))));
    const result = await new Client(`http://127.0.0.1:${server.port}`).post();
    expect(result).toMatchObject({ kind: 'answered', status: 200 });
    if (result.kind === 'answered') expect(result.body).toHaveLength(kMebibyte);
  });

  it('is the redirect itself: it is not followed', async () => {
    const target = await serverThat(answering(httpAnswer(200, '{}')));
    const location = `http://127.0.0.1:${target.port}/payments`;
    const server = await serverThat(answering(httpAnswer(307, '', { location })));
    expect(await new Client(`http://127.0.0.1:${server.port}`).post()).toMatchObject({
      kind: 'answered',
      status: 307,
    });
    expect(target.received).toHaveLength(0);
  });

  it('is the answer behind interim ones', async () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
    const server = await serverThat(answering(Buffer.concat([Buffer.from(interim), httpAnswer(200, '{}')])));
    expect(await new Client(`http://127.0.0.1:${server.port}`).post()).toMatchObject({
      kind: 'answered',
      status: 200,
    });
  });

  it('is never the second answer to the request before', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests++;
      socket.write(httpAnswer(200, `"answer ${requests}"`));
      if (requests === 1) socket.write(httpAnswer(200, '"twice"'));
    });
    const client = new Client(`http://127.0.0.1:${server.port}`);
    const bodies: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const result = await client.post();
      if (result.kind === 'answered') bodies.push(result.body.toString());
    }
    expect(bodies).not.toContain('"twice"');
    expect(bodies.at(-1)).toBe('"answer 2"');
  });
});

describe('base URL', () => {
  it.each([
    'ftp://127.0.0.1',
    'http://gateway.example',
    'http://10.0.0.1',
    'http://128.0.0.1',
    'http://[::2]',
    'http://127.0.0.1.example',
    'https://user:secret@gateway.example',
    'https://gateway.example/?a=b',
    'https://gateway.example/#a',
    'gateway.example',
    '',
  ])('refuses %s', (baseUrl) => {
    expect(() => new Client(baseUrl)).toThrow(expect.objectContaining({ code: 'CFG_INVALID' }));
  });

  it.each([
    'http://127.0.0.1:81',
    'http://127.8.0.1',
    'http://[::1]:81',
    'http://localhost/base',
    'https://gateway.example/v1/',
  ])('accepts %s', (baseUrl) => {
    expect(() => new Client(baseUrl)).not.toThrow();
  });

  it.each(['payments', '/a b', '/a\r\nx: y', '/\u00fc', ''])(
    'cannot be left by the path %j',
    async (path) => {
      const client = new Client('http://127.0.0.1:9');
      const exchange = client.http.exchange({ method: 'GET', path, headers: {}, body: null, deadlineMs: 1 });
      await expect(exchange).rejects.toMatchObject({ code: 'INTERNAL' });
    },
  );

  it('refuses a body that is too small to stay off the heap, and zeroes it', async () => {
    const client = new Client('http://127.0.0.1:9');
    const body = Buffer.alloc(64, 1);
    const exchange = client.http.exchange({ method: 'POST', path: '/', headers: {}, body, deadlineMs: 1 });
    await expect(exchange).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(body.every((byte) => byte === 0)).toBe(true);
  });
});
