import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { CodecName, MediaRemote, MediaSession } from '../ports/media.ts';
import type { HeaderReader, IncomingCall, OfferReply, SignalingLeg, SipHeaders } from '../ports/signaling.ts';
import {
  answerOffer,
  type CodecRules,
  type LocalMedia,
  makeOffer,
  type Negotiated,
  readAnswer,
} from '../sdp/negotiation.ts';
import { LegProtection } from './leg-protection.ts';

/** Why an INVITE gets no media, as the SIP response that says so. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

export type Established =
  | { readonly kind: 'established'; readonly leg: SignalingLeg }
  | ({ readonly kind: 'refused' } & Refusal)
  /** Answered with an offer of ours that led to nothing; the leg is over. */
  | { readonly kind: 'ended'; readonly reason: string };

export type Answered =
  | { readonly kind: 'answered'; readonly sdp: string }
  | ({ readonly kind: 'refused' } & Refusal);

/**
 * Keeps one leg's media in step with its offers and answers: the first INVITE, a delayed offer, every re-INVITE. Made per leg;
 * closing the media session is the owner's.
 */
export class LegMedia {
  #media: MediaSession;
  readonly #advertised: string;
  #codecs: CodecRules;
  readonly #log: Log;
  #onHold: (held: boolean) => void;
  #onReoffer: (header: HeaderReader) => void;
  readonly #protection: LegProtection;
  readonly #sdpSessionId = String(crypto.getRandomValues(new Uint32Array(1))[0]);
  #version = 0;
  /** What the last offer and answer agreed on. */
  #agreed: MediaRemote | undefined;
  #isHolding = false;
  /** A re-INVITE brought no offer, so ours went out and its ACK brings the answer (RFC 3261 section 14.2). */
  #awaitsAnswer = false;

  /**
   * @param advertised - address put into SDP; differs from the bound one behind a NAT.
   * @param call - whose trunk says how its audio may travel.
   * @param options.codecs - what the peer may use.
   * @param options.onHold - told after each offer of the peer's, never after one of ours.
   * @param options.onReoffer - sees the header of each re-INVITE before it is answered.
   */
  constructor(
    media: MediaSession,
    call: Pick<IncomingCall, 'trunk' | 'source'>,
    options: {
      readonly advertised: string | null;
      readonly codecs: CodecRules;
      readonly onHold: (held: boolean) => void;
      readonly onReoffer?: (header: HeaderReader) => void;
    },
    log: Log,
  ) {
    this.#media = media;
    this.#advertised = options.advertised ?? media.address;
    this.#onHold = options.onHold;
    this.#onReoffer = options.onReoffer ?? (() => {});
    this.#codecs = options.codecs;
    this.#protection = new LegProtection(call, media.fingerprint);
    this.#log = log;
  }

  /**
   * Answers the INVITE and starts the media, or says how to refuse it. Rejects if the caller cancelled.
   * @param early - comes before the 200, while the media runs already (183); a caller without an offer has no such media.
   */
  async establish(
    call: IncomingCall,
    headers: SipHeaders = {},
    early?: () => Promise<void>,
  ): Promise<Established> {
    if (call.offer === null) return this.#establishByOurOffer(call, headers);
    const answered = await this.answer(call.offer);
    if (answered.kind === 'refused') return answered;
    if (early) {
      call.progress(183, 'Session Progress', answered.sdp);
      await early();
    }
    const leg = await call.answer(answered.sdp, headers);
    this.follow(leg);
    return { kind: 'established', leg };
  }

