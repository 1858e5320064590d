import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  CardCheck,
  FollowUp,
  FollowUpResult,
  GatewayOperation,
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitContext,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import type {
  Ask,
  CheckResult,
  Dialect,
  NotFound,
  QueryResult,
  RawReply,
  ReversalResult,
  Silence,
  Wire,
} from './dialect.ts';
import { isSilence } from './dialect.ts';
import { refusal, unheard } from './follow-up.ts';
import type { HttpReply } from './http-exchange.ts';
import { maskCard } from './masked-reply.ts';
import { refused, unknown } from './outcome.ts';
import { renderBody } from './secret-body.ts';
import { SecureHttp, type SecureHttpOptions } from './secure-http.ts';

const kQueryDeadlineMs = 5_000;
const kReverseDeadlineMs = 10_000;
const kFollowUpDeadlineMs = 20_000;
const kCheckDeadlineMs = 3_000;
const kCheckCardDeadlineMs = 1_500; // a caller waits in silence

/** A gateway behind HTTP: everything its dialect need not know. Deadlines, the card in bodies and replies, what is logged. */
export class HttpGateway implements PaymentGateway {
  readonly #dialect: Dialect;
  readonly #http: SecureHttp;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(dialect: Dialect, options: SecureHttpOptions, clock: Clock, log: Log) {
    this.#dialect = dialect;
    this.#http = new SecureHttp(options, clock);
    this.#clock = clock;
    this.#log = log.child({ gateway: dialect.name });
  }

  get name() {
    return this.#dialect.name;
  }

  get idempotency() {
    return this.#dialect.idempotency;
  }

  get changeKeysKnownForMs() {
    return this.#dialect.changeKeysKnownForMs;
  }

  get operations(): ReadonlySet<GatewayOperation> {
    return new Set(this.#dialect.operations);
  }

  get capabilities() {
    return this.#dialect.capabilities;
  }

  async submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult> {
    const { operation = 'sale' } = request;
    if (!this.#dialect.operations.includes(operation)) return refused(this.#lacks(operation));
    const wire = this.#wire(context.deadlineMs, card, () => context.onFlushed());
    return this.#told('submit', request, () => this.#dialect.submit(wire, request, card));
  }

  /** A look-up that fails says nothing about the payment: unknown, whether or not it was sent. */
  async query(ref: PaymentRef): Promise<QueryResult> {
    if (!movesMoney(ref)) return unknown('nothing is charged by it, so nothing is looked up');
    return this.#told('query', ref, async () => {
      const found = await this.#dialect.query(this.#wire(kQueryDeadlineMs), ref);
      return found.kind === 'not_sent' ? { kind: 'unknown', reason: `look-up: ${found.reason}` } : found;
    });
  }

  async reverse(ref: PaymentRef): Promise<ReversalResult> {
    if (!movesMoney(ref)) return 'nothing_to_reverse';
    const { kind } = await this.#told('reverse', ref, async () => {
      const answer = await this.#dialect.reverse(this.#wire(kReverseDeadlineMs), ref);
      if (!isSilence(answer)) return { kind: answer };
      const { reason } = answer;
      return answer.kind === 'not_sent'
        ? { kind: 'failed' as const, reason }
        : { kind: 'pending' as const, reason };
    });
    return kind;
  }

  async followUp(order: FollowUp): Promise<FollowUpResult> {
    const { kind, payment } = order;
    const dialect = this.#dialect;
    if (!dialect.followUp || !dialect.operations.includes(kind)) return refusal(this.#lacks(kind));
    const wire = this.#wire(kFollowUpDeadlineMs);
    return this.#told(kind, payment, async () => dialect.followUp?.(wire, order) ?? unheard('no answer'));
  }

  async findFollowUp(order: FollowUp): Promise<FollowUpResult | NotFound> {
    const dialect = this.#dialect;
    const wire = this.#wire(kQueryDeadlineMs);
    return this.#told(`find ${order.kind}`, order.payment, async () => {
      const found = (await dialect.findFollowUp?.(wire, order)) ?? unheard('there is no look-up');
      return found.kind === 'not_sent' ? unheard(`look-up: ${found.reason}`) : found;
    });
  }

  checkCard(card: CardSecret): Promise<CardCheck> | undefined {
    const asked = this.#dialect.checkCard?.(this.#wire(kCheckCardDeadlineMs, card), card);
    return asked?.then((answer) => (isSilence(answer) ? 'unknown' : answer));
  }

  async check(): Promise<CheckResult> {
    const answer = await this.#dialect.check(this.#wire(kCheckDeadlineMs));
    return isSilence(answer) ? { ok: false, reason: answer.reason } : answer;
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  #lacks(operation: GatewayOperation): string {
    return `${this.name} has no ${operation}`;
  }

  /** @param card - in the bodies; without one nothing can be charged, so that `not_sent` only means what it says. */
  #wire(limitMs: number, card: CardSecret | null = null, onFlushed?: () => void): Wire {
    const endMs = this.#clock.now() + limitMs;
    return {
      ask: async <T>(ask: Ask, read: (reply: RawReply) => T): Promise<T | Silence> => {
        const deadlineMs = endMs - this.#clock.now();
        if (deadlineMs <= 0) return { kind: 'not_sent', reason: `no answer within ${limitMs} ms` };
        const answer = await this.#http.exchange({
          ...this.#rendered(ask, card),
          deadlineMs,
          ...(ask.charges && onFlushed ? { onFlushed } : {}),
        });
        if (answer.kind === 'answered') return reading(answer, card, read);
        return card !== null && !ask.charges ? { kind: 'not_sent', reason: answer.reason } : answer;
      },
    };
  }

  #rendered({ method, path, headers, body }: Ask, card: CardSecret | null) {
    const bytes = body === undefined ? null : renderBody(body.segments, card);
    const own = typeof headers === 'function' ? headers(bytes ?? new Uint8Array()) : headers;
    return {
      method,
      path,
      headers: {
        accept: 'application/json',
        'user-agent': 'hushpay',
        ...(body === undefined ? {} : { 'content-type': body.contentType }),
        ...own,
      },
      body: bytes,
    };
  }

  /** One log line per operation: what was asked, what came of it, how long it took. */
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

function movesMoney({ operation = 'sale' }: PaymentRef): boolean {
  return operation === 'sale' || operation === 'authorize';
}

/** Masks the card in the reply's bytes before anything makes a string of them, and zeroes them afterwards. */
function reading<T>(
  { status, contentType, body }: HttpReply,
  card: CardSecret | null,
  use: (reply: RawReply) => T,
): T {
  try {
    const cardMasked = card !== null && !card.wiped;
    if (cardMasked) card.lend('pan', (pan) => maskCard(body, pan));
    return use({ status, contentType, body, cardMasked });
  } finally {
    body.fill(0);
  }
}
