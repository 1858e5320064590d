import type { ConversationEnd } from '../dialog/controller.ts';
import type { PaymentOrder } from '../dialog/policy.ts';
import type { Cancel } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  ActionResult,
  DialAction,
  Role,
  SessionAction,
  SessionRequest,
} from '../ports/payment-sessions.ts';
import type { IncomingCall, SipHeaders, TrunkRights } from '../ports/signaling.ts';
import { conflict } from './agent-actions.ts';
import { recordCall } from './call-recorder.ts';
import { handOver } from './hand-over.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { ParkedVoice } from './parked-voice.ts';
import { PaymentRoom } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';
import { type NoEntry, RoomArrivals } from './room-arrivals.ts';
import { aloneOf, type RoomLeg } from './room-leg.ts';
import { RoomPayment } from './room-payment.ts';
import { RoomTransfers } from './room-transfers.ts';
import { destinationOf } from './routes.ts';
import { policyFor } from './topology-policy.ts';

const kIdleMs = 60 * 60_000;
const kByeOfTransferorMs = 2_000; // after our NOTIFY it says goodbye itself (RFC 5589 section 6.1)
const kDone: ActionResult = { kind: 'done' };

/**
 * A prepared session whose legs come one by one into its room: `conference` and `secure_transfer`. It is over when its customer
 * has gone, or nobody is left to talk to; who is still there then gets a BYE with the result.
 *
 * Made by the front desk with the first leg.
 */
export class RoomCall {
  readonly #request: SessionRequest;
  readonly #deps: IvrCallDeps;
  readonly #room: PaymentRoom;
  readonly #payment: RoomPayment;
  readonly #voice: ParkedVoice;
  readonly #log: Log;
  readonly #legs = new Set<RoomLeg>();
  readonly #arrivals: RoomArrivals;
  readonly #transfers: RoomTransfers;
  readonly #ended = Promise.withResolvers<void>();
  /** The customer is on the way to somebody else. */
  #isHandedOver = false;
  #isOver = false;
  /** Whether the call is recorded is known. */
  #hasDecided = false;
  /** Ends a call nobody is on. */
  #cancelIdle: Cancel | undefined;

