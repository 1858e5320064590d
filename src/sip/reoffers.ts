import type { Clock } from '../ports/clock.ts';
import type { ReofferOutcome } from '../ports/signaling.ts';
import type { Answer } from './request.ts';

/** One re-INVITE; undefined: it could not be sent, or nobody is left to answer it. */
export type SendOffer = () => Promise<Answer | undefined>;

const kMostTries = 2;

/** The re-INVITEs of ours in one dialog: one after the other, and again where one crossed the peer's. */
export class Reoffers {
  readonly #clock: Clock;
  readonly #isCallIdOurs: boolean;
  #last: Promise<unknown> = Promise.resolve();

  /** @param isCallIdOurs - we began the call: then we wait longer after a glare (RFC 3261 section 14.1). */
  constructor(clock: Clock, isCallIdOurs: boolean) {
    this.#clock = clock;
    this.#isCallIdOurs = isCallIdOurs;
  }

  send(offer: SendOffer): Promise<ReofferOutcome> {
    const sent = this.#last.then(() => this.#send(offer));
    this.#last = sent.catch(() => {});
    return sent;
  }

  async #send(offer: SendOffer): Promise<ReofferOutcome> {
    for (let tries = 1; ; tries++) {
      const answer = await offer();
      if (!answer) return { kind: 'ended' };
      const { status, reason, body } = answer;
      if (status >= 200 && status < 300) return { kind: 'agreed', sdp: body };
      if (status === 408 || status === 481) return { kind: 'ended' }; // RFC 3261 section 12.2.1.2
      if (status !== 491 || tries === kMostTries) return { kind: 'refused', status, reason };
      await this.#pause();
    }
  }

  /** 2.1 to 4 s for who chose the Call-ID, 0 to 2 s for the other, in steps of 10 ms. */
  #pause(): Promise<void> {
    const steps = Math.random();
    const ms = this.#isCallIdOurs ? 2_100 + Math.floor(steps * 190) * 10 : Math.floor(steps * 200) * 10;
    return new Promise((resolve) => {
      this.#clock.schedule(ms, resolve);
    });
  }
}
