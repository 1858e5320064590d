import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { brandOf } from '../card/brand-ranges.ts';
import { kBrandRules } from '../card/brand-rules.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { PaymentRef } from '../ports/payment-gateway.ts';
import { simulatedAdyen } from './simulated/adyen.ts';
import { simulatedAuthorizeNet } from './simulated/authorizenet.ts';
import { simulatedBraintree } from './simulated/braintree.ts';
import { simulatedCybersource } from './simulated/cybersource.ts';
import { simulatedNmi } from './simulated/nmi.ts';
import { simulatedXml } from './simulated/own-xml.ts';
import { simulatedPayConnector } from './simulated/pay-connector.ts';
import type { SimulatedAnswer, SimulatedDialect, SimulatedReply } from './simulated/simulated.ts';
import { simulatedStripe } from './simulated/stripe.ts';
import { simulatedWorldpay } from './simulated/worldpay.ts';
import { type BankVerdict, type LedgerEntry, type Receipt, SimulatorBank } from './simulator-bank.ts';
import { readChange, readPrefix, readSale } from './simulator-request.ts';

const kBodyLimitBytes = 64 * 1024;
const kChangePath = /^\/payments\/[A-Za-z0-9._~-]{1,64}\/\d{1,6}\/(capture|void|refund)$/;
const kAttemptPath = /^\/payments\/([A-Za-z0-9._~-]{1,64})\/(\d{1,6})(\/reversal)?$/;

export interface SimulatorServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly host: string;
  readonly clock: Clock;
  /** Bearer token callers must show; none: everybody may pay. */
  readonly token?: string;
  /** PEM key and certificate: https instead of http. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** A bank shared with others; its own if absent. */
  readonly bank?: SimulatorBank;
}

export interface SimulatorServer {
  /** Base URL without a slash at the end. */
  readonly url: string;
  readonly bank: SimulatorBank;
  ledger(): readonly LedgerEntry[];
  /** Breaks every connection; a second call gives the same promise. */
  close(): Promise<void>;
}

const kDialects: readonly ((bank: SimulatorBank) => SimulatedDialect)[] = [
  simulatedStripe,
  simulatedAdyen,
  simulatedAuthorizeNet,
  simulatedBraintree,
  simulatedCybersource,
  simulatedNmi,
  simulatedPayConnector,
  simulatedWorldpay,
  simulatedXml,
];

/**
 * The simulated bank behind HTTP, for tests and demonstrations: hushpay's REST contract (docs/gateway-rest.openapi.yaml), and every
 * other gateway's way of speaking at that gateway's own paths.
 */
export async function startSimulatorServer(options: SimulatorServerOptions): Promise<SimulatorServer> {
  const bank = options.bank ?? new SimulatorBank(options.clock);
  const desk = new Desk(bank, options.clock, options.token);
  const onRequest = (request: IncomingMessage, response: ServerResponse) =>
    void desk.serve(request, response);
  const server = options.tls ? createTlsServer(options.tls, onRequest) : createServer(onRequest);
  await listening(server, options.port, options.host);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closing: Promise<void> | undefined;
  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    bank,
    ledger: () => bank.ledger(),
    close: () => {
      closing ??= closed(server, desk);
      return closing;
    },
  };
}

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

/** Answers requests. Delayed answers wait on the clock; closing drops them. */
class Desk {
  readonly #bank: SimulatorBank;
  readonly #clock: Clock;
  readonly #authorization: Buffer | null;
  readonly #dialects: readonly SimulatedDialect[];
  readonly #delayed = new Set<Cancel>();

  constructor(bank: SimulatorBank, clock: Clock, token: string | undefined) {
    this.#bank = bank;
    this.#clock = clock;
    this.#dialects = kDialects.map((dialect) => dialect(bank));
    this.#authorization = token === undefined ? null : Buffer.from(`Bearer ${token}`);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    const body = await bodyOf(request);
    try {
      if (body) this.#handle(request, body, response);
    } finally {
      body?.fill(0);
    }
  }

