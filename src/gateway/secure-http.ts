import http from 'node:http';
import https from 'node:https';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { kLeastDigitBytes } from '../ports/digit-memory.ts';
import { bareHost, nameLookup } from '../process/name-lookup.ts';
import { type ExchangeRequest, type ExchangeResult, HttpExchange, isLoopback } from './http-exchange.ts';

const kIdleSocketMs = 4_000; // servers close idle connections after 5 s or more: fewer writes into one that is closing
const kPath = /^(\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?$/;

export interface SecureHttpOptions {
  /** `https://host[:port][/path]`; plain `http` to loopback only. Nothing else is ever contacted. */
  readonly baseUrl: string;
  /** PEM certificates trusted instead of the system's. */
  readonly ca: Buffer | null;
  /** Our certificate and its key in PEM, for gateways that ask for one. */
  readonly client?: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** `http://host:port` of a proxy that tunnels (CONNECT); it sees the gateway's name and ciphertext. https only. */
  readonly proxy?: string | null;
  /** DNS, TCP and TLS together; after it nothing has been sent. */
  readonly connectTimeoutMs: number;
}

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
    this.#agent = agentFor(this.#base, options, clock);
    this.#clock = clock;
    this.#connectTimeoutMs = options.connectTimeoutMs;
  }

  /** Rejects only for a bug of the caller's; what the network and the other side do is a value. */
  async exchange(request: ExchangeRequest): Promise<ExchangeResult> {
    try {
      if (!kPath.test(request.path)) throw new AppError('INTERNAL', 'a gateway path must be percent-encoded');
      if (request.body && request.body.buffer.byteLength < kLeastDigitBytes) {
        throw new AppError('INTERNAL', `a request body needs its own ${kLeastDigitBytes} bytes or more`);
      }
      return await new HttpExchange(this.#open(request), request, this.#clock, this.#connectTimeoutMs).result;
    } finally {
      request.body?.fill(0);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Nothing is sent before `flushHeaders`. */
  #open(call: ExchangeRequest): http.ClientRequest {
    const { protocol, port, pathname } = this.#base;
    const client = protocol === 'https:' ? https : http;
    return client.request({
      agent: this.#agent,
      host: bareHost(this.#base),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      method: call.method,
      path: call.path === '' ? pathname : pathname.replace(/\/$/, '') + call.path,
      headers: {
        ...call.headers,
        ...(call.method !== 'GET' ? { 'content-length': call.body?.length ?? 0 } : {}),
      },
    });
  }
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
  if (bareHost(url) !== 'localhost' && !isLoopback(bareHost(url))) {
    throw refuse(`plain http to ${url.hostname}, which is not loopback`);
  }
  return url;
}

function agentFor(base: URL, { ca, client, proxy }: SecureHttpOptions, clock: Clock): http.Agent {
  const lookup = nameLookup(clock);
  const options = { keepAlive: true, maxFreeSockets: 32, timeout: kIdleSocketMs, lookup };
  if (base.protocol === 'http:') return new http.Agent(options);
  return new https.Agent({
    ...options,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(ca ? { ca } : {}),
    ...(client ?? {}),
    ...(proxy ? { proxyEnv: { HTTPS_PROXY: proxy } } : {}),
  });
}
