import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway, PaymentRequest, SubmitResult } from '../ports/payment-gateway.ts';
import type { GatewayLane, Heard } from './gateway-lane.ts';
import type { SubmissionProgress } from './payments.ts';
import { sleep } from './sleep.ts';

/** Where a submission ends up while its call waits. */
export type SubmissionEnd =
  | Extract<SubmitResult, { kind: 'approved' | 'partial' | 'declined' | 'not_sent' | 'rejected_config' }>
  | { readonly kind: 'unknown' };

type Look = SubmitResult | { readonly kind: 'not_found' };

const kRetryDelaysMs = [500, 2000];
/** No silent retry starts later than this after the first try. */
const kRetryWindowMs = 10_000;
/** An adapter ends by its deadline; this much later it is taken for broken. */
const kOverrunMs = 1000;
/** A replay gives way to the next look-up after this. */
const kReplayMs = 3000;

// Times count from the moment the outcome became unknown.
const kResolveSteps = [
  { afterMs: 1000, ask: 'replay' },
  { afterMs: 2000, ask: 'query' },
  { afterMs: 4000, ask: 'replay' },
  { afterMs: 6000, ask: 'query' },
  { afterMs: 12_000, ask: 'query' },
] as const;

export interface SubmissionParts {
  readonly gateway: PaymentGateway;
  readonly lane: GatewayLane;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: { readonly timeoutMs: number; readonly resolveMs: number };
  readonly request: PaymentRequest;
  readonly card: CardSecret;
  readonly progress: SubmissionProgress;
}

/**
 * One journaled attempt on the wire: sends, sends again what certainly was not processed, and looks up what may have been. Every
 * request carries the same key; none overlaps another. Never rejects.
 *
 *   send ── approved, partial, declined, rejected_config ────────────────────> end
 *    ^ └─── not_sent, transient ──> again, twice at most within 10 s ─────────> end (not_sent)
 *    └ └─── unknown ──> replay +1 s, query +2, replay +4, query +6, +12 s ────> end (their verdict, or unknown)
 */
export class Submission {
  readonly #parts: SubmissionParts;
  #flushedOnce = false;

  constructor(parts: SubmissionParts) {
    this.#parts = parts;
  }

  async run(): Promise<SubmissionEnd> {
    const { clock, card } = this.#parts;
    const retryUntilMs = clock.now() + kRetryWindowMs;
    let result = await this.#first();
    for (const delayMs of kRetryDelaysMs) {
      if (!isRetryable(result) || clock.now() + delayMs > retryUntilMs) break;
      await sleep(clock, delayMs);
      if (card.wiped) break;
      result = await this.#first();
    }
    return result.kind === 'unknown' ? await this.#resolve(result.reason) : endOf(result);
  }

  async #first(): Promise<SubmitResult> {
    const { timeoutMs } = this.#parts.policy;
    const heard = await this.#submit(timeoutMs + kOverrunMs, timeoutMs);
    return heard.kind === 'heard' ? heard.value : { kind: 'unknown', reason: 'no answer' };
  }

  async #resolve(reason: string): Promise<SubmissionEnd> {
    const { clock, log, policy, progress } = this.#parts;
    log.warn({ reason }, 'the outcome of a payment is unknown; looking it up');
    quietly(log, () => progress.onUnknown());
    const startMs = clock.now();
    const endMs = startMs + policy.resolveMs;
    for (const step of kResolveSteps) {
      if (startMs + step.afterMs >= endMs) break;
      await sleep(clock, Math.max(0, startMs + step.afterMs - clock.now()));
      if (clock.now() >= endMs) break;
      if (!this.#can(step.ask)) continue;
      const found = await this.#ask(step.ask, endMs - clock.now());
      if (found?.kind === 'approved' || found?.kind === 'partial' || found?.kind === 'declined') return found;
    }
    return { kind: 'unknown' };
  }

  /** The gateway's word on the submission; undefined if it gave none. Only a verdict counts: what is not found may still arrive. */
  async #ask(how: 'replay' | 'query', leftMs: number): Promise<Look | undefined> {
    const { gateway, lane, request } = this.#parts;
    const heard: Heard<Look> =
      how === 'replay'
        ? await this.#submit(leftMs, kReplayMs)
        : await lane.ask(leftMs, () => gateway.query(request));
    return heard.kind === 'heard' ? heard.value : undefined;
  }

  #can(how: 'replay' | 'query'): boolean {
    return how === 'query' || (this.#parts.gateway.idempotency === 'key' && !this.#parts.card.wiped);
  }

  async #submit(limitMs: number, deadlineMs: number): Promise<Heard<SubmitResult>> {
    const { gateway, lane, request, card } = this.#parts;
    let flushed = false;
    const onFlushed = () => {
      flushed = true;
      this.#announceFlush();
    };
    const heard = await lane.ask(limitMs, (leftMs) =>
      gateway.submit(request, card, { deadlineMs: Math.min(deadlineMs, leftMs), onFlushed }),
    );
    // Once a byte may have left, "not sent" is no longer something an adapter can know.
    if (heard.kind === 'heard' && heard.value.kind === 'not_sent' && flushed) {
      return { kind: 'heard', value: { kind: 'unknown', reason: heard.value.reason } };
    }
    return heard;
  }

  #announceFlush(): void {
    if (this.#flushedOnce) return;
    this.#flushedOnce = true;
    quietly(this.#parts.log, () => this.#parts.progress.onFlushed());
  }
}

function isRetryable(result: SubmitResult): boolean {
  return result.kind === 'not_sent' || result.kind === 'transient';
}

function endOf(result: Exclude<SubmitResult, { kind: 'unknown' }>): SubmissionEnd {
  // What the gateway did not process is as good as not sent.
  return result.kind === 'transient' ? { kind: 'not_sent', reason: result.reason } : result;
}

/** A listener that breaks must not decide what becomes of money. */
function quietly(log: Log, listener: () => void): void {
  try {
    listener();
  } catch (error) {
    log.error({ fault: error instanceof Error ? error.name : 'not an error' }, 'a payment listener broke');
  }
}