  close(): void {
    for (const cancel of this.#delayed) cancel();
  }

  #handle(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const [path = ''] = (request.url ?? '').split('?');
    const dialect = this.#dialects.find(({ paths }) => paths.test(path));
    if (dialect && body.length <= kBodyLimitBytes) {
      const { method = '', url = '', headers } = request;
      this.#speak(dialect.answer({ method, path: url, headers, body }), response);
    } else if (!this.#mayEnter(request)) {
      send(response, problem(401, 'unknown token'));
    } else if (body.length > kBodyLimitBytes) {
      send(response, problem(413, 'body too large'));
    } else if (request.method === 'POST' && request.url === '/payments') {
      this.#sell(request, body, response);
    } else if (request.method === 'POST' && kChangePath.test(request.url ?? '')) {
      send(response, this.#change(body, String(request.headers['idempotency-key'] ?? '')));
    } else if (request.method === 'POST' && request.url === '/cards/check') {
      send(response, checkCard(body));
    } else {
      send(response, this.#route(request.method ?? '', request.url ?? ''));
    }
  }

  #mayEnter(request: IncomingMessage): boolean {
    if (this.#authorization === null) return true;
    const shown = Buffer.from(request.headers.authorization ?? '');
    return shown.length === this.#authorization.length && timingSafeEqual(shown, this.#authorization);
  }

  /** Everything but a sale. */
  #route(method: string, path: string): Reply {
    if (method === 'GET' && path === '/health') return { status: 200, json: { status: 'ok' } };
    if (method === 'GET' && path === '/ledger') return { status: 200, json: this.#bank.ledger() };
    const [, paymentRef, attemptText, reversal] = kAttemptPath.exec(path) ?? [];
    if (paymentRef === undefined) return problem(404, 'no such path');
    const attempt = Number(attemptText);
    if (method === 'POST' && reversal)
      return { status: 200, json: { outcome: this.#bank.reverse(paymentRef, attempt) } };
    if (method !== 'GET' || reversal) return problem(405, 'no such method');
    const verdict = this.#bank.query(paymentRef, attempt);
    if (verdict) return replyOf(verdict, { paymentRef, attempt });
    return { status: 404, json: { message: 'no such payment', paymentRef, attempt } };
  }

  #change(body: Buffer, key: string): Reply {
    const asked = readChange(body);
    if (!asked || key === '') return problem(422, 'wrong: body');
    const change = this.#bank.change(asked.transactionId, asked.operation, asked.amount.value, key);
    if (change.outcome === 'done') return { status: 200, json: change };
    return { status: 200, json: { outcome: 'refused', message: change.code } };
  }

  #sell(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const key = request.headers['idempotency-key'];
    const sale = typeof key === 'string' && key !== '' ? readSale(body, key) : { wrong: 'Idempotency-Key' };
    if ('wrong' in sale) {
      send(response, problem(422, `wrong: ${sale.wrong}`));
      return;
    }
    try {
      const { ref, card } = sale;
      this.#deliver(
        this.#bank.submit(ref, card, true),
        (verdict) => send(response, replyOf(verdict, ref)),
        response,
      );
    } finally {
      sale.card.wipe();
    }
  }

  #speak(answer: SimulatedAnswer, response: ServerResponse): void {
    if ('receipt' in answer)
      this.#deliver(answer.receipt, (verdict) => write(response, answer.reply(verdict)), response);
    else write(response, answer);
  }

  #deliver(receipt: Receipt, tell: (verdict: BankVerdict) => void, response: ServerResponse): void {
    switch (receipt.delivery) {
      case 'silence':
        break;
      case 'reset':
        reset(response.socket);
        break;
      case 'garbage':
        response.writeHead(500, { 'content-type': 'text/html' }).end('<html><h1>Internal Server Error');
        break;
      case 'answer':
        this.#after(receipt.delayMs, () => tell(receipt.verdict()));
    }
  }

  #after(delayMs: number, run: () => void): void {
    if (delayMs === 0) {
      run();
      return;
    }
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(cancel);
      run();
    });
    this.#delayed.add(cancel);
  }
}

/** What the first six to eight digits of a card tell. */
function checkCard(body: Buffer): Reply {
  const prefix = readPrefix(body);
  if (!prefix) return problem(422, 'wrong: prefix');
  const brand = brandOf(prefix) ?? null;
  const fields =
    brand === null ? [] : kBrandRules[brand].securityCode === null ? ['expiry'] : ['expiry', 'cvv'];
  return { status: 200, json: { brand, allowed: brand !== null, fields } };
}

function replyOf(
  verdict: BankVerdict,
  { paymentRef, attempt }: Pick<PaymentRef, 'paymentRef' | 'attempt'>,
): Reply {
  switch (verdict.outcome) {
    case 'approved': {
      const { part, ...told } = verdict;
      const approvedAmount = part && {
        value: part.minor,
        currency: part.currency,
        exponent: part.exponent,
      };
      return { status: 200, json: { ...told, approvedAmount, paymentRef, attempt } };
    }
    case 'pending':
      return { status: 200, json: { ...verdict, paymentRef, attempt } };
    case 'declined': {
      const { class: declineClass, code: declineCode, outcome, transactionId } = verdict;
      return {
        status: 200,
        json: { outcome, declineClass, declineCode, transactionId, paymentRef, attempt },
      };
    }
    case 'transient':
      return { status: 503, json: { processed: false, message: `not processed (${verdict.code})` } };
    case 'conflict':
      return problem(422, 'the idempotency key belongs to another payment');
  }
}

function problem(status: number, message: string): Reply {
  return { status, json: { message } };
}

function send(response: ServerResponse, { status, json }: Reply): void {
  write(response, { status, contentType: 'application/json', text: JSON.stringify(json) });
}

function write(response: ServerResponse, { status, contentType, text }: SimulatedReply): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/**
 * The body in a Buffer of its own, the chunks it came in zeroed; one byte more than the limit stands for all that follow.
 * Undefined if the connection broke.
 */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const body = Buffer.allocUnsafeSlow(kBodyLimitBytes + 1);
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunk.copy(body, Math.min(length, kBodyLimitBytes));
      length += chunk.length;
      chunk.fill(0);
    }
  } catch {
    body.fill(0);
    return undefined;
  }
  return body.subarray(0, length);
}

/** Over TLS the connection just ends: its handle cannot be told to reset. */
function reset(socket: Socket | null): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket?.resetAndDestroy();
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function closed(server: Server, desk: Desk): Promise<void> {
  desk.close();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
