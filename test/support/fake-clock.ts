import type { Cancel, Clock } from '../../src/ports/clock.ts';

interface Task {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until {@link advance} moves it; tasks run in the order they fall due. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #startedAt: number;
  readonly #tasks = new Set<Task>();

  constructor(startedAt = new Date('2026-11-21T12:00:00Z')) {
    this.#startedAt = startedAt.getTime();
  }

  now(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(this.#startedAt + this.#nowMs);
  }

  schedule(delayMs: number, run: () => void): Cancel {
    const task = { dueMs: this.#nowMs + delayMs, order: this.#order++, run };
    this.#tasks.add(task);
    return () => void this.#tasks.delete(task);
  }

  get pending(): number {
    return this.#tasks.size;
  }

  /** Until the next task falls due; undefined if there is none. */
  get untilNextMs(): number | undefined {
    const next = this.#next(Number.POSITIVE_INFINITY);
    return next && Math.max(0, next.dueMs - this.#nowMs);
  }

  /** Moves time on, running what falls due; promises settle between tasks. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let task = this.#next(endMs); task; task = this.#next(endMs)) {
      this.#tasks.delete(task);
      this.#nowMs = Math.max(this.#nowMs, task.dueMs);
      task.run();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  #next(endMs: number): Task | undefined {
    return [...this.#tasks]
      .filter((task) => task.dueMs <= endMs)
      .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  }
}

/** Lets every promise that can settle without time passing do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise<void>((resolve) => setImmediate(resolve));
}
