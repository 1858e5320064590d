const kEveryMs = 500;
/** A machine that is merely busy makes us late by less. */
const kStallMs = 5_000;

/** Notes when this process itself was not let run: what a server said meanwhile was heard by nobody, and is no fault of the server's. */
export class StallWatch {
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  #stalledMs = 0;

  /** All stalls together. */
  get stalledMs(): number {
    return Math.round(this.#stalledMs);
  }

  start(): void {
    this.#dueMs = performance.now() + kEveryMs;
    this.#timer = setInterval(() => this.#look(), kEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether a stall ended after that moment. @param momentMs - of performance.now(). */
  since(momentMs: number): boolean {
    this.#look();
    return this.#lastEndMs > momentMs;
  }

  #look(): void {
    const nowMs = performance.now();
    if (nowMs - this.#dueMs > kStallMs) {
      this.#stalledMs += nowMs - this.#dueMs;
      this.#lastEndMs = nowMs;
    }
    this.#dueMs = nowMs + kEveryMs;
  }
}
