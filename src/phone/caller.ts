import type { Cancel, Clock } from '../ports/clock.ts';
import { type Key, kKeyStar } from '../ports/media.ts';
import type { SipHeaders } from '../ports/signaling.ts';
import { decodeG711, type G711 } from './g711.ts';
import { Ladder } from './ladder.ts';
import { remoteOf, writeOffer } from './offer.ts';
import type { CallEnd, PhoneCall } from './phone-call.ts';
import { RtpPhone } from './rtp-phone.ts';
import type { KeyCarrier, Step } from './script.ts';
import type { SipMessage } from './sip-message.ts';
import { SipPhone } from './sip-phone.ts';
import type { SocketAddress } from './sip-socket.ts';
import { SpeechDetector } from './speech.ts';

export interface CallerOptions {
  readonly clock: Clock;
  /** Where SIP goes. */
  readonly server: SocketAddress;
  /** Local address of SIP and RTP. */
  readonly host?: string;
  readonly codec?: G711;
  /** How keys travel. Telephone-event is offered only where it is used. */
  readonly carrier?: KeyCarrier;
  /** A key is down for so long, then up for so long. */
  readonly pressMs?: number;
  readonly pauseMs?: number;
  /** A step that takes longer is a failure. */
  readonly patienceMs?: number;
  /** Answer to REFER. */
  readonly referStatus?: number;
  /** Told of every key as it is pressed, not which one it is. */
  readonly onKey?: (isDigit: boolean) => void;
}

export type DialResult =
  | { readonly kind: 'answered' }
  | { readonly kind: 'refused'; readonly response: SipMessage };

const kKeys = '0123456789*#ABCD';
const kEventPayloadType = 101;

/**
 * A caller with a telephone: dials, listens, keys, hangs up. Made by {@link Caller.open}, which takes its ports, and closed by its
 * owner; a second close does nothing. One call.
 */
export class Caller {
  readonly ladder: Ladder;
  readonly rtp: RtpPhone;
  readonly #sip: SipPhone;
  readonly #options: Required<CallerOptions>;
  readonly #speech: SpeechDetector;
  #call: PhoneCall | undefined;
  #offerVersion = 0;

  static async open(options: CallerOptions): Promise<Caller> {
    const all: Required<CallerOptions> = {
      host: '127.0.0.1',
      codec: 'PCMU',
      carrier: 'event',
      pressMs: 80,
      pauseMs: 80,
      patienceMs: 60_000,
      referStatus: 202,
      onKey: () => {},
      ...options,
    };
    const ladder = new Ladder(all.clock);
    const sip = await SipPhone.open(all.host, all.server, ladder, all.clock);
    const rtp = await RtpPhone.open({
      address: all.host,
      codec: all.codec,
      eventPayloadType: all.carrier.includes('event') ? kEventPayloadType : null,
    });
    return new Caller(ladder, sip, rtp, all);
  }

  private constructor(ladder: Ladder, sip: SipPhone, rtp: RtpPhone, options: Required<CallerOptions>) {
    this.ladder = ladder;
    this.rtp = rtp;
    this.#sip = sip;
    this.#options = options;
    this.#speech = new SpeechDetector(options.clock);
    rtp.onAudio = (payload) => this.#speech.hear(decodeG711(options.codec, payload));
  }

