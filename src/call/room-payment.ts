import type { ConversationEnd, IdvResult } from '../dialog/controller.ts';
import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import type { Money } from '../money/money.ts';
import type { Log } from '../ports/log.ts';
import type { KeyReport } from '../ports/media.ts';
import type { ActionResult, Role, SessionAction, SessionRequest } from '../ports/payment-sessions.ts';
import type { SipHeaders } from '../ports/signaling.ts';
import { actOn, conflict } from './agent-actions.ts';
import { payClamped } from './clamped-payment.ts';
import { CustomerMedia } from './customer-media.ts';
import { Identification, identificationHeaders } from './identification.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { orderFor } from './order.ts';
import type { ParkedStatus } from './parked-voice.ts';
import type { PaymentRoom } from './payment-room.ts';
import { PaymentSession } from './payment-session.ts';
import { askedFor } from './prepared-sessions.ts';
import { aloneOf, type RoomLeg } from './room-leg.ts';

/** A key by SIP INFO says nothing of its length; a press is rarely longer. */
const kInfoPressMs = 400;
const kDone: ActionResult = { kind: 'done' };

/** The call a payment is made in. */
export interface PayingRoom {
  readonly room: PaymentRoom;
  legWith(role: Role): RoomLeg | undefined;
  /** Who hears what has changed. */
  onHearing(): void;
  /** The payment has ended, the card is wiped, everybody may hear everything again. */
  afterPayment(end: ConversationEnd, order: PaymentOrder): Promise<void>;
  /** A leg is over, and was ended by whoever knows why. */
  onGone(leg: RoomLeg): void;
  /** A bug: nothing more can be done for this call. */
  onBroken(headers: SipHeaders): Promise<void>;
}

/**
 * The one payment of a room: secure mode on, identification where it is needed, the conversation, secure mode off. Made with the
 * call and by it told who comes, leaves and holds.
 */
export class RoomPayment {
  readonly session: PaymentSession;
  readonly #call: PayingRoom;
  readonly #request: SessionRequest;
  readonly #policy: PaymentPolicy;
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  readonly #identification: Identification;
  #chosenAmount: Money | null = null;
  #isHeld = false;
  #media: CustomerMedia | undefined;
  #running: Promise<void> | undefined;

  /** @param policy - as the topology makes it. */
  constructor(
    call: PayingRoom,
    prepared: { readonly id: string; readonly request: SessionRequest },
    policy: PaymentPolicy,
    deps: IvrCallDeps,
    log: Log,
  ) {
    this.#call = call;
    this.#request = prepared.request;
    this.#policy = policy;
    this.#deps = deps;
    this.#log = log;
    this.session = new PaymentSession(prepared.id, deps, log, prepared.request.agents);
    this.#identification = new Identification(deps, log);
  }

