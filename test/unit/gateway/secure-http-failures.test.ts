import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../support/payment-request.ts';
import { httpAnswer, startRawServer } from '../../support/raw-server.ts';
import {
  answering,
  Client,
  closeAll,
  kBody,
  kDeadlineMs,
  kMebibyte,
  serverThat,
} from '../../support/secure-http-client.ts';
import { selfSigned } from '../../support/self-signed.ts';

afterEach(closeAll);

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
