import type { ConversationEnd, IdvResult } from '../dialog/controller.ts';
import { isPayable } from '../dialog/opening.ts';
import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaSession } from '../ports/media.ts';
import type { SessionRequest, Topology } from '../ports/payment-sessions.ts';
import type { HeaderReader, IncomingCall, Signaling, SipHeaders } from '../ports/signaling.ts';
import { agentIn } from './call-data.ts';
import type { CallSettings } from './call-settings.ts';
import { type CallerRecording, recordingOfCaller } from './caller-recording.ts';
import { CustomerMedia } from './customer-media.ts';
import { type HandOverTask, handOver } from './hand-over.ts';
import type { HeldLegs } from './held-legs.ts';
import { Identification, type IdentificationTask, identificationHeaders } from './identification.ts';
import { orderFor } from './order.ts';
import { PaymentSession, type SessionDeps, termsOf } from './payment-session.ts';
import { destinationOf } from './routes.ts';
import { answerWith, legMediaOf, openOptionsOf, type Side, type SideMediaOptions } from './side.ts';
import { policyFor } from './topology-policy.ts';

export interface IvrCallDeps extends SessionDeps {
  readonly settings: CallSettings;
  readonly plane: MediaPlane;
  /** Calls of ours. */
  readonly signaling: Signaling;
  /** Legs of all calls. */
  readonly legs: HeldLegs;
  /** SIP URI of ours with this user part. */
  readonly addressOf: (user: string) => string;
}

/** What a call of one leg is about, when somebody said so before it came. */
export interface OneLegTask {
  readonly topology: Topology;
  readonly prepared?: { readonly id: string; readonly request: SessionRequest };
}

const kRetryAfterS = '5';
const kLookahead = 4;
const kByeOfReplacedMs = 2_000; // it says goodbye itself, once it knows (RFC 3891 section 1)

/**
 * A payment call of one leg, from the INVITE to the row in the database: a caller alone (`ivr`), or our leg in a conference of
 * somebody else's (`guest`). run() is called once and never rejects; whatever goes wrong, the caller hears why or gets a SIP
 * status, the media is closed and the card is wiped.
 */
export class IvrCall {
  readonly session: PaymentSession;
  readonly #incoming: IncomingCall;
  readonly #deps: IvrCallDeps;
  readonly #task: OneLegTask;
  readonly #policy: PaymentPolicy;
  readonly #log: Log;
  readonly #identification: Identification;
  /** Settles when nothing of the application is left. */
  #identified: Promise<unknown> | undefined;
  /** Undefined: not yet there, or away by another call. */
  #customer: Side | undefined;
  #media: CustomerMedia | undefined;
  #recording: CallerRecording | undefined;
  #letGo: () => void = () => {};