  get state(): 'prepared' | 'paying' | 'ended' {
    if (this.#running === undefined) return 'prepared';
    return this.session.end ? 'ended' : 'paying';
  }

  /** What a parked agent is told of it. */
  get parkedStatus(): ParkedStatus {
    const { conversation, end } = this.session;
    if (!conversation || end) return 'parked.hold';
    return conversation.isInFlight ? 'parked.sent' : 'parked.card';
  }

  get view(): object {
    const { conversation, snapshot, events } = this.session;
    return {
      asked: askedFor({ ...this.#request, amount: this.#chosenAmount ?? this.#request.amount }),
      state: this.state,
      paused: conversation?.isPaused ?? false,
      ...snapshot,
      events: events.list,
    };
  }

  /** Begins, or says why not. */
  start(): ActionResult {
    if (this.state !== 'prepared')
      return conflict(this.state === 'ended' ? 'the payment has ended' : 'the payment has begun');
    const customer = this.#call.legWith('customer');
    if (!customer) return conflict('the customer is not on the line');
    this.#running = this.#pay(customer).catch((error: unknown) => {
      this.#log.error({ err: error }, 'the payment broke');
      return this.#call.onBroken({ 'X-Pay-Result': 'SYSTEM_ERROR', 'X-Pay-Session': this.session.id });
    });
    return kDone;
  }

  /** Does what concerns the payment alone, or says why not; undefined: the action is the call's. */
  act(action: SessionAction, actor: string): ActionResult | undefined {
    const { conversation } = this.session;
    const answer = conversation && actOn(conversation, action, actor);
    if (answer) return answer;
    switch (action.action) {
      case 'start':
        return this.start();
      case 'amount':
        this.#chosenAmount = action.amount; // there is no payment yet to refuse it
        return kDone;
      case 'capture':
      case 're-enter':
      case 'pause':
        return conflict('the payment has not begun');
      case 'dial':
      case 'park':
      case 'resume':
      case 'cancel':
        return undefined;
    }
  }

  /** @returns false if nobody is being identified. */
  identified(result: 'verified' | 'failed'): boolean {
    return this.#identification.tell(result);
  }

  /** The customer's key by SIP INFO. */
  infoKey(leg: RoomLeg, report: KeyReport): void {
    this.session.conversation?.infoKey(report);
    this.#identification.key(report.key);
    this.#call.room.keyed();
    if (this.#call.room.keepsKeys) void leg.media.cover(kInfoPressMs).catch(() => undefined); // the leg has gone
  }

  customerHeld(held: boolean): void {
    this.#isHeld = held;
    this.session.conversation?.hold(held);
  }

  /** The customer is sent to the application: a BYE is no hang-up. */
  get isReferring(): boolean {
    return this.#identification.isReferring;
  }

  /** The customer is on another leg than before, or back from the application. */
  customerCame(customer: RoomLeg): void {
    if (this.state !== 'paying' || !this.#media) return;
    this.#isHeld = false;
    this.#media.follow(customer.media);
    this.session.conversation?.moved();
    if (this.#identification.isTalking) void this.#bringToApplication(customer);
    if (this.#identification.isAway) this.#identification.comeBack(customer.origin.header);
  }

  /** The last agent has left. */
  agentLeft(): void {
    this.session.conversation?.agentLost(this.#policy.agent.onLost);
  }

  agentCame(): void {
    this.session.conversation?.agentBack();
  }

  async #pay(customer: RoomLeg): Promise<void> {
    const { end, order } = await payClamped({
      room: this.#call.room,
      session: this.session,
      order: () => this.#order(customer),
      begin: (order) => this.#begin(customer, order),
      catchUp: () => this.#catchUp(),
      settle: async () => this.#identification.close(), // it may have taken too long
      onHearing: () => this.#call.onHearing(),
    });
    this.#call.onHearing();
    await this.#call.afterPayment(end, order);
  }

  #begin(customer: RoomLeg, order: PaymentOrder): Promise<ConversationEnd> {
    const media = new CustomerMedia((this.#call.legWith('customer') ?? customer).media);
    this.#media = media;
    return this.session.run({
      order,
      policy: this.#policy,
      trunk: customer.side.trunk.name,
      media,
      handOffToIdv: (target) => this.#identify(target, order),
    });
  }

  #catchUp(): void {
    const { conversation } = this.session;
    if (this.#isHeld) conversation?.hold(true);
    if (!this.#call.legWith('customer')) conversation?.hangUp();
    else if (!this.#call.legWith('agent')) this.agentLeft();
  }

  /** The customer goes to the application for a while; the agent stays here. */
  async #identify(target: string, order: PaymentOrder): Promise<IdvResult> {
    const { room } = this.#call;
    const customer = this.#call.legWith('customer');
    if (!customer) return 'abandoned';
    await room.leave(customer.side.party);
    try {
      return await this.#identification.run({
        customer: aloneOf(customer),
        target,
        from: order.from,
        headers: identificationHeaders(order),
        back: this.#deps.addressOf(`room-${this.session.id}`),
        onAway: () => {
          if (this.#call.legWith('customer') === customer) this.#media?.follow(undefined);
          this.#call.onGone(customer);
        },
        onLeft: () => {
          this.session.customerLeft('peer hung up');
          this.#call.onGone(customer);
        },
      });
    } finally {
      const party = this.#call.legWith('customer')?.side.party;
      if (party && !room.parties.includes(party)) await room.join(party);
    }
  }

  async #bringToApplication(customer: RoomLeg): Promise<void> {
    await this.#call.room.leave(customer.side.party);
    const moved = this.#identification.moved(aloneOf(customer));
    await moved.catch((error: unknown) => this.#log.error({ err: error }, 'the customer could not be moved'));
  }

  #order(customer: RoomLeg): PaymentOrder {
    const { settings } = this.#deps;
    const request = { ...this.#request, amount: this.#chosenAmount ?? this.#request.amount };
    return orderFor(this.session.id, request.topology, request, customer.origin, settings, this.#log);
  }
}
