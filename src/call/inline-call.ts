import type { ConversationEnd } from '../dialog/controller.ts';
import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { CodecName, KeyReport } from '../ports/media.ts';
import type { ActionResult, SessionAction, SessionRequest } from '../ports/payment-sessions.ts';
import type { HeaderReader, IncomingCall, SipHeaders } from '../ports/signaling.ts';
import { AgentKeys } from './agent-keys.ts';
import { Bridge, type BridgedRole, otherOf } from './bridge.ts';
import { merchantIdIn } from './call-data.ts';
import type { CalledOut } from './call-out.ts';
import { recordCall } from './call-recorder.ts';
import { InlinePayment } from './inline-payment.ts';
import type { FoundRoute } from './inline-route.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import type { LegMedia } from './leg-media.ts';
import { payeeOf } from './order.ts';
import { ParkedVoice } from './parked-voice.ts';
import { passedHeaders } from './passed-headers.ts';
import { PaymentRoom } from './payment-room.ts';
import { destinationOf } from './routes.ts';
import { legMediaOf, openOptionsOf, release, type Side } from './side.ts';
import { policyFor } from './topology-policy.ts';

/** What an inline call is about, and what its owner learns of it. */
export interface InlineTask {
  readonly found: FoundRoute;
  readonly prepared?: { readonly id: string; readonly request: SessionRequest } | undefined;
  /** A payment of the call has this name. */
  readonly onSession: (sessionId: string) => void;
}

const kRetryAfterS = '5';

/**
 * A call that passes through: one leg from who calls, one of ours to where the route leads, media anchored here. Transparent until
 * somebody asks for a payment - by API, by the agent's feature code, or by `X-Pay-Action` in a re-INVITE of the agent's side - and
 * again after it. run() is called once and never rejects.
 */
export class InlineCall {
  readonly id: string;
  readonly #incoming: IncomingCall;
  readonly #deps: IvrCallDeps;
  readonly #task: InlineTask;
  readonly #log: Log;
  readonly #policy: PaymentPolicy;
  readonly #topology: 'inline' | 'secure_transfer';
  readonly #near: BridgedRole;
  readonly #room: PaymentRoom;
  readonly #bridge: Bridge;
  readonly #payment: InlinePayment;
  readonly #agentKeys: AgentKeys;
  readonly #voice: ParkedVoice;