  /** Answers an offer and starts the media, or says how to refuse it. */
  async answer(offer: string): Promise<Answered> {
    const negotiated = answerOffer(offer, this.#local(), this.#codecs);
    if (negotiated.kind !== 'agreed') return { kind: 'refused', ...this.#refusal(negotiated) };
    try {
      await this.#connect(negotiated);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'MEDIA_BUSY') throw error;
      this.#log.warn({ err: error }, 'the media cannot be what the offer asks for');
      return { kind: 'refused', status: 503, reason: 'Service Unavailable' };
    }
    this.#onHold(negotiated.held);
    return { kind: 'answered', sdp: negotiated.sdp };
  }

  /** An offer of ours; undefined where the encryption of the trunk allows none. */
  offer(): string | undefined {
    return makeOffer(this.#local(), this.#codecs, this.#agreed);
  }

  /** Takes the answer to it and starts the media, or says why that cannot be. */
  async take(answer: string): Promise<Refusal | undefined> {
    const negotiated = readAnswer(answer, this.#codecs, this.#protection.local, this.#agreed);
    if (negotiated.kind !== 'agreed') return this.#refusal(negotiated);
    await this.#connect(negotiated);
    return undefined;
  }

  /** What was agreed on last; undefined: nothing yet. */
  get codec(): CodecName | undefined {
    return this.#agreed?.codec;
  }

  /** The peer sends keys as telephone-events. */
  get hasEvents(): boolean {
    return (this.#agreed?.eventPayloadType ?? null) !== null;
  }

  /** What is wanted most from now on, where the peer may use it: then nobody has to convert. */
  prefer(codec: CodecName): void {
    const { codecs } = this.#codecs;
    if (!codecs.includes(codec)) return;
    this.#codecs = { codecs: [codec, ...codecs.filter((each) => each !== codec)], order: 'own' };
  }

  /** Holds the peer, or takes it back: says so by an offer of ours. A peer that refuses goes on as before. */
  async hold(leg: SignalingLeg, on: boolean): Promise<void> {
    if (on === this.#isHolding) return;
    this.#isHolding = on;
    await this.tell(leg, {});
  }

  /** Tells the peer something by a re-INVITE that says of the media what holds. @returns whether the peer took it. */
  async tell(leg: SignalingLeg, headers: SipHeaders): Promise<boolean> {
    const sdp = this.offer();
    if (sdp === undefined) return false;
    const outcome = await leg.reoffer(sdp, headers);
    if (outcome.kind === 'agreed') await this.#takeLater(() => this.take(outcome.sdp));
    else this.#log.info({ outcome: outcome.kind }, 'the peer does not take our offer');
    return outcome.kind === 'agreed';
  }

  /** Goes on with other media, by an offer of ours. @returns false: the peer does not take it, and nothing has changed. */
  async move(leg: SignalingLeg, media: MediaSession): Promise<boolean> {
    const before = this.#media;
    this.#media = media;
    const isTaken = await this.tell(leg, {});
    if (!isTaken) this.#media = before;
    return isTaken;
  }

  /** Somebody else is told from now on. */
  reportTo(listener: {
    readonly onHold: (held: boolean) => void;
    readonly onReoffer: (header: HeaderReader) => void;
  }): void {
    this.#onHold = listener.onHold;
    this.#onReoffer = listener.onReoffer;
  }

  async #establishByOurOffer(call: IncomingCall, headers: SipHeaders): Promise<Established> {
    const offer = this.offer();
    if (offer === undefined) return { kind: 'refused', ...kNotAcceptable };
    const leg = await call.answer(offer, headers);
    const answered = new Promise<Refusal | undefined>((resolve) => {
      leg.onAnswer((sdp) => resolve(this.#takeOfItsOwn(sdp)));
      leg.onBye((reason) => {
        resolve({ status: 487, reason });
        return {};
      });
    });
    const refused = await answered;
    this.follow(leg);
    if (!refused) return { kind: 'established', leg };
    await leg.bye({ Reason: `SIP;cause=${refused.status};text="${refused.reason}"` });
    return { kind: 'ended', reason: refused.reason };
  }

  /** Takes later offers, and the answers to ours. */
  follow(leg: SignalingLeg): void {
    leg.onOffer((sdp, header) => this.#reoffer(sdp, header));
    leg.onAnswer((sdp) => {
      if (this.#awaitsAnswer) void this.#takeLater(() => this.#takeOfItsOwn(sdp));
    });
  }

  /** The answer in an ACK: what it says of hold is the wish of the peer. */
  async #takeOfItsOwn(sdp: string): Promise<Refusal | undefined> {
    const refused = await this.take(sdp);
    if (!refused) this.#onHold(!(this.#agreed?.sending && this.#agreed.receiving));
    return refused;
  }

  /** What cannot be used changes nothing. */
  async #takeLater(take: () => Promise<Refusal | undefined>): Promise<void> {
    this.#awaitsAnswer = false;
    try {
      const refused = await take();
      if (refused) this.#log.warn({ ...refused }, 'the answer to our offer is of no use');
    } catch (error) {
      this.#log.error({ err: error }, 'the answer to our offer could not be taken');
    }
  }

  async #reoffer(sdp: string | null, header: HeaderReader): Promise<OfferReply> {
    this.#onReoffer(header);
    this.#awaitsAnswer = sdp === null;
    if (sdp === null) {
      const offer = this.offer();
      return offer === undefined ? kNotAcceptable : { sdp: offer };
    }
    const answered = await this.answer(sdp);
    return answered.kind === 'answered' ? { sdp: answered.sdp } : answered;
  }

  /** Overwrites our keys; the leg is over. */
  wipe(): void {
    this.#protection.wipe();
  }

  async #connect({ remote, held, current }: Extract<Negotiated, { kind: 'agreed' }>): Promise<void> {
    await this.#media.connect(this.#protection.linked(remote));
    this.#protection.adopt(current);
    this.#agreed = remote;
    const { codec, ptimeMs, eventPayloadType } = remote;
    const protection = this.#protection.summary;
    this.#log.info({ codec, ptimeMs, events: eventPayloadType !== null, protection, held }, 'media agreed');
  }

  #refusal(negotiated: Exclude<Negotiated, { kind: 'agreed' }>): Refusal {
    switch (negotiated.kind) {
      case 'malformed':
        return { status: 400, reason: 'Bad Session Description' };
      case 'no_common_codec':
        return kNotAcceptable;
      case 'no_common_protection': {
        const { encryption, keysInSdp } = this.#protection.local;
        this.#log.warn(
          { encryption, keysInSdp },
          'what is offered and the encryption of the trunk do not meet',
        );
        return kNotAcceptable;
      }
    }
  }

  #local(): LocalMedia {
    this.#version++;
    return {
      address: this.#advertised,
      port: this.#media.port,
      sessionId: this.#sdpSessionId,
      version: this.#version,
      protection: this.#protection.local,
      holds: this.#isHolding,
    };
  }
}

const kNotAcceptable: Refusal = { status: 488, reason: 'Not Acceptable Here' };
