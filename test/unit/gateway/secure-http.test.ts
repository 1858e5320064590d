import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpAnswer } from '../../support/raw-server.ts';
import {
  answering,
  Client,
  closeAll,
  closeLater,
  kBody,
  kDeadlineMs,
  kMebibyte,
  serverThat,
} from '../../support/secure-http-client.ts';
import { selfSigned } from '../../support/self-signed.ts';

afterEach(closeAll);

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
    closeLater(() => void server.close());
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

  it.each(['payments', '/a b', '/a\r\nx: y', '/\u00fc'])('cannot be left by the path %j', async (path) => {
    const client = new Client('http://127.0.0.1:9');
    const exchange = client.http.exchange({ method: 'GET', path, headers: {}, body: null, deadlineMs: 1 });
    await expect(exchange).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('refuses a body that is too small to stay off the heap, and zeroes it', async () => {
    const client = new Client('http://127.0.0.1:9');
    const body = Buffer.alloc(64, 1);
    const exchange = client.http.exchange({ method: 'POST', path: '/', headers: {}, body, deadlineMs: 1 });
    await expect(exchange).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(body.every((byte) => byte === 0)).toBe(true);
  });
});
