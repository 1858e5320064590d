import type { CardSecret } from '../../src/card/card-secret.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type {
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitContext,
  SubmitResult,
} from '../../src/ports/payment-gateway.ts';

/** What happens to one submission. Unset parts go well: the request arrives, is approved, and the answer comes back at once. */
export interface SubmitScript {
  /** Answered as it stands and never processed: `not_sent`, `transient`, `rejected_config`. */
  readonly refuse?: Extract<SubmitResult, { kind: 'not_sent' | 'transient' | 'rejected_config' }>;
  readonly decide?: 'approve' | Extract<SubmitResult, { kind: 'declined' }>;
  /** `request`: it never arrives. `answer`: it is processed, nobody hears. */
  readonly lose?: 'request' | 'answer';
  /** Until the answer, or its absence, is known. */
  readonly afterMs?: number;
  /** The request arrives only this long after it was sent, whatever the sender thinks of it. */
  readonly arrivesAfterMs?: number;
  /** The adapter breaks its contract and throws, after the first byte. */
  readonly throws?: boolean;
}

/** `truth`: what the ledger says. `lost`: no answer. */
export interface QueryScript {
  readonly answer: 'truth' | 'lost' | 'not_found';
  readonly afterMs?: number;
}

/** `done_unheard`: taken back, but the answer is lost. */
export interface ReverseScript {
  readonly answer: 'truth' | 'failed' | 'pending' | 'done_unheard' | 'nothing_to_reverse';
  readonly afterMs?: number;
}

export type GatewayCall =
  | { readonly op: 'submit'; readonly atMs: number; readonly request: PaymentRequest }
  | { readonly op: 'query' | 'reverse'; readonly atMs: number; readonly ref: PaymentRef };

interface LedgerEntry {
  readonly paymentRef: string;
  readonly idempotencyKey: string;
  readonly result: SubmitResult;
  charged: boolean;
}

const kUnheard = { kind: 'unknown', reason: 'no answer' } as const;

/**
 * A gateway that does as its script says and keeps a ledger of what it really charged. Scripts are used in order; when they have run
 * out everything goes well. Holds no card: it never looks at one.
 */
export class FakeGateway implements PaymentGateway {
  readonly name = 'fake';
  readonly idempotency: 'key' | 'none';
  readonly submits: SubmitScript[] = [];
  readonly queries: QueryScript[] = [];
  readonly reverses: ReverseScript[] = [];
  readonly calls: GatewayCall[] = [];
  /** Most requests that were under way at once. */
  mostAtOnce = 0;
  /** Most charges a payment has had standing at any time. */
  mostNetCharges = 0;
  /** Turns every answer into silence, as an outage does. */
  down = false;
  readonly #clock: Clock;
  readonly #ledger: LedgerEntry[] = [];
  #open = 0;

  constructor(clock: Clock, idempotency: 'key' | 'none' = 'key') {
    this.#clock = clock;
    this.idempotency = idempotency;
  }

  /** Charges of a payment that were not taken back. More than one is money taken twice. */
  netCharges(paymentRef: string): number {
    return this.#ledger.filter((entry) => entry.paymentRef === paymentRef && entry.charged).length;
  }

  ops(): string {
    return this.calls.map((call) => call.op).join(' ');
  }

  submit(request: PaymentRequest, card: CardSecret, context: SubmitContext): Promise<SubmitResult> {
    this.calls.push({ op: 'submit', atMs: this.#clock.now(), request });
    if (card.wiped) throw new Error('submitted a wiped card');
    return this.#count(() => this.#submit(request, this.submits.shift() ?? {}, context));
  }

  query(ref: PaymentRef): Promise<SubmitResult | { readonly kind: 'not_found' }> {
    this.calls.push({ op: 'query', atMs: this.#clock.now(), ref });
    return this.#count(async () => {
      const { answer, afterMs = 0 } = this.queries.shift() ?? { answer: 'truth' };
      await this.#wait(afterMs);
      if (this.down || answer === 'lost') return kUnheard;
      const entry = this.#find(ref);
      return entry === undefined || answer === 'not_found' ? { kind: 'not_found' } : entry.result;
    });
  }

  reverse(ref: PaymentRef): Promise<'reversed' | 'nothing_to_reverse' | 'failed' | 'pending'> {
    this.calls.push({ op: 'reverse', atMs: this.#clock.now(), ref });
    return this.#count(async () => {
      const { answer, afterMs = 0 } = this.reverses.shift() ?? { answer: 'truth' };
      await this.#wait(afterMs);
      if (this.down) return 'failed';
      if (answer !== 'truth' && answer !== 'done_unheard') return answer;
      const entry = this.#find(ref);
      const found = entry !== undefined && entry.result.kind === 'approved';
      if (found) entry.charged = false;
      if (answer === 'done_unheard') return 'failed';
      return found ? 'reversed' : 'nothing_to_reverse';
    });
  }

  check(): Promise<{ readonly ok: true }> {
    return Promise.resolve({ ok: true });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #submit(
    request: PaymentRequest,
    script: SubmitScript,
    context: SubmitContext,
  ): Promise<SubmitResult> {
    if (script.refuse) {
      if (script.refuse.kind !== 'not_sent') context.onFlushed();
      await this.#wait(script.afterMs ?? 0);
      return script.refuse;
    }
    context.onFlushed();
    const afterMs = Math.min(script.afterMs ?? 0, context.deadlineMs);
    if (script.lose !== 'request' && !this.down) this.#arrive(request, script);
    await this.#wait(afterMs);
    if (script.throws) throw new Error('adapter broke');
    const late = script.arrivesAfterMs !== undefined && script.arrivesAfterMs > afterMs;
    const heard =
      script.lose === undefined && !this.down && !late && (script.afterMs ?? 0) <= context.deadlineMs;
    return (heard ? this.#find(request)?.result : undefined) ?? kUnheard;
  }

  #arrive(request: PaymentRequest, script: SubmitScript): void {
    if (script.arrivesAfterMs === undefined) this.#process(request, script);
    else this.#clock.schedule(script.arrivesAfterMs, () => this.#process(request, script));
  }

  #process(request: PaymentRequest, { decide = 'approve' }: SubmitScript): void {
    if (this.idempotency === 'key' && this.#find(request)) return;
    const transactionId = `T${this.#ledger.length + 1}`;
    const result: SubmitResult =
      decide === 'approve'
        ? { kind: 'approved', transactionId, authCode: 'A1', spokenReference: null }
        : decide;
    const { paymentRef, idempotencyKey } = request;
    this.#ledger.push({ paymentRef, idempotencyKey, result, charged: decide === 'approve' });
    this.mostNetCharges = Math.max(this.mostNetCharges, this.netCharges(paymentRef));
  }

  #find({ idempotencyKey }: PaymentRef): LedgerEntry | undefined {
    return this.#ledger.find((entry) => entry.idempotencyKey === idempotencyKey);
  }

  async #count<T>(work: () => Promise<T>): Promise<T> {
    this.#open++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
    try {
      return await work();
    } finally {
      this.#open--;
    }
  }

  #wait(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => void this.#clock.schedule(ms, resolve));
  }
}
