import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** An answer, or none: it did not come in time, or the adapter broke. */
export type Heard<T> = { readonly kind: 'heard'; readonly value: T } | { readonly kind: 'silence' };

const kSilence: Heard<never> = { kind: 'silence' };

/**
 * The way to the gateway for one payment: never two requests at once. A request that overruns keeps the lane until it ends, whatever
 * its sender has given up on.
 */
export class GatewayLane {
  readonly #clock: Clock;
  readonly #log: Log;
  #busy: Promise<unknown> | undefined;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Sends once the lane is free and waits for the answer, both within `limitMs`; sends nothing if the lane stays busy. Never rejects.
   * @param request - told how many of the milliseconds are left when it starts.
   */
  async ask<T>(limitMs: number, request: (leftMs: number) => Promise<T>): Promise<Heard<T>> {
    const endMs = this.#clock.now() + limitMs;
    if (this.#busy) await this.#within(limitMs, this.#busy);
    const leftMs = endMs - this.#clock.now();
    if (this.#busy || leftMs <= 0) return kSilence;
    const answer = this.#heard(request, leftMs);
    this.#busy = answer;
    void answer.then(() => {
      this.#busy = undefined;
    });
    return (await this.#within(leftMs, answer)) ?? kSilence;
  }

  /** Undefined if `limitMs` pass first. */
  async #within<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#clock.schedule(limitMs, () => resolve(undefined));
    const result = await Promise.race([work, late]);
    cancel();
    return result;
  }

  async #heard<T>(request: (leftMs: number) => Promise<T>, leftMs: number): Promise<Heard<T>> {
    try {
      return { kind: 'heard', value: await request(leftMs) };
    } catch (error) {
      // Adapters answer with values; one that throws has told nothing. Its message is not trusted with a log line.
      const fault = error instanceof Error ? error.name : 'not an error';
      this.#log.error({ fault }, 'the gateway adapter broke');
      return kSilence;
    }
  }
}
