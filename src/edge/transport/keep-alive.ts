export const kPing = '\r\n\r\n';
export const kPong = '\r\n';

export interface KeepAliveNeeds {
  readonly everyMs: number;
  readonly patienceMs: number;
  readonly ping: () => void;
  /** The far end, which has answered before, does so no longer. */
  readonly dead: () => void;
}

/**
 * Client side of the CRLF keep-alive (RFC 5626 section 4.4.1) on a connection we opened. Whether the far end knows it is learnt
 * from its first answer: one that never answers is no reason to close, as line ends between messages are legal anywhere.
 */
export class KeepAlive {
  readonly #needs: KeepAliveNeeds;
  #timer: NodeJS.Timeout;
  #answers = false;

  constructor(needs: KeepAliveNeeds) {
    this.#needs = needs;
    this.#timer = this.#later(needs.everyMs, () => this.#ping());
  }

  /** Anything has come from the far end. @param isPong - a lone CRLF. */
  heard(isPong: boolean): void {
    if (isPong) this.#answers = true;
    clearTimeout(this.#timer);
    this.#timer = this.#later(this.#needs.everyMs, () => this.#ping());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #ping(): void {
    const { everyMs, patienceMs, ping, dead } = this.#needs;
    ping();
    this.#timer = this.#answers ? this.#later(patienceMs, dead) : this.#later(everyMs, () => this.#ping());
  }

  #later(delayMs: number, task: () => void): NodeJS.Timeout {
    return setTimeout(task, delayMs).unref();
  }
}
