import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitContext,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import type { ExchangeRequest, HttpReply } from './http-exchange.ts';
import { maskCard } from './reply-text.ts';
import { saleSegments } from './rest-body.ts';
import {
  type QueryResult,
  queryResultOf,
  type RestReply,
  type ReversalResult,
  reversalResultOf,
  submitResultOf,
} from './rest-reply.ts';
import { renderBody } from './secret-body.ts';
import { SecureHttp, type SecureHttpOptions } from './secure-http.ts';

const kQueryDeadlineMs = 5_000;
const kReverseDeadlineMs = 10_000;
const kCheckDeadlineMs = 3_000;

export interface RestOptions extends SecureHttpOptions {
  /** Bearer token, or null for a gateway that knows us by the network. Never logged. */
  readonly token: string | null;
}

/** Hushpay's own REST contract: docs/gateway-rest.openapi.yaml. */
export class RestGateway implements PaymentGateway {
  readonly name = 'rest';
  readonly idempotency = 'key';
  readonly #http: SecureHttp;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: RestOptions, clock: Clock, log: Log) {
    this.#http = new SecureHttp(options, clock);
    this.#headers = {
      accept: 'application/json',
      'user-agent': 'hushpay',
      ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
    };
    this.#clock = clock;
    this.#log = log.child({ gateway: this.name });
  }

  async submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult> {
    const exchange: ExchangeRequest = {
      method: 'POST',
      path: '/payments',
      headers: {
        ...this.#headers,
        'content-type': 'application/json',
        'idempotency-key': request.idempotencyKey,
      },
      body: renderBody(saleSegments(request, card), card),
      deadlineMs: context.deadlineMs,
      onFlushed: () => context.onFlushed(),
    };
    return this.#told('submit', request, async () => {
      const answer = await this.#http.exchange(exchange);
      return answer.kind === 'answered'
        ? read(answer, card, (reply) => submitResultOf(reply, request))
        : answer;
    });
  }

  /** A look-up that fails says nothing about the payment: unknown, whether or not it was sent. */
  async query(ref: PaymentRef): Promise<QueryResult> {
    return this.#told('query', ref, async () => {
      const answer = await this.#exchange('GET', pathOf(ref), kQueryDeadlineMs);
      if (answer.kind === 'answered') return read(answer, null, (reply) => queryResultOf(reply, ref));
      return { kind: 'unknown', reason: `look-up: ${answer.reason}` };
    });
  }

  async reverse(ref: PaymentRef): Promise<ReversalResult> {
    const { kind } = await this.#told('reverse', ref, async () => {
      const answer = await this.#exchange('POST', `${pathOf(ref)}/reversal`, kReverseDeadlineMs);
      if (answer.kind === 'answered') return { kind: read(answer, null, reversalResultOf) };
      const { reason } = answer;
      return answer.kind === 'not_sent'
        ? { kind: 'failed' as const, reason }
        : { kind: 'pending' as const, reason };
    });
    return kind;
  }

  /** `GET /health`: any answer but a redirect, a refused token or a server error shows that payments can be sent. */
  async check(): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }> {
    const answer = await this.#exchange('GET', '/health', kCheckDeadlineMs);
    if (answer.kind !== 'answered') return { ok: false, reason: answer.reason };
    const { status } = answer;
    answer.body.fill(0);
    if (status === 401 || status === 403)
      return { ok: false, reason: `status ${status}: the token was refused` };
    if (status >= 300 && status < 400)
      return { ok: false, reason: `status ${status}: redirects are not followed` };
    return status >= 500 ? { ok: false, reason: `status ${status}` } : { ok: true };
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  #exchange(method: 'GET' | 'POST', path: string, deadlineMs: number) {
    return this.#http.exchange({ method, path, headers: this.#headers, body: null, deadlineMs });
  }

  /** One log line per exchange: what was asked, what came of it, how long it took. */
  async #told<R extends { readonly kind: string; readonly reason?: string }>(
    operation: string,
    { paymentRef, attempt }: PaymentRef,
    run: () => Promise<R>,
  ): Promise<R> {
    const startedAtMs = this.#clock.now();
    const result = await run();
    const durationMs = Math.round(this.#clock.now() - startedAtMs);
    const reason = result.reason === undefined ? {} : { reason: result.reason };
    this.#log.info(
      { operation, paymentRef, attempt, outcome: result.kind, ...reason, durationMs },
      'asked the gateway',
    );
    return result;
  }
}

/** Masks the card in the reply's bytes before anything makes a string of them, and zeroes them afterwards. */
function read<R>(
  { status, contentType, body }: HttpReply,
  card: CardSecret | null,
  use: (reply: RestReply) => R,
): R {
  try {
    const cardMasked = card !== null && !card.wiped;
    if (cardMasked) card.lend('pan', (pan) => maskCard(body, pan));
    return use({ status, contentType, body, cardMasked });
  } finally {
    body.fill(0);
  }
}

function pathOf({ paymentRef, attempt }: PaymentRef): string {
  return `/payments/${encodeURIComponent(paymentRef)}/${attempt}`;
}
