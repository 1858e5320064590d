import type { Cancel, Clock } from '../ports/clock.ts';
import type { SipMessage } from './sip-message.ts';

const kT1Ms = 500; // RFC 3261 section 17.1.1.1
const kT2Ms = 4_000;
const kRingingMs = 300_000; // longer than a server lets it ring

/** No final response came within 64 * T1 (timers B and F), or while it rang. */
export class NoResponse extends Error {
  constructor(method: string) {
    super(`${method}: no final response`);
    this.name = 'NoResponse';
  }
}

/**
 * A client transaction over UDP (RFC 3261 section 17.1): repeats the request until something comes, then waits for the final
 * response. Its owner hands it the responses, and acknowledges those to INVITE.
 */
export class ClientTransaction {
  /** Rejects with {@link NoResponse}. */
  readonly final: Promise<SipMessage>;
  readonly #method: string;
  readonly #send: () => void;
  readonly #clock: Clock;
  readonly #outcome = Promise.withResolvers<SipMessage>();
  #cancelRepeat: Cancel = () => {};
  #cancelEnd: Cancel = () => {};

  /** @param send - sends the request; called at once. */
  constructor(method: string, send: () => void, clock: Clock) {
    this.#method = method;
    this.#send = send;
    this.#clock = clock;
    this.final = this.#outcome.promise;
    this.final.catch(() => {}); // whoever waits has it too
    this.#cancelEnd = clock.schedule(64 * kT1Ms, () => this.close());
    this.#transmit(kT1Ms);
  }

  receive(response: SipMessage): void {
    if (response.status >= 200) {
      this.#stop();
      this.#outcome.resolve(response);
    } else if (this.#method === 'INVITE') {
      this.#stop(); // it rings
      this.#cancelEnd = this.#clock.schedule(kRingingMs, () => this.close());
    }
  }

  /** Gives up: {@link final} rejects unless there is one. */
  close(): void {
    this.#stop();
    this.#outcome.reject(new NoResponse(this.#method));
  }

  #transmit(waitMs: number): void {
    this.#send();
    const nextMs = this.#method === 'INVITE' ? waitMs * 2 : Math.min(waitMs * 2, kT2Ms);
    this.#cancelRepeat = this.#clock.schedule(waitMs, () => this.#transmit(nextMs));
  }

  #stop(): void {
    this.#cancelRepeat();
    this.#cancelEnd();
  }
}
