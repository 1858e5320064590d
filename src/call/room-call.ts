import type { ConversationEnd, IdvResult } from '../dialog/controller.ts';
import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import type { Money } from '../money/money.ts';
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
import { actOn, conflict } from './agent-actions.ts';
import { handOver } from './hand-over.ts';
import { Identification, identificationHeaders } from './identification.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import type { Refusal } from './leg-media.ts';
import { orderFor } from './order.ts';
import { type ParkedStatus, ParkedVoice } from './parked-voice.ts';
import { PaymentRoom } from './payment-room.ts';
import { PaymentSession } from './payment-session.ts';
import { RoomArrivals } from './room-arrivals.ts';
import type { RoomLeg } from './room-leg.ts';
import { destinationOf } from './routes.ts';
import type { Side } from './side.ts';
import { policyFor } from './topology-policy.ts';

/** A key by SIP INFO says nothing of its length; a press is rarely longer. */
const kInfoPressMs = 400;
const kIdleMs = 60 * 60_000;
const kDone: ActionResult = { kind: 'done' };

/**
 * A prepared session whose legs come one by one into its room: `conference` and `secure_transfer`. It is over when its customer
 * has gone, or nobody is left to talk to; who is still there then gets a BYE with the result.
 *
 * Made by the front desk with the first leg.
 */
export class RoomCall {
  readonly session: PaymentSession;
  readonly #request: SessionRequest;
  readonly #deps: IvrCallDeps;
  readonly #policy: PaymentPolicy;
  readonly #room: PaymentRoom;
  readonly #voice: ParkedVoice;
  readonly #identification: Identification;
  readonly #log: Log;
  readonly #legs = new Set<RoomLeg>();
  readonly #arrivals: RoomArrivals;
  readonly #ended = Promise.withResolvers<void>();
  #isHeld = false;
  #chosenAmount: Money | null = null;
  #payment: Promise<void> | undefined;
  #isOver = false;
  /** Ends a call nobody is on. */
  #cancelIdle: Cancel | undefined;

