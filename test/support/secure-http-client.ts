import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { expect } from 'vitest';
import type { ExchangeResult } from '../../src/gateway/http-exchange.ts';
import { SecureHttp } from '../../src/gateway/secure-http.ts';
import { FakeClock } from './fake-clock.ts';
import { type RawServer, startRawServer } from './raw-server.ts';

export const kBody = 'a body of more than sixty-four bytes, so that it lives outside the heap of the engine';
export const kDeadlineMs = 30_000;
export const kMebibyte = 1 << 20;

const closing: (() => Promise<void> | void)[] = [];

/** After each test. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0)) await close();
}

export function closeLater(close: () => Promise<void> | void): void {
  closing.push(close);
}

/** One SecureHttp, its fake clock, and how often it said that the first byte may leave. */
export class Client {
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

export async function serverThat(onRequest: (socket: Socket) => void, tls?: TlsOptions): Promise<RawServer> {
  const server = await startRawServer(onRequest, tls);
  closing.push(() => server.close());
  return server;
}

export function answering(bytes: Buffer | string): (socket: Socket) => void {
  return (socket) => void socket.write(bytes);
}