  constructor(prepared: { readonly id: string; readonly request: SessionRequest }, deps: IvrCallDeps) {
    const { id, request } = prepared;
    const { topology } = request;
    const { settings, plane, prompts, clock } = deps;
    const policy = policyFor(topology, settings.policy);
    this.#request = request;
    this.#deps = deps;
    this.#log = deps.log.child({ sessionId: id });
    const masksRecordings = settings.recording?.masks === 'calls';
    const state = { topology, clamp: policy.agent.clamp, promptsTo: 'everybody', masksRecordings } as const;
    this.#room = new PaymentRoom(plane, state, clock, this.#log);
    const call = {
      room: this.#room,
      legWith: (role: Role) => this.#legWith(role),
      onHearing: () => this.#tellParked(),
      afterPayment: (end: ConversationEnd, order: PaymentOrder) => this.#afterPayment(end, order),
      onGone: (leg: RoomLeg) => void this.#leave(leg),
      onBroken: (headers: SipHeaders) => this.#finish(headers),
    };
    this.#payment = new RoomPayment(call, prepared, policy, deps, this.#log);
    this.#voice = new ParkedVoice({
      kind: policy.agent.parked,
      prompts,
      locale: settings.locale,
      clock,
      status: () => this.#payment.parkedStatus,
    });
    this.#arrivals = new RoomArrivals(this.#room, this.session, deps, this.#log, {
      isOver: () => this.#isOver || this.#isHandedOver,
      onHold: (role, held) => {
        if (role === 'customer') this.#payment.customerHeld(held);
      },
      onArrived: (leg, place) => this.#welcome(leg, place),
    });
    this.#transfers = new RoomTransfers(
      this.#arrivals,
      { passHeaders: settings.inline.passHeaders, legs: deps.legs },
      { legs: () => this.#legs, isPaying: () => this.#payment.state === 'paying' },
    );
    this.session.events.add({ type: 'prepared' });
    this.#waitForLegs();
  }

  get session(): PaymentSession {
    return this.#payment.session;
  }

  /** Resolves when it is over. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get legCount(): number {
    return this.#legs.size;
  }

  /** What an agent may see of it. */
  get view(): object {
    return {
      topology: this.#request.topology,
      merchantId: this.#request.merchantId,
      agents: this.session.agents,
      parties: [...this.#legs].map(({ role }) => ({ role })),
      ...this.#room.view,
      ...this.#payment.view,
    };
  }

  /** Takes a leg's INVITE. Resolves when the leg is over; never rejects. */
  join(incoming: IncomingCall): Promise<void> {
    this.#record(incoming);
    return this.#arrivals.join(incoming);
  }

  /** Calls somebody into the room. Resolves when the leg is over, or was none; never rejects. */
  dial(action: DialAction, trunk: TrunkRights): Promise<void> {
    this.#record({ trunk, header: () => undefined });
    return this.#arrivals.dial(action, trunk);
  }

  /** Why a leg of this role cannot come in. */
  refusalOf(role: Role): NoEntry | undefined {
    return this.#arrivals.refusalOf(role);
  }

  /** Does what an agent asks for, or says why not. */
  async act(action: SessionAction, actor: string): Promise<ActionResult> {
    const result = await this.#act(action, actor);
    if (result.kind === 'done') {
      this.session.events.add({ type: 'action', action: action.action });
      this.#log.info({ action: action.action, actor }, 'action of an agent');
    }
    return result;
  }

  /** @returns false if nobody is being identified. */
  identified(result: 'verified' | 'failed'): boolean {
    return this.#payment.identified(result);
  }

  /** The server stops: ends the call without another word. A payment in flight is still waited for. */
  abandon(): void {
    this.session.conversation?.mediaLost('worker_lost');
    if (!this.session.conversation || this.session.end) void this.#finish();
  }

  /** A leg has come into the room, perhaps for another that goes. */
  #welcome(leg: RoomLeg, place: RoomLeg | undefined): void {
    this.#legs.add(leg);
    this.#listenTo(leg);
    if (this.#isOver) {
      void this.#dismiss(leg, this.session.headers);
      return;
    }
    if (place) this.#retire(place);
    if (leg.role === 'customer') this.#payment.customerCame(leg);
    this.#onJoined(leg.role);
  }

  /** The first leg decides. */
  #record(first: Pick<IncomingCall, 'trunk' | 'header'>): void {
    if (this.#hasDecided) return;
    this.#hasDecided = true;
    const { topology, merchantId } = this.#request;
    const about = { sessionId: this.session.id, topology, merchantId };
    recordCall(this.#room, about, first, () => this.session, this.#deps);
  }

  #listenTo(leg: RoomLeg): void {
    leg.signaling.onKey((report) => {
      if (leg.role === 'customer') this.#payment.infoKey(leg, report); // an agent's keys are nobody's
    });
    this.#transfers.listenTo(leg);
    leg.media.onEnd((end) => {
      this.#log.warn({ role: leg.role, end }, 'a leg has no media any more');
      if (leg.role === 'customer' && this.#legs.has(leg)) this.session.conversation?.mediaLost(end);
      void this.#dismiss(leg, this.session.headers);
    });
    leg.signaling.onBye((reason) => this.#onBye(leg, reason));
  }

  /** Legs come and go before the payment; a call nobody comes to any more is forgotten. */
  #waitForLegs(): void {
    this.#cancelIdle?.();
    if (this.#legs.size > 0 || this.#payment.state !== 'prepared' || this.#isOver) return;
    this.#cancelIdle = this.#deps.clock.schedule(kIdleMs, () => void this.#finish());
  }

  #onJoined(role: Role): void {
    this.#cancelIdle?.();
    this.#tellParked();
    if (role === 'agent') this.#payment.agentCame();
    const isComplete = this.#legWith('customer') && this.#legWith('agent');
    if (this.#request.start === 'joined' && isComplete) this.#payment.start(); // once
  }

  /** @returns the headers of the 200. */
  #onBye(leg: RoomLeg, reason: string): SipHeaders {
    if (leg.role === 'customer' && this.#payment.isReferring) return this.session.headers;
    const headers =
      leg.role === 'customer' && this.#legs.has(leg)
        ? this.session.customerLeft(reason)
        : this.session.headers;
    void this.#leave(leg);
    return headers;
  }

  /** Somebody else is there instead: it hears nothing from now on, and goes when it likes to. */
  #retire(leg: RoomLeg): void {
    void this.#leave(leg);
    this.#deps.clock.schedule(kByeOfTransferorMs, () => void leg.bye({}));
  }

  /** We end a leg. */
  async #dismiss(leg: RoomLeg, headers: SipHeaders): Promise<void> {
    const said = leg.bye(headers);
    await this.#leave(leg);
    await said;
  }

  /** A leg has ended, whoever ended it. */
  async #leave(leg: RoomLeg): Promise<void> {
    if (!this.#legs.delete(leg)) return;
    const { role, origin } = leg;
    this.session.events.add({ type: 'left', role, callId: origin.callId });
    this.#log.info({ role: leg.role }, 'a leg has left');
    if (leg.role === 'agent') this.#voice.stop(leg.media);
    if (!this.#legWith(leg.role)) this.#onLeft(leg.role);
    this.#waitForLegs();
    const stats = await leg.close();
    this.session.legEnded(role, origin.callId, stats);
  }

  /** Nobody is there in this role any more. */
  #onLeft(role: Role): void {
    const { state } = this.#payment;
    if (this.#isHandedOver) return;
    if (role === 'customer') {
      if (state !== 'paying') void this.#finish();
    } else if (role === 'agent') {
      if (state === 'paying') this.#payment.agentLeft();
      else if (state === 'ended') void this.#finish();
      else if (this.#legWith('customer')) void this.#sendOn('queue');
    }
  }

  async #act(action: SessionAction, actor: string): Promise<ActionResult> {
    if (this.#isOver || this.#isHandedOver) return conflict('the call is over');
    const answer = this.#payment.act(action, actor);
    if (answer) return answer;
    switch (action.action) {
      case 'park':
      case 'resume':
        return this.#park(action.action === 'park');
      case 'cancel':
        await this.#finish(); // there is no payment
        return kDone;
      default:
        return conflict('only the desk can call somebody');
    }
  }

  async #park(on: boolean): Promise<ActionResult> {
    if (on === this.#room.state.parked) {
      const isApart = !on && this.#payment.state === 'paying' && this.#room.isCutOff;
      if (isApart) return conflict('the agent is back when the payment has ended: cancel it to be back now');
      return conflict(on ? 'the agent is parked already' : 'nothing is paused or parked');
    }
    if (on && !this.#legWith('agent')) return conflict('there is no agent on the line');
    await this.#room.park(on);
    this.#tellParked();
    return kDone;
  }

  async #afterPayment(end: ConversationEnd, order: PaymentOrder): Promise<void> {
    const customer = this.#legWith('customer');
    if (!end.callerPresent || !customer) return this.#finish();
    const agent = this.#legWith('agent');
    if (end.route === 'back' && agent) return this.#join(customer, agent);
    const route = end.route === 'back' ? 'queue' : end.route;
    await this.#sendOn(route, order);
  }

  /** The two go on talking: here, or, where the PBX joins its legs itself, without us. */
  async #join(customer: RoomLeg, agent: RoomLeg): Promise<void> {
    if (this.#deps.settings.handOver.join === 'here') return;
    const { headers } = this.session;
    const { remoteTarget, name } = agent.signaling;
    this.#isHandedOver = true; // the PBX may end either leg before it says that it has joined them
    const outcome = await customer.signaling.refer(remoteTarget, headers, headers, name);
    this.#isHandedOver = false;
    this.#log.info({ outcome }, 'the PBX was asked to join the two');
    const areHere = this.#legs.has(customer) && this.#legs.has(agent);
    if (outcome === 'transferred' || !areHere) await this.#finish();
  }

  /** Hands the customer over with the result, if there is where to; the others go. */
  async #sendOn(route: ConversationEnd['route'], order?: PaymentOrder): Promise<void> {
    const customer = this.#legWith('customer');
    const destinations = order?.destinations ?? { ...this.#deps.settings.routes, return: null };
    const target = destinationOf(route, destinations);
    if (this.#isHandedOver) return;
    if (customer && target !== null) {
      this.#isHandedOver = true;
      const { headers } = this.session;
      const others = [...this.#legs].filter((leg) => leg !== customer);
      await Promise.all(others.map((leg) => this.#dismiss(leg, headers)));
      await this.#room.leave(customer.side.party); // a bridge has a room of its own
      const { from } = customer.origin;
      const { session } = this;
      await handOver({ customer: aloneOf(customer), target, from, headers, session }, this.#deps, this.#log);
      await this.#leave(customer);
    }
    await this.#finish();
  }

  /** Everybody who is still there goes. */
  async #finish(headers: SipHeaders = this.session.headers): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelIdle?.();
    this.#arrivals.cancel();
    await Promise.all([...this.#legs].map((leg) => this.#dismiss(leg, headers)));
    await this.#room.close();
    this.#ended.resolve();
  }

  /** Who is cut off from the customer is told so, in sound. */
  #tellParked(): void {
    for (const leg of this.#legs) {
      if (leg.role !== 'agent') continue;
      if (this.#room.isCutOff) this.#voice.start(leg.media);
      else this.#voice.stop(leg.media);
    }
  }

  #legWith(role: Role): RoomLeg | undefined {
    return [...this.#legs].find((leg) => leg.role === role);
  }
}
