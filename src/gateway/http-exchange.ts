import type { ClientRequest, IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Cancel, Clock } from '../ports/clock.ts';
import { digitMemory } from '../ports/digit-memory.ts';

const kReplyLimitBytes = 1 << 20;

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Appended to the base URL, percent-encoded; empty: the base URL itself. */
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
 * One request and its answer. Made with a request of which nothing has been sent; ends once, with {@link result}.
 *
 *   connecting --name, TCP, TLS done--> onFlushed --> flushed --whole reply--> answered
 *        \_ anything else: not_sent                      \_ anything else: unknown
 */
export class HttpExchange {
  readonly result: Promise<ExchangeResult>;
  readonly #request: ClientRequest;
  readonly #call: ExchangeRequest;
  readonly #end: PromiseWithResolvers<ExchangeResult>;
  readonly #timers: readonly Cancel[];
  /** Of the reply, so far: a gateway may echo the card. */
  #chunks: readonly Buffer[] = [];
  #flushed = false;
  #ended = false;

  constructor(request: ClientRequest, call: ExchangeRequest, clock: Clock, connectTimeoutMs: number) {
    this.#request = request;
    this.#call = call;
    this.#end = Promise.withResolvers();
    this.result = this.#end.promise;
    this.#timers = [
      clock.schedule(call.deadlineMs, () => this.#fail(`no answer within ${Math.round(call.deadlineMs)} ms`)),
      clock.schedule(connectTimeoutMs, () => {
        if (!this.#flushed) this.#fail(`no connection within ${connectTimeoutMs} ms`);
      }),
    ];
    request.on('error', (error) => this.#fail(reasonOf(error)));
    request.on('close', () => this.#fail('connection closed'));
    request.on('socket', (socket) => this.#whenReady(socket));
    request.on('response', (response) => this.#collect(response));
  }

  /**
   * Flushes once name, TCP and, over TLS, the certificate check are done. A kept connection is ready at once: if the other side has
   * closed it meanwhile, the write fails after the flush, so the outcome is unknown although most likely nothing arrived.
   */
  #whenReady(socket: Socket): void {
    if (socket instanceof TLSSocket) {
      if (socket.authorized) this.#flush();
      else socket.once('secureConnect', () => this.#flush());
      return;
    }
    const connected = () => {
      if (isLoopback(socket.remoteAddress ?? '')) this.#flush();
      else this.#fail('plain http to a host that is not loopback');
    };
    if (socket.connecting) socket.once('connect', connected);
    else connected();
  }

  #flush(): void {
    if (this.#ended) return;
    try {
      this.#call.onFlushed?.();
    } catch (error) {
      this.#request.destroy();
      this.#finish(() => this.#end.reject(error));
      return;
    }
    this.#flushed = true;
    // Headers apart from the body: written together, Node joins them in a buffer of its own that nobody zeroes.
    this.#request.flushHeaders();
    this.#request.end(this.#call.body ?? undefined);
  }

  #collect(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let length = 0;
    this.#chunks = chunks;
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (this.#ended) chunk.fill(0);
      else if (length > kReplyLimitBytes) this.#fail(`reply larger than ${kReplyLimitBytes} bytes`);
    });
    response.on('error', (error) => this.#fail(reasonOf(error)));
    // Only behind a whole reply: one that is cut short ends in an error.
    response.on('end', () => {
      if (!this.#ended) this.#answer(response, joined(chunks, length));
    });
  }

  #answer({ headers, statusCode = 0 }: IncomingMessage, body: Buffer): void {
    // An answer that overtook its request: the rest of the request must not follow.
    if (!this.#request.writableFinished) this.#request.destroy();
    const contentType = headers['content-type'] ?? '';
    this.#finish(() => this.#end.resolve({ kind: 'answered', status: statusCode, contentType, body }));
  }

  /** The connection is gone before the result is there, so that no byte of a body being zeroed can still leave. */
  #fail(reason: string): void {
    if (this.#ended) return;
    this.#request.destroy();
    for (const held of this.#chunks) held.fill(0);
    this.#finish(() => this.#end.resolve({ kind: this.#flushed ? 'unknown' : 'not_sent', reason }));
  }

  #finish(tell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cancel of this.#timers) cancel();
    tell();
  }
}

export function isLoopback(address: string): boolean {
  const ipv4 = address.replace(/^::ffff:/i, '');
  return address === '::1' || (isIP(ipv4) === 4 && ipv4.startsWith('127.'));
}

/** One Buffer where digits may be; the chunks are zeroed, a gateway may have echoed the card. */
function joined(chunks: readonly Buffer[], length: number): Buffer {
  const body = digitMemory(length).subarray(0, length);
  let at = 0;
  for (const chunk of chunks) {
    at += chunk.copy(body, at);
    chunk.fill(0);
  }
  return body;
}

/** The error's code only: its message may quote what the other side sent. */
function reasonOf(error: Error & { readonly code?: unknown }): string {
  return typeof error.code === 'string' && /^[A-Z0-9_]{1,64}$/.test(error.code)
    ? error.code
    : 'connection failed';
}