  constructor(incoming: IncomingCall, deps: IvrCallDeps, task: OneLegTask = { topology: 'ivr' }) {
    const sessionId = task.prepared?.id ?? crypto.randomUUID();
    this.#incoming = incoming;
    this.#deps = deps;
    this.#task = task;
    this.#policy = policyFor(task.topology, deps.settings.policy);
    this.#log = deps.log.child({ callId: incoming.callId, sessionId });
    this.session = new PaymentSession(sessionId, deps, this.#log, task.prepared?.request.agents);
    this.session.agentCame(agentIn(incoming));
    this.#identification = new Identification(deps, this.#log);
  }

  get sessionId(): string {
    return this.session.id;
  }

  /** What may be seen of it from outside. */
  get view(): object {
    const { snapshot, end, conversation, events } = this.session;
    const paused = conversation?.isPaused ?? false;
    const { topology, prepared } = this.#task;
    return {
      topology,
      agents: this.session.agents,
      // Otherwise it is in the row, which is made before the first question.
      ...(prepared && { merchantId: prepared.request.merchantId }),
      state: end ? 'ended' : 'paying',
      paused,
      ...snapshot,
      events: events.list,
    };
  }

  /** What an application found out about the caller. @returns false if nobody waits for it. */
  identified(result: 'verified' | 'failed'): boolean {
    return this.#identification.tell(result);
  }

  /** The customer was sent to be identified, and may come back. */
  get isAway(): boolean {
    return this.#identification.isAway;
  }

  /** … by this call. Never rejects. */
  async comeBack(incoming: IncomingCall): Promise<void> {
    const customer = await this.#answer(incoming);
    if (!customer) return;
    if (!this.isAway) return this.#dismiss(customer); // too late
    this.#tellJoined(customer);
    await this.#recording?.begin(customer);
    this.#become(customer);
    this.#identification.comeBack(incoming.header);
  }

  /** The server stops: ends the call without another word. A payment in flight is still waited for. */
  abandon(): void {
    this.session.conversation?.mediaLost('worker_lost');
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
    const { settings } = this.#deps;
    const order = orderFor(
      this.sessionId,
      this.#task.topology,
      this.#task.prepared?.request,
      this.#incoming,
      settings,
      this.#log,
    );
    const { onMissingParameters } = settings;
    const terms = termsOf(order, { policy: this.#policy, trunk: this.#incoming.trunk.name }, this.#deps);
    const payable = terms !== undefined && isPayable({ order, policy: terms.policy });
    if (onMissingParameters !== 'apology' && !payable) {
      return this.#refuse(onMissingParameters, 'Call Data Missing');
    }
    const policy = terms?.policy ?? this.#policy;
    this.#recording = recordingOfCaller(
      { order, policy, incoming: this.#incoming, session: this.session },
      this.#deps,
      this.#log,
    );
    const media = await this.#openMedia();
    if (!media) return;
    try {
      await this.#serve(order, media);
    } finally {
      await this.#recording?.close();
      await media.close();
    }
  }

  #open(incoming: IncomingCall, beside?: MediaSession): Promise<MediaSession> {
    const options = openOptionsOf(incoming);
    return this.#recording?.open(options) ?? this.#deps.plane.open(beside, options);
  }

  async #openMedia(): Promise<MediaSession | undefined> {
    try {
      return await this.#open(this.#incoming);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#log.error({ err: error }, 'no media for the call');
      this.#refuse(503, 'Service Unavailable', { 'Retry-After': kRetryAfterS });
      return undefined;
    }
  }

  async #serve(order: PaymentOrder, media: MediaSession): Promise<void> {
    const legMedia = legMediaOf(this.#incoming, media, this.#mediaOptions(), this.#log);
    try {
      const established = await legMedia.establish(this.#incoming, {}, this.#announcing(order, media));
      if (established.kind === 'refused') this.#refuse(established.status, established.reason);
      else if (established.kind === 'ended') this.#countRefused(established.reason);
      else {
        const { trunk } = this.#incoming;
        await this.#attend(order, {
          party: { role: 'customer', media },
          legMedia,
          leg: established.leg,
          trunk,
          user: this.#incoming.from,
        });
      }
    } finally {
      legMedia.wipe();
      this.#letGo();
      await this.#customer?.party.media.close();
    }
  }

  async #attend(order: PaymentOrder, first: Side): Promise<void> {
    this.#tellJoined(first);
    try {
      const end = await this.#converse(order, first); // the row is closed: whoever hears of the result can look it up
      const customer = this.#customer;
      if (!customer) return; // with the application, and did not come back
      const { session } = this;
      const { headers } = session;
      const room = this.#recording?.roomOf(customer);
      await handOver(
        { customer, ...this.#wayOn(end, order), from: order.from, headers, session, room },
        this.#deps,
        this.#log,
      );
      await this.#close(customer);
    } catch (error) {
      const failed = { 'X-Pay-Result': 'SYSTEM_ERROR', 'X-Pay-Session': order.sessionId };
      await (this.#customer ?? first).leg.bye(failed);
      throw error;
    } finally {
      const { callId } = (this.#customer ?? first).leg.name;
      this.session.events.add({ type: 'left', role: 'customer', callId });
    }
  }

  #tellJoined({ leg }: Side): void {
    this.session.events.add({ type: 'joined', role: 'customer', callId: leg.name.callId });
  }

  /** Ends the media of a leg, and keeps what it was like. */
  async #close({ leg, party }: Side): Promise<void> {
    const stats = await party.media.close();
    this.session.legEnded('customer', leg.name.callId, stats);
  }

