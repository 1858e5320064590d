import { CardSecret } from '../card/card-secret.ts';
import {
  Conversation,
  type ConversationEnd,
  type ConversationObserver,
  type ConversationSnapshot,
} from '../dialog/controller.ts';
import type { Admission } from '../dialog/events.ts';
import { isPayable } from '../dialog/opening.ts';
import type { PaymentOrder, PaymentPolicy, Route } from '../dialog/policy.ts';
import { AppError } from '../errors.ts';
import { newPaymentRef } from '../payment/payment-ref.ts';
import type { Payments } from '../payment/payments.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaSession, MediaStats } from '../ports/media.ts';
import type { Meter } from '../ports/meter.ts';
import type { Locale, Prompts } from '../ports/prompts.ts';
import type { IncomingCall, SignalingLeg, SipHeaders } from '../ports/signaling.ts';
import type { SessionRecord, SessionRecords } from '../ports/store.ts';
import { readCallData } from './call-data.ts';
import { LegMedia } from './leg-media.ts';
import { qualityOf } from './quality.ts';
import { endRecord, openRecord, withMedia } from './record.ts';
import { resultHeaders } from './result-headers.ts';

/** What configuration says about calls, beyond the conversation itself. */
export interface CallSettings {
  readonly policy: PaymentPolicy;
  readonly currency: string;
  readonly locale: Locale;
  /** What an INVITE without the mandatory call data gets: a spoken apology, or this SIP status. */
  readonly onMissingParameters: 'apology' | number;
  readonly routes: { readonly agent: string | null; readonly queue: string | null };
  /** Address put into SDP; null = the one the media is bound to. */
  readonly advertisedAddress: string | null;
}

export interface IvrCallDeps {
  readonly settings: CallSettings;
  readonly plane: MediaPlane;
  readonly prompts: Prompts;
  readonly payments: Payments;
  readonly gateway: { readonly name: string; readonly isUp: () => boolean };
  readonly records: SessionRecords;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
}

const kRetryAfterS = '5';

/**
 * One automated payment call, from the INVITE to the row in the database. run() is called once and never rejects; whatever goes
 * wrong, the caller hears why or gets a SIP status, the media is closed and the card is wiped.
 */
export class IvrCall {
  readonly sessionId = crypto.randomUUID();
  readonly #incoming: IncomingCall;
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  #conversation: Conversation | undefined;

  constructor(incoming: IncomingCall, deps: IvrCallDeps) {
    this.#incoming = incoming;
    this.#deps = deps;
    this.#log = deps.log.child({ callId: incoming.callId, sessionId: this.sessionId });
  }

  /** The masked state of the conversation, while there is one. */
  get snapshot(): ConversationSnapshot | undefined {
    return this.#conversation?.snapshot;
  }

