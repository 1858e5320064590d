import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  FollowUp,
  FollowUpKind,
  FollowUpResult,
  GatewayOperation,
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitContext,
} from '../ports/payment-gateway.ts';

const kNone = { kind: 'unknown', reason: 'the gateway has none' } as const;

/** One request to a gateway, for the metrics. */
export interface GatewayRequestFigures {
  readonly gateway: string;
  readonly op: 'submit' | 'query' | 'reverse' | FollowUpKind | 'find_follow_up';
  readonly outcome: string;
  readonly durationMs: number;
}

/** A gateway whose requests are timed. Changes nothing of what it does. */
export class MeasuredGateway implements PaymentGateway {
  readonly #gateway: PaymentGateway;
  readonly #clock: Clock;
  readonly #onRequest: (figures: GatewayRequestFigures) => void;

  constructor(gateway: PaymentGateway, clock: Clock, onRequest: (figures: GatewayRequestFigures) => void) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#onRequest = onRequest;
  }

  get name() {
    return this.#gateway.name;
  }

  get idempotency() {
    return this.#gateway.idempotency;
  }

  get changeKeysKnownForMs() {
    return this.#gateway.changeKeysKnownForMs;
  }

  get operations(): ReadonlySet<GatewayOperation> {
    return this.#gateway.operations ?? new Set();
  }

  submit(request: PaymentRequest, card: CardSecret, context: SubmitContext) {
    return this.#timed('submit', this.#gateway.submit(request, card, context), ({ kind }) => kind);
  }

  query(ref: PaymentRef) {
    return this.#timed('query', this.#gateway.query(ref), ({ kind }) => kind);
  }

  reverse(ref: PaymentRef) {
    return this.#timed('reverse', this.#gateway.reverse(ref), (outcome) => outcome);
  }

  async followUp(order: FollowUp): Promise<FollowUpResult> {
    const answer = this.#gateway.followUp?.(order);
    return answer ? this.#timed(order.kind, answer, ({ kind }) => kind) : kNone;
  }

  async findFollowUp(order: FollowUp) {
    const answer = this.#gateway.findFollowUp?.(order);
    return answer ? this.#timed('find_follow_up', answer, ({ kind }) => kind) : kNone;
  }

  checkCard(card: CardSecret) {
    return this.#gateway.checkCard?.(card);
  }

  check() {
    return this.#gateway.check();
  }

  close() {
    return this.#gateway.close();
  }

  async #timed<T>(
    op: GatewayRequestFigures['op'],
    answer: Promise<T>,
    outcomeOf: (answer: T) => string,
  ): Promise<T> {
    const startedMs = this.#clock.now();
    const result = await answer;
    const durationMs = this.#clock.now() - startedMs;
    this.#onRequest({ gateway: this.name, op, outcome: outcomeOf(result), durationMs });
    return result;
  }
}