  /** A reserved agent gets the caller back; where that one has gone, the queue does. */
  #wayOn(
    { callerPresent, route }: ConversationEnd,
    { destinations }: PaymentOrder,
  ): Pick<HandOverTask, 'target' | 'fallback'> {
    if (!callerPresent) return { target: null };
    if (route !== 'back') return { target: destinationOf(route, destinations) };
    return { target: destinations.return, fallback: destinations.queue };
  }

  /** What is said as early media; undefined: the call is answered at once. */
  #announcing({ locale }: PaymentOrder, media: MediaSession): (() => Promise<void>) | undefined {
    const id = this.#deps.settings.announcement;
    if (!id) return undefined;
    return async () => {
      const cancelled = new AbortController();
      this.#incoming.onCancel(() => cancelled.abort());
      media.onEnd(() => cancelled.abort());
      const items = this.#deps.prompts.items([{ say: 'prompt', id }], locale, undefined);
      const playing = media.play(items, { bargeIn: false, lookahead: kLookahead }, cancelled.signal);
      await playing.catch((error: unknown) => this.#log.warn({ err: error }, 'nothing was announced'));
    };
  }

  async #converse(order: PaymentOrder, first: Side): Promise<ConversationEnd> {
    const { session } = this;
    this.#media = new CustomerMedia(first.party.media);
    await this.#recording?.begin(first);
    const ended = session.run({
      order,
      policy: this.#policy,
      trunk: first.trunk.name,
      media: this.#media,
      handOffToIdv: (target) => this.#identify(target, order),
    });
    this.#become(first);
    const end = await ended;
    this.#identification.close(); // it may have taken too long
    await this.#identified;
    return end;
  }

  /** The customer is on this leg from now on. */
  #become(customer: Side): void {
    const { leg, party, trunk } = customer;
    const { session } = this;
    this.#letGo();
    this.#customer = customer;
    this.#media?.follow(party.media);
    this.#letGo = this.#deps.legs.hold(leg.name, { trunk, replace: (incoming) => this.#replace(incoming) });
    const isCurrent = (): boolean => this.#customer === customer;
    party.media.onEnd((end) => {
      if (isCurrent()) session.conversation?.mediaLost(end);
    });
    leg.onKey((report) => {
      if (!isCurrent()) return;
      session.conversation?.infoKey(report);
      this.#identification.key(report.key);
    });
    leg.onBye((reason) => {
      if (!isCurrent()) return {};
      return this.#identification.isReferring ? session.headers : session.customerLeft(reason);
    });
  }

  /** Somebody comes in the customer's place (RFC 3891): what was asked is asked again. */
  async #replace(incoming: IncomingCall): Promise<void> {
    const before = this.#customer;
    const isOpen = (): boolean => !this.session.end && this.#customer === before;
    if (!isOpen()) return incoming.reject(603, 'Declined');
    const next = await this.#answer(incoming);
    if (!next) return;
    if (!isOpen()) return this.#dismiss(next);
    this.#log.info({ callId: incoming.callId }, 'another leg takes the place of the caller’s');
    this.#tellJoined(next);
    if (!this.#identification.isTalking) await this.#recording?.begin(next);
    this.#become(next);
    this.session.conversation?.moved();
    await this.#identification.moved(next);
    if (before) this.#deps.clock.schedule(kByeOfReplacedMs, () => void this.#dismiss(before));
  }

  async #answer(incoming: IncomingCall): Promise<Side | undefined> {
    const open = (): Promise<MediaSession> => this.#open(incoming, this.#customer?.party.media);
    return answerWith(open, 'customer', incoming, this.#mediaOptions(), this.#log);
  }

  async #dismiss(side: Side): Promise<void> {
    await side.leg.bye({ 'X-Pay-Session': this.sessionId });
    this.#recording?.forget(side);
    side.legMedia.wipe();
    await this.#close(side).catch(() => undefined);
  }

  /** By the application that is set up for it, which learns whom it has before it. */
  #identify(target: string, order: PaymentOrder): Promise<IdvResult> {
    const { from, sessionId } = order;
    const customer = this.#customer;
    if (!customer) return Promise.resolve('abandoned');
    const verdict = this.#identifyApart({
      customer,
      target,
      from,
      headers: identificationHeaders(order),
      back: this.#deps.addressOf(`pay-${sessionId}`),
      onAway: () => this.#lendOut(customer),
      onLeft: () => void this.session.customerLeft('peer hung up'),
    });
    this.#identified = verdict.catch(() => undefined);
    return verdict;
  }

  /** What is said to the application is not recorded. */
  async #identifyApart(task: IdentificationTask): Promise<IdvResult> {
    await this.#recording?.end(task.customer);
    try {
      return await this.#identification.run(task);
    } finally {
      if (this.#customer) await this.#recording?.begin(this.#customer);
    }
  }

  /** The customer is with the application, by another call. */
  #lendOut(customer: Side): void {
    this.#recording?.forget(customer);
    if (this.#customer === customer) {
      this.#letGo();
      this.#customer = undefined;
      this.#media?.follow(undefined);
    }
    customer.legMedia.wipe();
    void this.#close(customer);
  }

  /** Of every leg the customer is on. */
  #mediaOptions(): SideMediaOptions {
    return {
      advertised: this.#deps.settings.advertisedAddress,
      onHold: (held) => this.session.conversation?.hold(held),
      onReoffer: (header) => this.#onReoffer(header),
    };
  }

  /** The PBX has the agent wait who handed the caller over, and may want the caller back at once. */
  #onReoffer(header: HeaderReader): void {
    const action = header('X-Pay-Action')?.trim().toLowerCase();
    if (this.#task.topology !== 'secure_transfer' || action !== 'cancel') return;
    if (this.#incoming.trunk.maySetAmounts) this.session.conversation?.cancel('PBX');
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