  /** The server stops: ends the call without another word. A payment in flight is still waited for. */
  abandon(): void {
    this.#conversation?.mediaLost('worker_lost');
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      if (error instanceof AppError && error.code === 'SIP_CANCELLED') this.#log.info({}, error.message);
      else this.#log.error({ err: error }, 'the call broke'); // a bug ends its call, not the server
    }
  }

  async #run(): Promise<void> {
    const order = this.#readOrder();
    const { policy, onMissingParameters } = this.#deps.settings;
    if (onMissingParameters !== 'apology' && !isPayable({ order, policy })) {
      return this.#refuse(onMissingParameters, 'Call Data Missing');
    }
    const media = await this.#openMedia();
    if (!media) return;
    try {
      await this.#serve(order, media);
    } finally {
      await media.close();
    }
  }

  /** Joins call data and configuration. */
  #readOrder(): PaymentOrder {
    const { currency, locale, routes } = this.#deps.settings;
    const { data, problems } = readCallData(this.#incoming, currency);
    for (const problem of problems) this.#log.warn({ problem }, 'call data');
    const order: PaymentOrder = {
      sessionId: this.sessionId,
      callId: this.#incoming.callId,
      paymentRef: newPaymentRef(),
      customerId: data.customerId,
      merchantId: data.merchantId,
      reference: data.reference,
      currency: data.currency ?? currency,
      amount: data.amount,
      identified: data.identified,
      locale,
      destinations: { ...routes, return: data.returnUri },
      from: this.#incoming.from,
      to: this.#incoming.dialled,
    };
    return order;
  }

  async #openMedia(): Promise<MediaSession | undefined> {
    try {
      return await this.#deps.plane.open();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#log.error({ err: error }, 'no media for the call');
      this.#refuse(503, 'Service Unavailable', { 'Retry-After': kRetryAfterS });
      return undefined;
    }
  }

  async #serve(order: PaymentOrder, media: MediaSession): Promise<void> {
    const { trunk } = this.#incoming;
    const legMedia = new LegMedia(
      media,
      this.#incoming,
      {
        advertised: this.#deps.settings.advertisedAddress,
        codecs: { codecs: trunk.codecs, order: trunk.codecOrder ?? 'peer' },
        onHold: (held) => this.#conversation?.hold(held),
      },
      this.#log,
    );
    try {
      await this.#serveWith(legMedia, order, media);
    } finally {
      legMedia.wipe();
    }
  }

  async #serveWith(legMedia: LegMedia, order: PaymentOrder, media: MediaSession): Promise<void> {
    const established = await legMedia.establish(this.#incoming);
    if (established.kind === 'refused') return this.#refuse(established.status, established.reason);
    if (established.kind === 'ended') {
      this.#countRefused(established.reason);
      return;
    }
    const { leg } = established;
    try {
      const record = this.#openRecord(order);
      const end = await this.#converse(order, media, leg);
      const ended = this.#closeRecord(record, end); // before the BYE: whoever hears of the result can look it up
      await this.#handBack(leg, end, resultHeaders({ ...end, sessionId: order.sessionId }), order);
      this.#recordMedia(ended, await media.close());
    } catch (error) {
      await leg.bye({ 'X-Pay-Result': 'SYSTEM_ERROR', 'X-Pay-Session': order.sessionId });
      throw error;
    }
  }

  async #converse(order: PaymentOrder, media: MediaSession, leg: SignalingLeg): Promise<ConversationEnd> {
    const { settings, prompts, payments, gateway, clock } = this.#deps;
    const conversation = new Conversation({
      order,
      policy: settings.policy,
      media,
      prompts,
      payments,
      gatewayName: gateway.name,
      admission: admission(gateway.isUp(), payments.admits(order)),
      clock,
      log: this.#log,
      card: new CardSecret(),
      observer: this.#observer(),
    });
    this.#conversation = conversation;
    media.onEnd((end) => conversation.mediaLost(end));
    leg.onKey((report) => conversation.infoKey(report));
    leg.onBye((reason) => this.#onCallerLeft(conversation, order, reason));
    return conversation.run();
  }

  /** @returns the headers of the 200 to the caller's BYE. */
  #onCallerLeft(conversation: Conversation, order: PaymentOrder, reason: string): SipHeaders {
    this.#log.info({ stage: conversation.snapshot.stage, reason }, 'the caller has left');
    this.#deps.meter.hungUp(conversation.snapshot.stage);
    conversation.hangUp();
    const end = conversation.end;
    // In flight there is no result yet; the record will have it.
    return end ? resultHeaders({ ...end, sessionId: order.sessionId }) : { 'X-Pay-Session': order.sessionId };
  }

  /** Sends the caller on with the result, or says goodbye with it. */
  async #handBack(
    leg: SignalingLeg,
    end: ConversationEnd,
    headers: SipHeaders,
    { destinations }: PaymentOrder,
  ): Promise<void> {
    const target = targetOf(end.route, destinations);
    if (target !== null && end.callerPresent) {
      const outcome = await leg.refer(target, headers, headers);
      this.#log.info({ outcome }, 'asked the peer to send the caller on');
    }
    await leg.bye(headers);
  }

  #openRecord(order: PaymentOrder): SessionRecord {
    const { records, settings, gateway, meter, clock } = this.#deps;
    const record = openRecord(order, {
      profile: settings.policy.profile,
      trunk: this.#incoming.trunk.name,
      gateway: gateway.name,
      startedAt: clock.date(),
    });
    records.open(record);
    meter.sessionEntered();
    this.#log.info(
      { trunk: record.trunk, currency: order.currency, amount: order.amount?.minor },
      'call answered',
    );
    return record;
  }

  #closeRecord(opened: SessionRecord, end: ConversationEnd): SessionRecord {
    const record = endRecord(opened, end, this.#deps.clock.date());
    this.#deps.records.update(record);
    if (end.amountCharged) this.#deps.meter.charged(end.amountCharged);
    this.#deps.meter.sessionEnded(end.outcome, end.result, record.durationMs ?? 0);
    const { result, outcome, stageReached, attempts, declines, durationMs } = record;
    this.#log.info(
      { result, outcome, stageReached, attempts, declines, durationMs },
      'payment session ended',
    );
    return record;
  }

  #recordMedia(ended: SessionRecord, stats: MediaStats): void {
    this.#deps.records.update(withMedia(ended, stats));
    const quality = qualityOf(stats);
    if (quality) this.#deps.meter.legHeard(quality.mos, quality.lossShare);
  }

  #observer(): ConversationObserver {
    const { meter } = this.#deps;
    return {
      onStage: (from, to) => {
        meter.stageChanged(from, to);
        this.#log.debug({ from, to }, 'stage');
      },
      onAttempt: (outcome, declineClass) => meter.attemptEnded(outcome, declineClass),
      onSecureMode: (on) => this.#log.info({ on }, 'secure mode'),
      onFieldError: (field, reason) => meter.fieldError(field, reason),
      onPress: (carrier) => meter.keyPressed(carrier),
    };
  }

  #refuse(status: number, reason: string, headers: SipHeaders = {}): void {
    this.#countRefused(reason);
    this.#incoming.reject(status, reason, headers);
  }

  #countRefused(reason: string): void {
    this.#log.info({ reason }, 'no call came about');
    this.#deps.meter.callRefused(reason.toLowerCase());
  }
}

/** The SIP URI of a route, null to hang up. */
function targetOf(route: Route, destinations: PaymentOrder['destinations']): string | null {
  switch (route) {
    case 'hangup':
      return null;
    case 'return':
    case 'agent':
    case 'queue':
      return destinations[route];
    default:
      return route;
  }
}

function admission(isUp: boolean, isAdmitted: boolean): Admission {
  if (!isUp) return 'gateway_down';
  return isAdmitted ? 'ok' : 'locked_out';
}
