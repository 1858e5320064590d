import type { Log } from '../ports/log.ts';
import type { IncomingCall } from '../ports/signaling.ts';
import { IvrCall, type IvrCallDeps } from './ivr-call.ts';

const kPaymentUser = 'pay';
const kRetryAfterS = '5';

/**
 * Takes every INVITE: gives it to what was dialled, or refuses it. Knows the calls that are up; lives as long as the server.
 */
export class FrontDesk {
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  readonly #calls = new Map<string, IvrCall>();
  #draining = false;
  #onEmpty: (() => void) | undefined;

  constructor(deps: IvrCallDeps) {
    this.#deps = deps;
    this.#log = deps.log;
  }

  get callCount(): number {
    return this.#calls.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** The running call of a payment session. */
  find(sessionId: string): IvrCall | undefined {
    return this.#calls.get(sessionId);
  }

  take(incoming: IncomingCall): void {
    const { meter } = this.#deps;
    meter.callStarted(incoming.trunk.name);
    if (this.#draining) {
      meter.callRefused('draining');
      meter.callEnded();
      incoming.reject(503, 'Service Unavailable', { 'Retry-After': kRetryAfterS });
      return;
    }
    if (incoming.dialled !== kPaymentUser) {
      meter.callRefused('not found');
      meter.callEnded();
      this.#log.info({ callId: incoming.callId }, 'nobody is reached by what was dialled');
      incoming.reject(404, 'Not Found');
      return;
    }
    const call = new IvrCall(incoming, this.#deps);
    this.#calls.set(call.sessionId, call);
    void call.run().finally(() => {
      this.#calls.delete(call.sessionId);
      meter.callEnded();
      if (this.#calls.size === 0) this.#onEmpty?.();
    });
  }

  /** Ends every call that is up; {@link drain} resolves when they have ended. */
  abandon(): void {
    if (this.#calls.size > 0)
      this.#log.warn({ calls: this.#calls.size }, 'ending the calls that are still up');
    for (const call of this.#calls.values()) call.abandon();
  }

  /** Takes no new call and resolves when the last one has ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#calls.size === 0) return;
    this.#log.info({ calls: this.#calls.size }, 'waiting for calls to end');
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
