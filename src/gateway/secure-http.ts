import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { kLeastSecretBytes } from './secret-body.ts';

const kReplyLimitBytes = 1 << 20;
const kIdleSocketMs = 4_000; // servers close idle connections after 5 s or more: fewer writes into one that is closing
const kPath = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/;

export interface SecureHttpOptions {
  /** `https://host[:port][/path]`; plain `http` to loopback only. Nothing else is ever contacted. */
  readonly baseUrl: string;
  /** PEM certificates trusted instead of the system's. */
  readonly ca: Buffer | null;
  /** DNS, TCP and TLS together; after it nothing has been sent. */
  readonly connectTimeoutMs: number;
}

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST';
  /** Appended to the base URL, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Owned by the exchange from here on: all zero when its promise settles. */
  readonly body: Buffer | null;
  /** Total time, from now. */
  readonly deadlineMs: number;
  /** Called once, before the first byte is handed to a connection that is fully set up. */
  readonly onFlushed?: () => void;
}

/** The receiver zeroes the body after reading it. */
export interface HttpReply {
  readonly kind: 'answered';
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** `not_sent`: certain that no byte of the request left. `unknown`: it may have. Reasons are error codes and figures, no reply text. */
export type ExchangeResult =
  | HttpReply
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * The only HTTP client gateway adapters use: request bodies stay one Buffer, no byte is written before name, TCP and TLS are
 * settled, no redirect is followed, nothing is ever sent a second time. Made by the adapter, closed by it; a second close does nothing.
 */
export class SecureHttp {
  readonly #base: URL;
  readonly #agent: http.Agent;
  readonly #clock: Clock;
  readonly #connectTimeoutMs: number;

  /** Throws AppError CFG_INVALID for a base URL that is not acceptable. */
  constructor(options: SecureHttpOptions, clock: Clock) {
    this.#base = checkedBase(options.baseUrl);
    this.#agent = agentFor(this.#base, options.ca);
    this.#clock = clock;
    this.#connectTimeoutMs = options.connectTimeoutMs;
  }

  /** Rejects only for a bug of the caller's; what the network and the other side do is a value. */
  async exchange(request: ExchangeRequest): Promise<ExchangeResult> {
    try {
      if (!kPath.test(request.path)) throw new AppError('INTERNAL', 'a gateway path must be percent-encoded');
      if (request.body && request.body.buffer.byteLength < kLeastSecretBytes) {
        throw new AppError('INTERNAL', `a request body needs its own ${kLeastSecretBytes} bytes or more`);
      }
      return await this.#run(request);
    } finally {
      request.body?.fill(0);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #run(call: ExchangeRequest): Promise<ExchangeResult> {
    const { promise, resolve, reject } = Promise.withResolvers<ExchangeResult>();
    const request = this.#open(call);
    let flushed = false;
    let settled = false;

    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      for (const cancel of timers) cancel();
      finish();
    };
    // The connection is gone before the promise settles, so that no byte of a body being zeroed can still leave.
    const fail = (reason: string): void => {
      if (settled) return;
      request.destroy();
      settle(() => resolve({ kind: flushed ? 'unknown' : 'not_sent', reason }));
    };
    const flush = (): void => {
      if (settled) return;
      try {
        call.onFlushed?.();
      } catch (error) {
        request.destroy();
        settle(() => reject(error));
        return;
      }
      flushed = true;
      // Headers apart from the body: written together, TLS would join them in a buffer of its own that nobody zeroes.
      request.flushHeaders();
      request.end(call.body ?? undefined);
    };
    const timers = [
      this.#clock.schedule(call.deadlineMs, () => fail(`no answer within ${Math.round(call.deadlineMs)} ms`)),
      this.#clock.schedule(this.#connectTimeoutMs, () => {
        if (!flushed) fail(`no connection within ${this.#connectTimeoutMs} ms`);
      }),
    ];

