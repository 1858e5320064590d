import type { Log } from '../ports/log.ts';
import type { MediaRemote, MediaSession } from '../ports/media.ts';
import type { IncomingCall, OfferReply, SignalingLeg } from '../ports/signaling.ts';
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

/**
 * Keeps one leg's media in step with its offers and answers: the first INVITE, a delayed offer, every re-INVITE. Made per leg;
 * closing the media session is the owner's.
 */
export class LegMedia {
  readonly #media: MediaSession;
  readonly #advertised: string;
  readonly #codecs: CodecRules;
  readonly #log: Log;
  readonly #onHold: (held: boolean) => void;
  readonly #protection: LegProtection;
  readonly #sdpSessionId = String(crypto.getRandomValues(new Uint32Array(1))[0]);
  #version = 0;
  /** What the last offer and answer agreed on. */
  #agreed: MediaRemote | undefined;
  /** A re-INVITE brought no offer, so ours went out and its ACK brings the answer (RFC 3261 section 14.2). */
  #awaitsAnswer = false;

  /**
   * @param advertised - address put into SDP; differs from the bound one behind a NAT.
   * @param call - whose trunk says how its audio may travel.
   * @param options.codecs - what the peer may use.
   */
  constructor(
    media: MediaSession,
    call: Pick<IncomingCall, 'trunk' | 'source'>,
    options: { advertised: string | null; codecs: CodecRules; onHold: (held: boolean) => void },
    log: Log,
  ) {
    this.#media = media;
    this.#advertised = options.advertised ?? media.address;
    this.#onHold = options.onHold;
    this.#codecs = options.codecs;
    this.#protection = new LegProtection(call, media.fingerprint);
    this.#log = log;
  }

  /** Answers the INVITE and starts the media, or says how to refuse it. Rejects if the caller cancelled. */
  async establish(call: IncomingCall): Promise<Established> {
    if (call.offer === null) return this.#establishByOurOffer(call);
    const negotiated = answerOffer(call.offer, this.#local(), this.#codecs);
    if (negotiated.kind !== 'agreed') return { kind: 'refused', ...this.#refusal(negotiated) };
    await this.#connect(negotiated);
    const leg = await call.answer(negotiated.sdp);
    this.#follow(leg);
    return { kind: 'established', leg };
  }

  async #establishByOurOffer(call: IncomingCall): Promise<Established> {
    const offer = makeOffer(this.#local(), this.#codecs);
    if (offer === undefined) return { kind: 'refused', ...kNotAcceptable };
    const leg = await call.answer(offer);
    const answered = new Promise<Refusal | undefined>((resolve) => {
      leg.onAnswer((sdp) => resolve(this.#takeAnswer(sdp)));
      leg.onBye((reason) => {
        resolve({ status: 487, reason });
        return {};
      });
    });
    const refused = await answered;
    this.#follow(leg);
    if (!refused) return { kind: 'established', leg };
    await leg.bye({ Reason: `SIP;cause=${refused.status};text="${refused.reason}"` });
    return { kind: 'ended', reason: refused.reason };
  }

  async #takeAnswer(sdp: string): Promise<Refusal | undefined> {
    const negotiated = readAnswer(sdp, this.#codecs, this.#protection.local, this.#agreed);
    if (negotiated.kind !== 'agreed') return this.#refusal(negotiated);
    await this.#connect(negotiated);
    return undefined;
  }

  /** Takes later offers, and the answers to ours. */
  #follow(leg: SignalingLeg): void {
    leg.onOffer((sdp) => this.#reoffer(sdp));
    leg.onAnswer((sdp) => {
      if (this.#awaitsAnswer) void this.#takeLaterAnswer(sdp);
    });
  }

  /** What cannot be used changes nothing. */
  async #takeLaterAnswer(sdp: string): Promise<void> {
    this.#awaitsAnswer = false;
    try {
      const refused = await this.#takeAnswer(sdp);
      if (refused) this.#log.warn({ ...refused }, 'the answer to our offer is of no use');
    } catch (error) {
      this.#log.error({ err: error }, 'the answer to our offer could not be taken');
    }
  }

  async #reoffer(sdp: string | null): Promise<OfferReply> {
    this.#awaitsAnswer = sdp === null;
    if (sdp === null) {
      const offer = makeOffer(this.#local(), this.#codecs, this.#agreed);
      return offer === undefined ? kNotAcceptable : { sdp: offer };
    }
    const negotiated = answerOffer(sdp, this.#local(), this.#codecs);
    if (negotiated.kind !== 'agreed') return this.#refusal(negotiated);
    await this.#connect(negotiated);
    return { sdp: negotiated.sdp };
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
    this.#onHold(held);
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
    };
  }
}

const kNotAcceptable: Refusal = { status: 488, reason: 'Not Acceptable Here' };
