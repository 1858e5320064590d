import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecureHttp, type SecureHttpOptions } from '../../../src/gateway/secure-http.ts';
import { type ConnectProxy, startConnectProxy } from '../../support/connect-proxy.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kOurs = selfSigned('hushpay client');
const kTheirs = selfSigned('gateway');
const kAsk = { method: 'GET', path: '/', headers: {}, body: null, deadlineMs: 30_000 } as const;

/** A gateway that wants our certificate, over the connections we choose. */
describe('a connection to a gateway', () => {
  let server: Server;
  let peers: (string | undefined)[];
  let connections: number;
  let proxy: ConnectProxy;
  let opened: SecureHttp[];

  beforeEach(async () => {
    peers = [];
    connections = 0;
    opened = [];
    server = createServer(
      { ...kTheirs, ca: kOurs.cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        peers.push(
          request.socket instanceof TLSSocket
            ? String(request.socket.getPeerCertificate().subject?.CN)
            : undefined,
        );
        response.end('{}');
      },
    );
    server.on('secureConnection', () => void connections++);
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = await startConnectProxy();
  });
  afterEach(async () => {
    for (const http of opened) http.close();
    await proxy.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  });

  const port = () => (server.address() as AddressInfo).port;

  function client(changes: Partial<SecureHttpOptions> = {}): SecureHttp {
    const http = new SecureHttp(
      {
        baseUrl: `https://127.0.0.1:${port()}`,
        ca: Buffer.from(kTheirs.cert),
        client: { cert: Buffer.from(kOurs.cert), key: Buffer.from(kOurs.key) },
        connectTimeoutMs: 5_000,
        ...changes,
      },
      new FakeClock(),
    );
    opened.push(http);
    return http;
  }

  it('shows our certificate, and is used again', async () => {
    const http = client();
    expect(await http.exchange(kAsk)).toMatchObject({ kind: 'answered', status: 200 });
    expect(await http.exchange(kAsk)).toMatchObject({ kind: 'answered', status: 200 });
    expect(peers).toEqual(['hushpay client', 'hushpay client']);
    expect(connections).toBe(1);
  });

  it('gets nowhere without it', async () => {
    const result = await client({ client: null }).exchange(kAsk);
    expect(result.kind).not.toBe('answered');
    expect(peers).toEqual([]);
  });

  it('trusts the pinned authority only', async () => {
    expect(await client({ ca: Buffer.from(kOurs.cert) }).exchange(kAsk)).toMatchObject({ kind: 'not_sent' });
    expect(peers).toEqual([]);
  });

  it('goes through a proxy that sees ciphertext only, and is used again', async () => {
    const http = client({ proxy: proxy.url });
    const body = Buffer.alloc(128, 'secret body ');
    const answer = await http.exchange({ ...kAsk, method: 'POST', body });
    expect(answer).toMatchObject({ kind: 'answered', status: 200 });
    expect(await http.exchange(kAsk)).toMatchObject({ kind: 'answered' });
    expect(proxy.asked).toEqual([`127.0.0.1:${port()}`]);
    expect(peers).toEqual(['hushpay client', 'hushpay client']);
    expect(Buffer.concat(proxy.passed).includes('secret body')).toBe(false);
    expect(body.every((byte) => byte === 0)).toBe(true);
  });

  it.each([403, 407, 502])('has sent nothing when the proxy says %i', async (status) => {
    await proxy.close();
    proxy = await startConnectProxy(status);
    let flushes = 0;
    const result = await client({ proxy: proxy.url }).exchange({ ...kAsk, onFlushed: () => void flushes++ });
    expect(result).toMatchObject({ kind: 'not_sent' });
    expect([flushes, peers]).toEqual([0, []]);
  });

  it('has sent nothing when there is no proxy', async () => {
    const { url } = proxy;
    await proxy.close();
    expect(await client({ proxy: url }).exchange(kAsk)).toMatchObject({ kind: 'not_sent' });
  });
});
