import type { CardSecret } from '../card/card-secret.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  FollowUp,
  FollowUpResult,
  GatewayOperation,
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitContext,
  SubmitResult,
} from '../ports/payment-gateway.ts';

/** Longer than a payment is sent again or looked up while its caller waits. */
const kOldMs = 2 * 60_000;
const kMostRemembered = 10_000;
const kNone = { kind: 'unknown', reason: 'the gateway has none' } as const;

export interface ReloadingOptions {
  /** What journal, metrics and log call it: another than that of its kind where several merchants have one of their own. */
  readonly name: string;
  /** Reads credentials, and makes a gateway of them. @throws AppError if they cannot be used. */
  readonly make: () => PaymentGateway;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A gateway whose credentials are read again while it works. A payment without a verdict goes on with those it was first sent with; two minutes
 * after a change nothing does any more, and the old ones are let go of.
 */
export class ReloadingGateway implements PaymentGateway {
  readonly name: string;
  readonly #options: ReloadingOptions;
  /** Those that were replaced, and what keeps them from being let go of. */
  readonly #old = new Map<PaymentGateway, Cancel>();
  /** By reference, payments that have been sent and have no verdict. */
  readonly #begun = new Map<string, PaymentGateway>();
  #current: PaymentGateway;
  #isClosed = false;

  /** @throws AppError as `make` does. */
  constructor(options: ReloadingOptions) {
    this.name = options.name;
    this.#options = options;
    this.#current = options.make();
  }

  get idempotency() {
    return this.#current.idempotency;
  }

  get capabilities() {
    return this.#current.capabilities ?? { lookUp: 'every', reversal: 'told' };
  }

  get changeKeysKnownForMs() {
    return this.#current.changeKeysKnownForMs;
  }

  get operations(): ReadonlySet<GatewayOperation> {
    return this.#current.operations ?? new Set();
  }

  /** Credentials that cannot be used are reported and left alone: the old ones go on. Never throws. */
  reload(): void {
    const { log, make, clock, name } = this.#options;
    let next: PaymentGateway;
    try {
      next = make();
    } catch (error) {
      log.error({ gateway: name, err: error }, 'credentials of the gateway not replaced');
      return;
    }
    const old = this.#current;
    this.#current = next;
    const cancel = clock.schedule(kOldMs, () => void this.#letGo(old));
    this.#old.set(old, cancel);
    log.info({ gateway: name }, 'the gateway goes on with what its files say now');
  }

  async submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult> {
    const gateway = this.#gatewayOf(request);
    this.#begun.set(request.paymentRef, gateway);
    this.#forgetOldest();
    const result = await gateway.submit(request, card, context);
    if (isVerdict(result)) this.#begun.delete(request.paymentRef);
    return result;
  }

  query(ref: PaymentRef) {
    return this.#gatewayOf(ref).query(ref);
  }

  reverse(ref: PaymentRef) {
    return this.#gatewayOf(ref).reverse(ref);
  }

  async followUp(order: FollowUp): Promise<FollowUpResult> {
    return (await this.#current.followUp?.(order)) ?? kNone;
  }

  async findFollowUp(order: FollowUp) {
    return (await this.#current.findFollowUp?.(order)) ?? kNone;
  }

  checkCard(card: CardSecret) {
    return this.#current.checkCard?.(card);
  }

  check() {
    return this.#current.check();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const cancel of this.#old.values()) cancel(); // a process ends when nothing is scheduled
    await Promise.all([this.#current, ...this.#old.keys()].map((gateway) => gateway.close()));
  }

  #gatewayOf({ paymentRef }: PaymentRef): PaymentGateway {
    return this.#begun.get(paymentRef) ?? this.#current;
  }

  async #letGo(old: PaymentGateway): Promise<void> {
    for (const [paymentRef, gateway] of this.#begun) if (gateway === old) this.#begun.delete(paymentRef);
    if (!this.#isClosed && this.#old.delete(old)) await old.close();
  }

  #forgetOldest(): void {
    const [oldest] = this.#begun.keys();
    if (this.#begun.size > kMostRemembered && oldest !== undefined) this.#begun.delete(oldest);
  }
}

/** Nothing is sent again, nor looked up, for the caller. */
function isVerdict({ kind }: SubmitResult): boolean {
  return kind === 'approved' || kind === 'partial' || kind === 'declined' || kind === 'rejected_config';
}