  /** The running or last call. */
  get call(): PhoneCall {
    if (!this.#call) throw new Error('nothing was dialled yet');
    return this.#call;
  }

  /**
   * Resolves when the call was taken or refused; audio flows from then on.
   * @param direction - `sendonly`: it comes on hold.
   */
  async dial(
    target: string,
    headers: SipHeaders = {},
    direction: 'sendrecv' | 'sendonly' = 'sendrecv',
  ): Promise<DialResult> {
    const { referStatus } = this.#options;
    const call = this.#sip.newCall({ target, headers, sdp: this.#offer(direction), referStatus });
    this.#call = call;
    const { kind, response } = await call.invite();
    const remote = kind === 'answered' ? remoteOf(response.body) : undefined;
    if (!remote) return { kind: 'refused', response };
    this.rtp.connect(remote);
    this.rtp.start();
    void call.ended.then(() => this.rtp.stop());
    return { kind: 'answered' };
  }

  /**
   * Does the steps one after another. Ends early when the call does.
   * @returns whether every step was done.
   */
  async follow(steps: readonly Step[]): Promise<boolean> {
    for (const step of steps) {
      const isDone = await this.#within(step);
      if (!isDone) return false;
    }
    return true;
  }

  /** Presses keys such as `1`, `25*50` and `4111#`, however this caller sends them. */
  async press(keys: string): Promise<void> {
    this.ladder.note(
      `${keys.length === 1 ? 'one key' : `${keys.length} keys`} ${kCarrierNames[this.#options.carrier]}`,
    );
    for (const key of [...keys].map(keyOf)) {
      this.#options.onKey(key < kKeyStar);
      await this.#pressOne(key);
    }
  }

  /** Holds the call, or takes it back. @returns the status of the re-INVITE. */
  async hold(on: boolean): Promise<number> {
    const response = await this.call.reoffer(this.#offer(on ? 'sendonly' : 'sendrecv'));
    return response.status;
  }

  async hangUp(): Promise<CallEnd> {
    return this.call.hangUp();
  }

  /** Hangs up if a call is up, then closes. */
  async leave(): Promise<void> {
    await this.#call?.hangUp();
    this.close();
  }

  close(): void {
    this.#sip.close();
    this.rtp.close();
  }

  async #within(step: Step): Promise<boolean> {
    const done = new AbortController();
    const late = Promise.withResolvers<never>();
    const cancel: Cancel = this.#options.clock.schedule(this.#options.patienceMs, () =>
      late.reject(new Error(`the caller waited ${this.#options.patienceMs} ms in vain to ${nameOf(step)}`)),
    );
    const over = this.call.ended.then(() => false);
    try {
      return await Promise.race([this.#do(step, done.signal).then(() => true), over, late.promise]);
    } finally {
      cancel();
      done.abort();
    }
  }

  async #do(step: Step, signal: AbortSignal): Promise<void> {
    if ('hear' in step) {
      await this.#speech.until('ended', signal);
      this.#speech.reset();
    } else if ('key' in step) {
      await this.press(step.key);
      this.#speech.reset();
    } else if ('speakOver' in step) {
      await this.#speech.until('begun', signal);
      await this.press(step.speakOver);
      this.#speech.reset();
    } else if ('when' in step) {
      await step.when(signal);
      this.#speech.reset();
    } else {
      await this.rtp.silence(step.hangUpAfterMs);
      await this.hangUp();
    }
  }

  async #pressOne(key: Key): Promise<void> {
    const { carrier, pressMs, pauseMs } = this.#options;
    switch (carrier) {
      case 'event':
      case 'event+tone':
        void this.rtp.pressEvent(key, { durationMs: pressMs, withTone: carrier === 'event+tone' });
        break;
      case 'tone':
        void this.rtp.pressTone(key, { durationMs: pressMs });
        break;
      case 'info':
        await this.#pressInfo(key);
    }
    await this.rtp.silence(pauseMs);
  }

  async #pressInfo(key: Key): Promise<void> {
    const body = `Signal=${kKeys[key]}\r\nDuration=${this.#options.pressMs}\r\n`;
    await this.call.request('INFO', [['Content-Type', 'application/dtmf-relay']], body);
  }

  #offer(direction: 'sendrecv' | 'sendonly'): string {
    const { address, port, codec, eventPayloadType, ptimeMs } = this.rtp;
    const version = ++this.#offerVersion;
    return writeOffer({ address, port, codec, eventPayloadType, ptimeMs, direction, version });
  }
}

const kCarrierNames: Readonly<Record<KeyCarrier, string>> = {
  event: 'as telephone-event in RTP',
  tone: 'as tones in RTP',
  info: 'by SIP INFO',
  'event+tone': 'as telephone-event and tones at once in RTP',
};

function keyOf(symbol: string): Key {
  const key = kKeys.indexOf(symbol);
  if (key < 0) throw new Error('keys are 0 to 9, *, #, A, B, C and D');
  return key as Key;
}

function nameOf(step: Step): string {
  return `do "${Object.keys(step)[0]}"`; // the keys themselves are nobody's business
}