    request.on('error', (error) => fail(reasonOf(error)));
    request.on('close', () => fail('connection closed'));
    request.on('socket', (socket) => whenReady(socket, flush, fail));
    request.on('response', (response) =>
      collect(response, fail, (body) => {
        // An answer that overtook its request: the rest of the request must not follow.
        if (!request.writableFinished) request.destroy();
        const contentType = response.headers['content-type'] ?? '';
        settle(() => resolve({ kind: 'answered', status: response.statusCode ?? 0, contentType, body }));
      }),
    );
    return promise;
  }

  /** Nothing is sent before `flushHeaders`. */
  #open(call: ExchangeRequest): http.ClientRequest {
    const { protocol, hostname, port, pathname } = this.#base;
    const client = protocol === 'https:' ? https : http;
    return client.request({
      agent: this.#agent,
      host: bare(hostname),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      method: call.method,
      path: pathname.replace(/\/$/, '') + call.path,
      headers: {
        ...call.headers,
        ...(call.method === 'POST' ? { 'content-length': call.body?.length ?? 0 } : {}),
      },
    });
  }
}

/**
 * Calls `ready` once name, TCP and, over TLS, the certificate check are done. A kept connection is ready at once: if the other
 * side has closed it meanwhile, the write fails after `ready`, so the outcome is unknown although most likely nothing arrived.
 */
function whenReady(socket: Socket, ready: () => void, fail: (reason: string) => void): void {
  if (socket instanceof TLSSocket) {
    if (socket.authorized) ready();
    else socket.once('secureConnect', ready);
    return;
  }
  const connected = () =>
    isLoopback(socket.remoteAddress ?? '') ? ready() : fail('plain http to a host that is not loopback');
  if (socket.connecting) socket.once('connect', connected);
  else connected();
}

function collect(
  response: http.IncomingMessage,
  fail: (reason: string) => void,
  done: (body: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= kReplyLimitBytes) return;
    for (const held of chunks) held.fill(0);
    fail(`reply larger than ${kReplyLimitBytes} bytes`);
  });
  response.on('error', (error) => fail(reasonOf(error)));
  response.on('end', () => (response.complete ? done(joined(chunks, length)) : fail('reply cut short')));
}

/** One Buffer off the V8 heap; the chunks are zeroed, a gateway may have echoed the card. */
function joined(chunks: readonly Buffer[], length: number): Buffer {
  const body = Buffer.allocUnsafeSlow(Math.max(length, kLeastSecretBytes)).subarray(0, length);
  let at = 0;
  for (const chunk of chunks) {
    at += chunk.copy(body, at);
    chunk.fill(0);
  }
  return body;
}

function checkedBase(text: string): URL {
  const refuse = (why: string) =>
    new AppError('CFG_INVALID', `gateway.url: ${why}; expected https://host[:port][/path]`);
  if (!URL.canParse(text)) throw refuse('not a URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw refuse('holds a user name or password, use gateway.tokenFile');
  if (url.search !== '' || url.hash !== '') throw refuse('holds a query or a fragment');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw refuse(`protocol ${url.protocol} is not supported`);
  if (bare(url.hostname) !== 'localhost' && !isLoopback(bare(url.hostname))) {
    throw refuse(`plain http to ${url.hostname}, which is not loopback`);
  }
  return url;
}

function agentFor(base: URL, ca: Buffer | null): http.Agent {
  const options = { keepAlive: true, maxFreeSockets: 32, timeout: kIdleSocketMs };
  if (base.protocol === 'http:') return new http.Agent(options);
  return new https.Agent({
    ...options,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(ca ? { ca } : {}),
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function isLoopback(address: string): boolean {
  const ipv4 = address.replace(/^::ffff:/i, '');
  return address === '::1' || (isIP(ipv4) === 4 && ipv4.startsWith('127.'));
}

/** The error's code only: its message may quote what the other side sent. */
function reasonOf(error: Error & { readonly code?: unknown }): string {
  return typeof error.code === 'string' && /^[A-Z0-9_]{1,64}$/.test(error.code)
    ? error.code
    : 'connection failed';
}