  constructor(incoming: IncomingCall, deps: IvrCallDeps, task: InlineTask) {
    const { settings, plane, clock } = deps;
    const { inline } = settings;
    this.id = task.prepared?.id ?? crypto.randomUUID();
    this.#incoming = incoming;
    this.#deps = deps;
    this.#task = task;
    this.#log = deps.log.child({ callId: incoming.callId, sessionId: this.id });
    const prepared = task.prepared?.request;
    const { topology = 'inline', merchantId = null } = prepared ?? {};
    const isCutOff = topology === 'secure_transfer' || inline.agentHears === 'nothing';
    this.#topology = isCutOff ? 'secure_transfer' : 'inline';
    this.#policy = policyFor(this.#topology, settings.policy);
    this.#near = task.found.route.customer === 'caller' ? 'customer' : 'agent';
    const state = {
      topology: this.#topology,
      clamp: this.#policy.agent.clamp,
      promptsTo: 'everybody',
      masksRecordings: settings.recording?.masks === 'calls',
    } as const;
    this.#room = new PaymentRoom(plane, state, clock, this.#log);
    this.#bridge = new Bridge(
      {
        signaling: deps.signaling,
        legs: deps.legs,
        room: this.#room,
        advertisedAddress: settings.advertisedAddress,
        clock,
        passHeaders: inline.passHeaders,
        ringMs: inline.ringMs,
        log: this.#log,
      },
      {
        isPaying: () => this.#payment.isRunning,
        onLeft: (side, reason) => this.#onLeft(side, reason),
        goesOnWithout: (role) => role === 'agent' && this.#payment.isBusy,
        isLent: (role) => role === 'customer' && this.#payment.isLent,
        onHold: (role, held) => {
          if (role === 'customer') this.#payment.customerHeld(held);
        },
        onKey: (role, report) => this.#onKey(role, report),
        onReoffer: (role, header) => this.#onReoffer(role, header),
        onJoined: (side) => this.#onJoined(side),
        onReleased: ({ party, leg }, stats) =>
          this.#payment.session.legEnded(party.role, leg.name.callId, stats),
      },
    );
    const call = {
      room: this.#room,
      topology: this.#topology,
      onHearing: () => this.#tellParked(),
      lend: (customer: Side) => this.#bridge.lend(customer),
      left: (customer: Side) => this.#bridge.left(customer, 'peer hung up'),
      side: (role: BridgedRole) => this.#bridge.side(role),
      afterPayment: (end: ConversationEnd, order: PaymentOrder) => this.#afterPayment(end, order),
      named: task.onSession,
    };
    this.#payment = new InlinePayment(call, this.id, prepared, incoming, this.#policy, deps, this.#log);
    this.#voice = new ParkedVoice({
      kind: this.#policy.agent.parked,
      prompts: deps.prompts,
      locale: settings.locale,
      clock,
      status: () => this.#payment.parkedStatus,
    });
    const payee = payeeOf(merchantId ?? merchantIdIn(incoming), incoming, settings);
    const about = { sessionId: this.id, topology: this.#topology, merchantId: payee?.id ?? merchantId };
    recordCall(this.#room, about, incoming, () => this.#payment.session, deps);
    this.#agentKeys = new AgentKeys(this.#room, inline, clock, () => void this.#toggle());
  }

  /** What may be seen of it from outside. */
  get view(): object {
    const roles = (['customer', 'agent'] as const).filter((role) => this.#bridge.side(role));
    const parties = roles.map((role) => ({ role }));
    return { topology: this.#topology, parties, ...this.#room.view, ...this.#payment.view };
  }

  act(action: SessionAction, actor: string): Promise<ActionResult> {
    return this.#payment.act(action, actor);
  }

  /** @returns false if nobody is being identified. */
  identified(result: 'verified' | 'failed'): boolean {
    return this.#payment.identified(result);
  }

  /** The customer was sent to be identified, and may come back. */
  get isAway(): boolean {
    return this.#payment.isAway;
  }

  /** … by this call. Never rejects. */
  async comeBack(incoming: IncomingCall): Promise<void> {
    const customer = await this.#bridge.admit('customer', incoming);
    if (customer) this.#payment.customerBack(incoming.header);
  }

  /** The server stops: ends the call without another word. A payment in flight is still waited for. */
  abandon(): void {
    this.#payment.abandon();
    void this.#bridge.hangUp(this.#payment.headers);
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      if (error instanceof AppError && error.code === 'SIP_CANCELLED') this.#log.info({}, error.message);
      else this.#log.error({ err: error }, 'the call broke'); // a bug ends its call, not the server
      this.#incoming.reject(500, 'Server Internal Error'); // nothing, if it was answered
      await this.#bridge.hangUp({ 'X-Pay-Session': this.id });
    } finally {
      this.#agentKeys.close();
      await this.#room.close();
    }
  }

  async #run(): Promise<void> {
    const hops = Number(this.#incoming.header('Max-Forwards') ?? 70);
    if (hops <= 1) return this.#refuse(483, 'Too Many Hops');
    const isConnected = await this.#connect(hops);
    if (!isConnected) return;
    await this.#bridge.over;
    await this.#payment.settled();
  }

  /** Rings at the other end, then answers here with what was answered there. @returns false if nothing came of it. */
  async #connect(hops: number): Promise<boolean> {
    const media = await this.#room.openMedia(openOptionsOf(this.#incoming)).catch((error: unknown) => {
      this.#log.error({ err: error }, 'no media for the call');
      return undefined;
    });
    if (!media) {
      this.#refuse(503, 'Service Unavailable', { 'Retry-After': kRetryAfterS });
      return false;
    }
    const options = {
      advertised: this.#deps.settings.advertisedAddress,
      ...this.#bridge.legHooks(this.#near),
    };
    const legMedia = legMediaOf(this.#incoming, media, options, this.#log);
    const party = { role: this.#near, media };
    let side: Side | undefined;
    try {
      side = await this.#connectWith(party, legMedia, hops);
    } finally {
      if (!side) {
        await this.#room.leave(party);
        await release(this.#room, media, legMedia);
      }
    }
    return side !== undefined;
  }

  async #connectWith(party: Side['party'], legMedia: LegMedia, hops: number): Promise<Side | undefined> {
    const { offer } = this.#incoming;
    if (offer !== null) {
      const answered = await legMedia.answer(offer);
      if (answered.kind === 'refused') {
        this.#refuse(answered.status, answered.reason);
        return undefined;
      }
    }
    this.#incoming.onCancel(() => this.#bridge.cancel());
    const called = await this.#callOut(party, legMedia, hops);
    if (called.kind === 'refused') {
      const { status, reason, header = () => undefined } = called;
      this.#refuse(status, reason, passedHeaders(header, this.#deps.settings.inline.passHeaders));
      return undefined;
    }
    return this.#answer(party, legMedia, called);
  }

  #callOut(party: Side['party'], legMedia: LegMedia, hops: number): Promise<CalledOut> {
    const { target, trunk } = this.#task.found;
    const { passHeaders } = this.#deps.settings.inline;
    const { codec } = legMedia;
    return this.#bridge.call({
      role: otherOf(this.#near),
      target,
      from: this.#incoming.from,
      trunk,
      ...(codec !== undefined && { prefer: codec }),
      headers: {
        ...passedHeaders(this.#incoming.header, passHeaders),
        'Max-Forwards': String(hops - 1),
        'X-Pay-Session': this.id,
      },
      onProgress: (progress, early) => {
        const headers = passedHeaders(progress.header, passHeaders);
        void this.#progress(party, legMedia, progress, early, headers).catch((error: unknown) =>
          this.#log.warn({ err: error }, 'progress could not be passed on'),
        );
      },
    });
  }

  /** Early media is heard by who calls from the moment it is told of it. */
  async #progress(
    party: Side['party'],
    legMedia: LegMedia,
    { status, reason }: { readonly status: number; readonly reason: string },
    early: CodecName | null,
    headers: SipHeaders,
  ): Promise<void> {
    const { offer } = this.#incoming;
    if (early === null || offer === null) return this.#incoming.progress(status, reason, null, headers);
    if (!this.#room.parties.includes(party)) await this.#room.join(party);
    legMedia.prefer(early);
    const answered = await legMedia.answer(offer);
    if (answered.kind === 'answered') this.#incoming.progress(status, reason, answered.sdp, headers);
  }

  async #answer(
    party: Side['party'],
    legMedia: LegMedia,
    { side: far, header }: Extract<CalledOut, { kind: 'answered' }>,
  ): Promise<Side | undefined> {
    const { codec } = far.legMedia;
    if (codec !== undefined) legMedia.prefer(codec);
    try {
      const headers = passedHeaders(header, this.#deps.settings.inline.passHeaders);
      if (!this.#room.parties.includes(party)) await this.#room.join(party); // before the first word
      const established = await legMedia.establish(this.#incoming, headers);
      if (established.kind === 'established') {
        const { trunk, from: user } = this.#incoming;
        const near = { party, legMedia, leg: established.leg, trunk, user };
        this.#bridge.join(near);
        this.#bridge.join(far);
        if (this.#task.prepared?.request.start === 'joined') void this.act({ action: 'start' }, 'prepared');
        return near;
      }
      if (established.kind === 'refused') this.#refuse(established.status, established.reason);
    } catch (error) {
      await this.#dismiss(far);
      throw error;
    }
    await this.#dismiss(far);
    return undefined;
  }

  async #dismiss(side: Side): Promise<void> {
    await side.leg.bye({ Reason: 'SIP;cause=487;text="Request Terminated"' });
    await this.#room.leave(side.party);
    await release(this.#room, side.party.media, side.legMedia);
  }

  #onJoined(side: Side): void {
    const { role, media } = side.party;
    const { session } = this.#payment;
    if (role === 'agent') session.agentCame(side.user);
    session.events.add({ type: 'joined', role, callId: side.leg.name.callId });
    if (role === 'agent') {
      this.#agentKeys.begin(side.legMedia.hasEvents);
      this.#payment.agentCame();
      this.#tellParked();
      return;
    }
    media.onEnd((end) => {
      if (this.#bridge.side('customer') === side) this.#payment.session.conversation?.mediaLost(end);
    });
    this.#payment
      .customerMoved(side)
      .catch((error: unknown) => this.#log.error({ err: error }, 'the customer could not be moved'));
  }

  /** An agent who is cut off from the customer is told so, in sound. */
  #tellParked(): void {
    const agent = this.#bridge.side('agent')?.party.media;
    if (!agent) return;
    if (this.#room.isCutOff || this.#payment.isIdentifying) this.#voice.start(agent);
    else this.#voice.stop(agent);
  }

  /** @returns what is attached to the BYE of this leg, and to that of the other. */
  #onLeft(side: Side, reason: string): SipHeaders {
    const { role } = side.party;
    this.#payment.session.events.add({ type: 'left', role, callId: side.leg.name.callId });
    this.#log.info({ role, reason }, 'a leg is over');
    if (role === 'agent') {
      this.#payment.agentLeft();
      return this.#payment.headers;
    }
    return this.#payment.customerLeft(reason);
  }

  /** @returns whether the key goes on to the other leg. */
  #onKey(role: BridgedRole, report: KeyReport): boolean {
    const { isRunning } = this.#payment;
    if (role === 'agent') return this.#agentKeys.report(report) && !isRunning;
    const side = this.#bridge.side('customer');
    const isKept = isRunning || this.#room.keepsKeys;
    if (isKept && side && report.carrier === 'info') this.#payment.infoKey(side, report);
    return !isKept;
  }

  async #toggle(): Promise<void> {
    const action = this.#payment.isRunning ? 'cancel' : 'start';
    const result = await this.act({ action }, 'feature code');
    if (result.kind === 'conflict')
      this.#log.info({ action, reason: result.reason }, 'feature code of no use');
  }

  /** The PBX switches a payment on or off: `X-Pay-Action: start` or `cancel`, with call data beside it. */
  #onReoffer(role: BridgedRole, header: HeaderReader): void {
    const action = header('X-Pay-Action')?.trim().toLowerCase();
    const side = this.#bridge.side(role);
    if (role !== 'agent' || !side || (action !== 'start' && action !== 'cancel')) return;
    if (action === 'start' && !this.#payment.isRunning) this.#payment.learn(header, side.trunk);
    void this.act({ action }, 'PBX').then((result) => {
      if (result.kind === 'conflict')
        this.#log.info({ action, reason: result.reason }, 'X-Pay-Action of no use');
    });
  }

  /** The two go on talking, or the customer is connected to where the result leads. */
  async #afterPayment(end: ConversationEnd, { destinations, from }: PaymentOrder): Promise<void> {
    this.#bridge.settleHolds();
    const agent = this.#bridge.side('agent');
    const customer = this.#bridge.side('customer');
    if (!customer) return this.#bridge.hangUp(this.#payment.headers);
    if (agent && this.#deps.settings.inline.tellResult === 'reinvite')
      await agent.legMedia.tell(agent.leg, this.#payment.headers);
    const target = destinationOf(end.route, destinations);
    if (target !== null) await this.#connectTo(target, from);
    else if (!agent) await this.#bridge.hangUp(this.#payment.headers);
  }

  async #connectTo(target: string, from: string): Promise<void> {
    const { headers } = this.#payment;
    const trunk = this.#bridge.side('agent')?.trunk ?? this.#task.found.trunk;
    const called = await this.#bridge.call({ role: 'agent', target, from, headers, trunk });
    this.#log.info({ outcome: called.kind }, 'called where the result leads');
    if (called.kind === 'answered') this.#bridge.join(called.side);
    else if (!this.#bridge.side('agent')) await this.#bridge.hangUp(headers);
  }

  #refuse(status: number, reason: string, headers: SipHeaders = {}): void {
    this.#log.info({ status, reason }, 'no call came about');
    this.#deps.meter.callRefused(reason.toLowerCase());
    this.#incoming.reject(status, reason, headers);
  }
}
