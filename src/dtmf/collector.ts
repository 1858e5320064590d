import type { Cancel, Clock } from '../ports/clock.ts';
import { type Key, kKeyPound, kKeyStar } from '../ports/media.ts';

/** Where the digits of one entry go, and the only place they go to. */
export interface DigitSink {
  readonly length: number;
  /** @returns false if it takes no more digits. */
  append(digit: number): boolean;
  clear(): void;
  /** Marks the decimal point; false if there is one already or the entry has none. */
  decimal?(): boolean;
}

/** `now`: the entry is whole; `soon`: it may be whole; `more`: it cannot be. */
export type Completion = 'more' | 'soon' | 'now';

/** How one field is entered. `#` always ends it. Times in milliseconds. */
export interface CollectSpec {
  /** Fewer digits are reported as `too_short`. */
  readonly minDigits: number;
  /** With so many digits the entry ends by itself. */
  readonly maxDigits: number;
  /** From the end of the prompt to the first digit. */
  readonly firstDigitMs: number;
  readonly interDigitMs: number;
  /** Replaces `interDigitMs` once the entry may be whole. */
  readonly soonMs: number;
  /** `restart`: star clears the entry. `decimal`: the first star is the decimal point, the second one clears. */
  readonly star: 'restart' | 'decimal';
  /** Asked after each digit below `maxDigits`; left out, only length ends the entry. */
  readonly completion?: () => Completion;
}

export type CollectEnd =
  /** `complete`: ended by itself, so that a `#` out of habit may follow. */
  | { readonly kind: 'entered'; readonly by: 'terminator' | 'timeout' | 'complete' }
  | { readonly kind: 'too_short' }
  /** `terminator`: a `#` alone, which answers a question that may be left out. */
  | { readonly kind: 'no_input'; readonly by: 'terminator' | 'timeout' };

export interface CollectListener {
  /** Once. */
  onEnd(end: CollectEnd): void;
  /** The caller pressed star to start this field again. */
  onRestart(): void;
}

/** Collects the digits of one entry into its sink. Made for one entry; ends once; {@link Collector.cancel} ends it silently. */
export class Collector {
  readonly #spec: CollectSpec;
  readonly #sink: DigitSink;
  readonly #clock: Clock;
  readonly #listener: CollectListener;
  #cancelTimer: Cancel | undefined;
  #promptEnded = false;
  #ended = false;
  #endedBy: 'terminator' | 'timeout' | 'complete' | undefined;

  constructor(spec: CollectSpec, sink: DigitSink, clock: Clock, listener: CollectListener) {
    this.#spec = spec;
    this.#sink = sink;
    this.#clock = clock;
    this.#listener = listener;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What ended the entry, if it was entered. */
  get endedBy(): 'terminator' | 'timeout' | 'complete' | undefined {
    return this.#endedBy;
  }

  get digitCount(): number {
    return this.#sink.length;
  }

  /** Starts the wait for the first digit, unless digits came during the prompt. */
  promptEnded(): void {
    this.#promptEnded = true;
    if (!this.#ended && this.#sink.length === 0) this.#startTimer(this.#spec.firstDigitMs);
  }

  press(key: Key): void {
    if (this.#ended) return;
    if (key === kKeyPound) this.#finish('terminator');
    else if (key === kKeyStar) this.#star();
    else if (key < kKeyStar) this.#digit(key);
  }

  cancel(): void {
    this.#ended = true;
    this.#cancelTimer?.();
  }

  #digit(digit: number): void {
    this.#sink.append(digit);
    const completion = this.#completion();
    if (completion === 'now') this.#end({ kind: 'entered', by: 'complete' });
    else this.#startTimer(this.#quietMs(completion));
  }

  #quietMs(completion: 'more' | 'soon'): number {
    const { soonMs, interDigitMs } = this.#spec;
    return completion === 'soon' ? Math.min(soonMs, interDigitMs) : interDigitMs;
  }

  #completion(): Completion {
    if (this.#sink.length >= this.#spec.maxDigits) return 'now';
    if (this.#sink.length < this.#spec.minDigits) return 'more';
    return this.#spec.completion?.() ?? 'more';
  }

  #star(): void {
    if (this.#spec.star === 'decimal' && this.#sink.decimal?.()) this.#startTimer(this.#spec.interDigitMs);
    else this.#restart();
  }

  #restart(): void {
    this.#sink.clear();
    this.#cancelTimer?.();
    if (this.#promptEnded) this.promptEnded();
    this.#listener.onRestart();
  }

  #finish(by: 'terminator' | 'timeout'): void {
    if (this.#sink.length === 0) this.#end({ kind: 'no_input', by });
    else if (this.#sink.length < this.#spec.minDigits) this.#end({ kind: 'too_short' });
    else this.#end({ kind: 'entered', by });
  }

  #startTimer(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.schedule(delayMs, () => this.#finish('timeout'));
  }

  #end(end: CollectEnd): void {
    if (this.#ended) return;
    this.cancel();
    if (end.kind === 'entered') this.#endedBy = end.by;
    this.#listener.onEnd(end);
  }
}
