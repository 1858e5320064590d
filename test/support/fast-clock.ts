import type { Cancel, Clock } from '../../src/ports/clock.ts';

interface Task {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Virtual time for tens of thousands of timers, where FakeClock would sort for ever. Tasks run synchronously. */
export class FastClock implements Clock {
  readonly #heap: Task[] = [];
  readonly #startedAt = Date.UTC(2026, 10, 21, 12);
  #nowMs = 0;
  #order = 0;

  now(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(this.#startedAt + this.#nowMs);
  }

  schedule(delayMs: number, run: () => void): Cancel {
    const task: Task = { dueMs: this.#nowMs + delayMs, order: this.#order++, run };
    this.#push(task);
    return () => {
      task.run = undefined;
    };
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let task = this.#heap[0]; task && task.dueMs <= endMs; task = this.#heap[0]) {
      this.#pop();
      this.#nowMs = task.dueMs;
      task.run?.();
    }
    this.#nowMs = endMs;
  }

  #push(task: Task): void {
    let at = this.#heap.push(task) - 1;
    while (at > 0 && this.#isBefore(at, (at - 1) >> 1)) at = this.#swap(at, (at - 1) >> 1);
  }

  #pop(): void {
    this.#swap(0, this.#heap.length - 1);
    this.#heap.pop();
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const smaller = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(smaller, at)) return;
      at = this.#swap(at, smaller);
    }
  }

  #isBefore(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (!first || !second) return false;
    return first.dueMs < second.dueMs || (first.dueMs === second.dueMs && first.order < second.order);
  }

  /** @returns the second index: where the first task is now. */
  #swap(a: number, b: number): number {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first && second) {
      this.#heap[a] = second;
      this.#heap[b] = first;
    }
    return b;
  }
}
