import type { Clock } from '../ports/clock.ts';

const kSpeechAboveRms = 120; // of 16 bits: -49 dBm0; the recordings are near -16, line noise below -55
const kShortestSpeechMs = 40; // a click is shorter
const kReactionMs = 700; // nobody answers sooner, and the server takes sooner keys for late ones
const kSamplesPerMs = 8;

interface Waiter {
  readonly what: 'begun' | 'ended';
  readonly resolve: () => void;
}

/**
 * Hears when a prompt begins and ends: it has ended after so much silence behind speech. Time is counted in samples heard, so that a
 * slow machine does not end a prompt. One has begun when a person could have reacted by the clock as well: what arrives at once after
 * such a machine's pause was said before, and may be the rest of the last prompt.
 */
export class SpeechDetector {
  readonly #clock: Clock;
  readonly #endSilenceMs: number;
  readonly #waiters = new Set<Waiter>();
  #speechMs = 0;
  #silenceMs = 0;
  #resetAtMs: number;

  /** @param endSilenceMs - longer than any pause inside a prompt (400 ms). */
  constructor(clock: Clock, endSilenceMs = 900) {
    this.#clock = clock;
    this.#endSilenceMs = endSilenceMs;
    this.#resetAtMs = clock.now();
  }

  /** Has so much been said since {@link reset} that a person could have reacted? */
  get hasBegun(): boolean {
    const leastMs = Math.min(this.#speechMs, this.#clock.now() - this.#resetAtMs);
    return leastMs >= kReactionMs || this.hasEnded;
  }

  /** Was anything said, and followed by silence long enough? */
  get hasEnded(): boolean {
    return this.#speechMs >= kShortestSpeechMs && this.#silenceMs >= this.#endSilenceMs;
  }

  /** Forgets what was heard: from now on the next prompt counts. */
  reset(): void {
    this.#speechMs = 0;
    this.#silenceMs = 0;
    this.#resetAtMs = this.#clock.now();
  }

  /** @param pcm - the next samples, 16-bit at 8000 Hz. */
  hear(pcm: Int16Array): void {
    const durationMs = pcm.length / kSamplesPerMs;
    if (rms(pcm) > kSpeechAboveRms) {
      this.#speechMs += durationMs;
      this.#silenceMs = 0;
    } else {
      this.#silenceMs += durationMs;
      if (this.#speechMs < kShortestSpeechMs) this.#speechMs = 0;
    }
    this.#wake();
  }

  /** Resolves when a prompt has begun, or ended, since {@link reset}. An aborted wait never resolves. */
  until(what: Waiter['what'], signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = { what, resolve };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', () => this.#waiters.delete(waiter), { once: true });
      this.#wake();
    });
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!(waiter.what === 'begun' ? this.hasBegun : this.hasEnded)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}

function rms(pcm: Int16Array): number {
  if (pcm.length === 0) return 0;
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return Math.sqrt(sum / pcm.length);
}