  constructor(prepared: { readonly id: string; readonly request: SessionRequest }, deps: IvrCallDeps) {
    const { id, request } = prepared;
    this.#request = request;
    this.#deps = deps;
    this.#policy = policyFor(request.topology, deps.settings.policy);
    this.#log = deps.log.child({ sessionId: id });
    this.session = new PaymentSession(id, deps, this.#log);
    const state = {
      topology: request.topology,
      clamp: this.#policy.agent.clamp,
      promptsTo: 'everybody',
    } as const;
    this.#room = new PaymentRoom(deps.plane, state, this.#log);
    this.#voice = new ParkedVoice({
      kind: this.#policy.agent.parked,
      prompts: deps.prompts,
      locale: deps.settings.locale,
      clock: deps.clock,
      status: () => this.#parkedStatus(),
    });
    this.#identification = new Identification(deps, this.#log);
    this.#arrivals = new RoomArrivals(this.#room, this.session, deps, this.#log, {
      isOver: () => this.#isOver,
      onHold: (role, held) => this.#onHold(role, held),
      onArrived: (leg) => this.#welcome(leg),
    });
    this.session.events.add({ type: 'prepared' });
    this.#waitForLegs();
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
    const { session } = this;
    const { parked } = this.#room.state;
    return {
      topology: this.#request.topology,
      state: this.#payment === undefined ? 'prepared' : session.end ? 'ended' : 'paying',
      parties: [...this.#legs].map(({ role }) => ({ role })),
      agentHears: this.#room.isCutOff ? 'nothing' : this.#room.state.secure ? 'all but keys' : 'everything',
      parked,
      paused: session.conversation?.isPaused ?? false,
      ...session.snapshot,
      events: session.events.list,
    };
  }

  /** Takes a leg's INVITE. Resolves when the leg is over; never rejects. */
  join(incoming: IncomingCall): Promise<void> {
    return this.#arrivals.join(incoming);
  }

  /** Calls somebody into the room. Resolves when the leg is over, or was none; never rejects. */
  dial(action: DialAction, trunk: TrunkRights): Promise<void> {
    return this.#arrivals.dial(action, trunk);
  }

  /** Why a leg of this role cannot come in. */
  refusalOf(role: Role): Refusal | undefined {
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
    return this.#identification.tell(result);
  }

  /** The server stops: ends the call without another word. A payment in flight is still waited for. */
  abandon(): void {
    this.session.conversation?.mediaLost('worker_lost');
    if (!this.session.conversation || this.session.end) void this.#finish();
  }

  /** A leg has come into the room. */
  #welcome(leg: RoomLeg): void {
    this.#legs.add(leg);
    this.#listenTo(leg);
    if (this.#isOver) void this.#dismiss(leg, this.session.headers);
    else this.#onJoined();
  }

  #listenTo(leg: RoomLeg): void {
    leg.signaling.onKey((report) => {
      if (leg.role !== 'customer') return; // an agent's keys are nobody's
      this.session.conversation?.infoKey(report);
      this.#identification.key(report.key);
      if (this.#room.state.secure) void leg.media.cover(kInfoPressMs).catch(() => undefined);
    });
    leg.media.onEnd((end) => {
      this.#log.warn({ role: leg.role, end }, 'a leg has no media any more');
      if (leg.role === 'customer') this.session.conversation?.mediaLost(end);
      void this.#dismiss(leg, this.session.headers);
    });
    leg.signaling.onBye((reason) => this.#onBye(leg, reason));
  }

  /** Legs come and go before the payment; a call nobody comes to any more is forgotten. */
  #waitForLegs(): void {
    this.#cancelIdle?.();
    if (this.#legs.size > 0 || this.#payment || this.#isOver) return;
    this.#cancelIdle = this.#deps.clock.schedule(kIdleMs, () => void this.#finish());
  }

  #onJoined(): void {
    this.#cancelIdle?.();
    this.#tellParked();
    const isComplete = this.#legWith('customer') && this.#legWith('agent');
    if (this.#request.start === 'joined' && isComplete && !this.#payment) this.#start();
  }

  #onHold(role: Role, held: boolean): void {
    if (role !== 'customer') return;
    this.#isHeld = held;
    this.session.conversation?.hold(held);
  }

  /** @returns the headers of the 200. */
  #onBye(leg: RoomLeg, reason: string): SipHeaders {
    const headers =
      leg.role === 'customer' && this.#legs.has(leg)
        ? this.session.customerLeft(reason)
        : this.session.headers;
    void this.#leave(leg);
    return headers;
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
    this.session.events.add({ type: 'left', role: leg.role });
    this.#log.info({ role: leg.role }, 'a leg has left');
    if (leg.role === 'agent') this.#voice.stop(leg.media);
    this.#onLeft(leg.role);
    this.#waitForLegs();
    const stats = await leg.close();
    if (leg.role === 'customer') this.session.mediaEnded(stats);
  }

  #onLeft(role: Role): void {
    const { conversation } = this.session;
    const isPaying = this.#payment !== undefined && !this.session.end;
    if (role === 'customer') {
      if (!isPaying) void this.#finish();
    } else if (role === 'agent' && !this.#legWith('agent')) {
      if (isPaying) conversation?.agentLost(this.#policy.agent.onLost);
      else if (this.#payment) void this.#finish();
      else if (this.#legWith('customer')) void this.#sendOn('queue');
    }
  }

  async #act(action: SessionAction, actor: string): Promise<ActionResult> {
    if (this.#isOver) return conflict('the call is over');
    const { conversation } = this.session;
    const answer = conversation && actOn(conversation, action, actor);
    if (answer) return answer;
    switch (action.action) {
      case 'dial':
        return conflict('only the desk can call somebody');
      case 'start':
        return this.#start();
      case 'amount':
        this.#chosenAmount = action.amount; // there is no payment yet to refuse it
        return kDone;
      case 'park':
      case 'resume':
        return this.#park(action.action === 'park');
      case 'cancel':
        await this.#finish();
        return kDone;
      case 'capture':
      case 're-enter':
      case 'pause':
        return conflict('the payment has not begun');
    }
  }

  #start(): ActionResult {
    if (this.#payment) return conflict(this.session.end ? 'the payment has ended' : 'the payment has begun');
    const customer = this.#legWith('customer');
    if (!customer) return conflict('the customer is not on the line');
    this.#payment = this.#pay(customer).catch((error: unknown) => {
      this.#log.error({ err: error }, 'the payment broke');
      return this.#finish({ 'X-Pay-Result': 'SYSTEM_ERROR', 'X-Pay-Session': this.session.id });
    });
    return kDone;
  }

  async #park(on: boolean): Promise<ActionResult> {
    if (on === this.#room.state.parked) {
      const isPaying = this.#payment !== undefined && !this.session.end;
      const isApart = !on && isPaying && this.#room.isCutOff;
      if (isApart) return conflict('the agent is back when the payment has ended: cancel it to be back now');
      return conflict(on ? 'the agent is parked already' : 'nothing is paused or parked');
    }
    if (on && !this.#legWith('agent')) return conflict('there is no agent on the line');
    await this.#room.park(on);
    this.#tellParked();
    return kDone;
  }

  /** From secure mode, which is on before the first word, to what becomes of the call. */
  async #pay(customer: RoomLeg): Promise<void> {
    const isSecure = await this.#room.secure(true).then(
      () => true,
      () => false,
    );
    this.#tellParked();
    const order = this.#order(customer);
    const ended = this.session.run({
      order,
      policy: this.#policy,
      trunk: customer.side.trunk.name,
      media: customer.media,
      handOffToIdv: (target) => this.#identify(target, order, customer),
    });
    const { conversation } = this.session;
    if (!isSecure) conversation?.recordingNotStopped(); // somebody could hear what must not be heard
    if (this.#isHeld) conversation?.hold(true);
    if (!this.#legs.has(customer)) conversation?.hangUp();
    else if (!this.#legWith('agent')) conversation?.agentLost(this.#policy.agent.onLost);
    const end = await ended;
    this.#identification.close(); // it may have taken too long
    await this.#afterPayment(end, order);
  }

  /** The customer goes to the application for a while; the agent stays here. */
  async #identify(target: string, order: PaymentOrder, customer: RoomLeg): Promise<IdvResult> {
    const { party } = customer.side;
    await this.#room.leave(party);
    const headers = identificationHeaders(order);
    try {
      return await this.#identification.run({
        customer: aloneOf(customer),
        target,
        from: order.from,
        headers,
        back: this.#deps.addressOf(`room-${this.session.id}`),
        onAway: () => void this.#leave(customer),
        onLeft: () => void this.#dismiss(customer, this.session.headers),
      });
    } finally {
      if (this.#legs.has(customer)) await this.#room.join(party);
    }
  }

  async #afterPayment(end: ConversationEnd, order: PaymentOrder): Promise<void> {
    await this.#room.secure(false).catch(() => undefined);
    this.#tellParked();
    if (!end.callerPresent || !this.#legWith('customer')) return this.#finish();
    if (end.route === 'back' && this.#legWith('agent')) return; // they go on talking
    const route = end.route === 'back' ? 'queue' : end.route;
    await this.#sendOn(route, order);
  }

  /** Hands the customer over with the result, if there is where to; the others go. */
  async #sendOn(route: ConversationEnd['route'], order?: PaymentOrder): Promise<void> {
    const customer = this.#legWith('customer');
    const destinations = order?.destinations ?? { ...this.#deps.settings.routes, return: null };
    const target = destinationOf(route, destinations);
    if (customer && target !== null) {
      const { headers } = this.session;
      const others = [...this.#legs].filter((leg) => leg !== customer);
      await Promise.all(others.map((leg) => this.#dismiss(leg, headers)));
      await this.#room.leave(customer.side.party); // a bridge has a room of its own
      const { from } = customer.origin;
      await handOver({ customer: aloneOf(customer), target, from, headers }, this.#deps, this.#log);
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

  #order(customer: RoomLeg): PaymentOrder {
    const { settings } = this.#deps;
    const request = { ...this.#request, amount: this.#chosenAmount ?? this.#request.amount };
    return orderFor(this.session.id, request.topology, request, customer.origin, settings, this.#log);
  }

  #parkedStatus(): ParkedStatus {
    const { session } = this;
    if (!session.conversation || session.end) return 'parked.hold';
    return session.conversation.isInFlight ? 'parked.sent' : 'parked.card';
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

/** A customer in nobody's room. */
function aloneOf({ side, media }: RoomLeg): Side {
  return { ...side, party: { role: 'customer', media } };
}
