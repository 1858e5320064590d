import type { Cancel, Clock } from '../../ports/clock.ts';

/** RFC 3261 section 17.1.1.1: round-trip estimate, longest interval between retransmissions, life of a message in the network. */
export const kT1Ms = 500;
export const kT2Ms = 4_000;
export const kT4Ms = 5_000;
/** How long a transaction is tried or remembered: 64*T1. */
export const kTimeoutMs = 64 * kT1Ms;

/** Doubling intervals, none longer than that. */
export function doubled(longestMs: number): (beforeMs: number) => number {
  return (beforeMs) => Math.min(2 * beforeMs, longestMs);
}

/** From here on a timer may be late by a slot: whatever ends within one ends together, and the event loop wakes up once for all of it. */
const kCoarseFromMs = kT4Ms;
const kSlotMs = 100;

interface Slot {
  readonly tasks: Set<() => void>;
  readonly cancel: Cancel;
}

/** Starts timers and knows how many run. */
export class Timers {
  readonly #clock: Clock;
  /** Coarse timers by the number of the slot they end with. */
  readonly #slots = new Map<number, Slot>();
  #live = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get live(): number {
    return this.#live;
  }

  /** Runs the task after that time: never before, and later by no more than a slot. */
  after(delayMs: number, task: () => void): Cancel {
    this.#live++;
    return delayMs < kCoarseFromMs ? this.#exactly(delayMs, task) : this.#coarsely(delayMs, task);
  }

  /** Runs the task after T1 and then again and again, until cancelled. @param nextMs - the interval after one that has gone by. */
  repeat(nextMs: (beforeMs: number) => number, task: () => void): Cancel {
    let intervalMs = kT1Ms;
    let cancel: Cancel = () => {};
    const arm = (): void => {
      cancel = this.after(intervalMs, () => {
        intervalMs = nextMs(intervalMs);
        arm();
        task();
      });
    };
    arm();
    return () => cancel();
  }

  #exactly(delayMs: number, task: () => void): Cancel {
    let open = true;
    const close = (): boolean => {
      if (!open) return false;
      open = false;
      this.#live--;
      return true;
    };
    const cancel = this.#clock.schedule(delayMs, () => close() && task());
    return () => {
      if (close()) cancel();
    };
  }

  #coarsely(delayMs: number, task: () => void): Cancel {
    const nowMs = this.#clock.now();
    const number = Math.ceil((nowMs + delayMs) / kSlotMs);
    const slot = this.#slots.get(number) ?? this.#openSlot(number, nowMs);
    const own = (): void => task(); // the same task may be waiting twice
    slot.tasks.add(own);
    return () => {
      if (!slot.tasks.delete(own)) return;
      this.#live--;
      if (slot.tasks.size > 0) return;
      slot.cancel();
      this.#slots.delete(number);
    };
  }

  #openSlot(number: number, nowMs: number): Slot {
    const tasks = new Set<() => void>();
    const cancel = this.#clock.schedule(number * kSlotMs - nowMs, () => {
      this.#slots.delete(number);
      for (const task of tasks) {
        tasks.delete(task);
        this.#live--;
        task();
      }
    });
    const slot = { tasks, cancel };
    this.#slots.set(number, slot);
    return slot;
  }
}
