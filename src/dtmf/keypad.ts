import type { Clock } from '../ports/clock.ts';
import { type Carrier, type KeyReport, kKeyPound, kKeyStar } from '../ports/media.ts';
import {
  type CollectEnd,
  type CollectListener,
  Collector,
  type CollectSpec,
  type DigitSink,
} from './collector.ts';
import { KeyMerge, type KeyPress } from './merge.ts';
import { TypeAhead } from './type-ahead.ts';

// A `#` this soon after an entry that ended by itself was meant for that entry.
const kTrailingPoundMs = 3000;
// Nobody answers a question within half a second of its beginning. A key that early, and those that follow it without a pause, were
// meant for what was asked before; but nobody is left unheard for longer than three seconds.
const kStrayMs = 500;
const kMostStrayMs = 3000;

export interface KeypadListener {
  /** A key went down; which one is nobody's business here. */
  onPress(carrier: Carrier): void;
  /** A key was dropped that was meant for the question before. */
  onStray(): void;
  /** Two stars in a row. */
  onDoubleStar(): void;
}

/**
 * The caller's keys: reports of all carriers in, entries out.
 * ```
 *   KeyReports -> KeyMerge -> `**`? -> stray? -> collecting: Collector -> sink
 *                                            -> otherwise:  TypeAhead, drained by the next collect()
 * ```
 * Made and wiped by the conversation.
 */
export class Keypad {
  /** A second star within this is a double star. */
  doubleStarMs: number;
  readonly #clock: Clock;
  readonly #listener: KeypadListener;
  readonly #merge = new KeyMerge();
  readonly #typeAhead = new TypeAhead();
  #collector: Collector | undefined;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #strayUntilMs = Number.NEGATIVE_INFINITY;
  #starAtMs = Number.NEGATIVE_INFINITY;
  /** When the last press completed an entry by itself; any other key forgets it. */
  #completedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, doubleStarMs: number, listener: KeypadListener) {
    this.#clock = clock;
    this.doubleStarMs = doubleStarMs;
    this.#listener = listener;
  }

  /** Digits of the running entry, or undefined while nothing is collected. */
  get digitCount(): number | undefined {
    return this.#collector?.digitCount;
  }

  /** Has the caller keyed on already, so that a prompt would only hold them up? */
  get isAhead(): boolean {
    return this.#collector ? this.#collector.digitCount > 0 : this.#typeAhead.length > 0;
  }

  report(report: KeyReport): void {
    const press = this.#merge.report(report);
    // A slow carrier may tell of a press from before the flush: the caller answered another question with it.
    if (!press) return;
    try {
      if (press.onsetMs < this.#flushedAtMs) return;
      if (this.#isDoubleStar(press)) this.#openWayOut(report.carrier);
      else if (this.#isDropped(press)) this.#listener.onStray();
      else this.#accept(press, report.carrier);
    } finally {
      press.key = 0;
    }
  }

  /**
   * Starts an entry, in place of a running one. Keys typed ahead go into it at once, so it may have ended on return.
   * @param clock - runs the entry's timers.
   */
  collect(spec: CollectSpec, sink: DigitSink, clock: Clock, listener: CollectListener): Collector {
    this.#collector?.cancel();
    const collector = new Collector(spec, sink, clock, {
      ...listener,
      onEnd: (end: CollectEnd) => {
        this.#collector = undefined;
        listener.onEnd(end);
      },
    });
    this.#collector = collector;
    this.#drainInto(collector);
    return collector;
  }

  /** Ends the running entry without a result. */
  stop(): void {
    this.#collector?.cancel();
    this.#collector = undefined;
  }

  /** Forgets what was typed ahead, what slow carriers have yet to report of it, and what the caller is still typing. */
  flush(): void {
    this.#typeAhead.wipe();
    this.#flushedAtMs = this.#clock.now();
    this.#strayUntilMs = this.#flushedAtMs + kStrayMs;
  }

  /** Like {@link flush}, and no key pressed before is remembered; a slow carrier's report of one counts as a new press. */
  forget(): void {
    this.flush();
    this.#merge.wipe();
  }

  wipe(): void {
    this.stop();
    this.forget();
  }

  #openWayOut(carrier: Carrier): void {
    this.#listener.onPress(carrier);
    this.#typeAhead.wipe();
    this.#listener.onDoubleStar();
  }

  #accept(press: KeyPress, carrier: Carrier): void {
    this.#listener.onPress(carrier);
    if (this.#collector) this.#take(press);
    else this.#typeAhead.push(press);
  }

  #drainInto(collector: Collector): void {
    while (!collector.ended) {
      const press = this.#typeAhead.shift();
      if (!press) return;
      if (!this.#isTrailingPound(press)) this.#take(press);
      press.key = 0;
    }
  }

  #take(press: KeyPress): void {
    const collector = this.#collector;
    collector?.press(press.key);
    if (collector?.endedBy === 'complete') this.#completedAtMs = press.onsetMs;
  }

  /** Asked once per key that would count: any key makes the next pound an answer again. */
  #isTrailingPound({ key, onsetMs }: KeyPress): boolean {
    const sinceMs = onsetMs - this.#completedAtMs;
    this.#completedAtMs = Number.NEGATIVE_INFINITY;
    return key === kKeyPound && sinceMs <= kTrailingPoundMs;
  }

  #isDropped(press: KeyPress): boolean {
    const isUnknown = press.key > kKeyPound; // A to D
    return isUnknown || this.#isStray(press) || this.#isTrailingPound(press);
  }

  #isStray({ onsetMs }: KeyPress): boolean {
    if (onsetMs >= this.#strayUntilMs) return false;
    this.#strayUntilMs = Math.min(onsetMs + kStrayMs, this.#flushedAtMs + kMostStrayMs);
    return true;
  }

  #isDoubleStar(press: KeyPress): boolean {
    const sinceMs = press.onsetMs - this.#starAtMs;
    const isStar = press.key === kKeyStar;
    const isDouble = isStar && sinceMs <= this.doubleStarMs;
    this.#starAtMs = isStar && !isDouble ? press.onsetMs : Number.NEGATIVE_INFINITY;
    return isDouble;
  }
}
