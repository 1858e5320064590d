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

const kNone = { kind: 'unknown', reason: 'the gateway has none' } as const;
const kLongestOpenMs = 5 * 60_000;
const kMostRemembered = 10_000;

export interface BreakerPolicy {
  /** Payments in a row without a verdict that open the circuit. */
  readonly failures: number;
  /** The first wait before the gateway is tried again; doubles up to five minutes. */
  readonly openMs: number;
}

/**
 * A gateway that new payments are kept from while it gives no verdicts, so that callers are told at once and not after time-outs.
 * Payments that were sent are still resent, looked up and taken back.
 *
 *   closed --failures in a row--> open --after openMs, when check() is well--> half open --a verdict--> closed
 *                                  ^----- check() is not well; twice as long -----/ \----- no verdict ----> open
 */
export class BreakingGateway implements PaymentGateway {
  readonly #gateway: PaymentGateway;
  readonly #policy: BreakerPolicy;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Keys of payments without a verdict: what is sent of them again is no new payment. */
  readonly #unresolved = new Set<string>();
  #state: 'closed' | 'open' | 'half_open' = 'closed';
  #failures = 0;
  #lastFailed: string | undefined;
  #openMs: number;
  #cancel: Cancel = () => {};
  #closed = false;

  constructor(gateway: PaymentGateway, policy: BreakerPolicy, clock: Clock, log: Log) {
    this.#gateway = gateway;
    this.#policy = policy;
    this.#clock = clock;
    this.#log = log.child({ gateway: gateway.name });
    this.#openMs = policy.openMs;
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

  /** No new payment is sent. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  async submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult> {
    const { idempotencyKey: key } = request;
    const isNew = !this.#unresolved.has(key);
    if (isNew && this.#state === 'open') return { kind: 'not_sent', reason: 'the circuit is open' };
    const result = await this.#gateway.submit(request, card, context);
    if (isVerdict(result)) this.#succeed(key);
    else this.#fail(key, isNew, result.kind === 'unknown');
    return result;
  }

  query(ref: PaymentRef) {
    return this.#gateway.query(ref);
  }

  reverse(ref: PaymentRef) {
    return this.#gateway.reverse(ref);
  }

  /** Is sent whatever the circuit says: somebody waits for it who is not on the telephone. */
  async followUp(order: FollowUp): Promise<FollowUpResult> {
    return (await this.#gateway.followUp?.(order)) ?? kNone;
  }

  async findFollowUp(order: FollowUp) {
    return (await this.#gateway.findFollowUp?.(order)) ?? kNone;
  }

  checkCard(card: CardSecret) {
    return this.#gateway.checkCard?.(card);
  }

  check() {
    return this.#gateway.check();
  }

  close() {
    this.#closed = true;
    this.#cancel();
    return this.#gateway.close();
  }

  #succeed(key: string): void {
    this.#unresolved.delete(key);
    this.#failures = 0;
    this.#openMs = this.#policy.openMs;
    if (this.#state === 'closed') return;
    this.#cancel();
    this.#state = 'closed';
    this.#log.info({}, 'the gateway gives verdicts again');
  }

  /** @param isNew - not a resend: one payment counts once. */
  #fail(key: string, isNew: boolean, isUnknown: boolean): void {
    if (isUnknown) this.#remember(key);
    if (!isNew || (key === this.#lastFailed && this.#state === 'closed')) return;
    this.#lastFailed = key;
    this.#failures++;
    if (this.#state === 'half_open' || (this.#state === 'closed' && this.#failures >= this.#policy.failures))
      this.#open();
  }

  #open(): void {
    this.#state = 'open';
    this.#log.error(
      { failures: this.#failures, forMs: this.#openMs },
      'no verdicts from the gateway: no new payment is sent to it',
    );
    this.#wait();
  }

  #wait(): void {
    if (this.#closed) return;
    this.#cancel = this.#clock.schedule(this.#openMs, () => void this.#probe());
    this.#openMs = Math.min(kLongestOpenMs, this.#openMs * 2);
  }

  async #probe(): Promise<void> {
    const { ok } = await this.#gateway.check().catch(() => ({ ok: false }));
    if (this.#state !== 'open') return;
    if (!ok) {
      this.#wait();
      return;
    }
    this.#state = 'half_open';
    this.#log.info({}, 'the gateway answers: the next payment tells whether it works');
  }

  #remember(key: string): void {
    this.#unresolved.add(key);
    const [oldest] = this.#unresolved;
    if (this.#unresolved.size > kMostRemembered && oldest !== undefined) this.#unresolved.delete(oldest);
  }
}

/** It answered, whatever it said: a refusal of our credentials is a mistake here, not trouble there. */
function isVerdict({ kind }: SubmitResult): boolean {
  return kind === 'approved' || kind === 'partial' || kind === 'declined' || kind === 'rejected_config';
}
