import type { ConversationEnd, IdvResult } from '../dialog/controller.ts';
import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import type { Money } from '../money/money.ts';
import type { Log } from '../ports/log.ts';
import type { ActionResult, SessionAction, SessionRequest, Topology } from '../ports/payment-sessions.ts';
import type { HeaderReader, IncomingCall, SipHeaders, TrunkRights } from '../ports/signaling.ts';
import { actOn, conflict } from './agent-actions.ts';
import { agentIn, merchantIdIn, readCallData } from './call-data.ts';
import { payClamped } from './clamped-payment.ts';
import { CustomerMedia } from './customer-media.ts';
import { Identification, identificationHeaders } from './identification.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { orderFor, payeeOf } from './order.ts';
import type { ParkedStatus } from './parked-voice.ts';
import type { PaymentRoom } from './payment-room.ts';
import { PaymentSession } from './payment-session.ts';
import type { Side } from './side.ts';

const kDone: ActionResult = { kind: 'done' };
const kInfoPressMs = 400; // a key by SIP INFO says nothing of its length; a press is rarely longer

/** The call a payment is made in. */
export interface PayingCall {
  readonly room: PaymentRoom;
  readonly topology: Extract<Topology, 'inline' | 'secure_transfer'>;
  side(role: 'customer' | 'agent'): Side | undefined;
  /** The payment has ended, the card is wiped, everybody may hear everything again. */
  afterPayment(end: ConversationEnd, order: PaymentOrder): Promise<void>;
  /** Who hears what has changed. */
  onHearing(): void;
  /** The customer is with the identification application, by another call. */
  lend(customer: Side): void;
  /** … or has hung up on the way there. */
  left(customer: Side): void;
  /** A payment of the call that is known by this name from now on. */
  named(sessionId: string): void;
}

/**
 * The payments of an inline call: secure mode on, one conversation, secure mode off; then perhaps another one. Made with the call
 * and by it told who leaves.
 */
export class InlinePayment {
  readonly #call: PayingCall;
  readonly #deps: IvrCallDeps;
  readonly #policy: PaymentPolicy;
  readonly #incoming: IncomingCall;
  readonly #log: Log;
  #request: SessionRequest;
  #session: PaymentSession;
  #running: Promise<void> | undefined;
  /** Settles when nothing of the application is left. */
  #identified: Promise<unknown> | undefined;
  readonly #identification: Identification;
  #media: CustomerMedia | undefined;
  #isPaying = false;
  #isHeld = false;

  /** @param policy - as the topology makes it. */
  constructor(
    call: PayingCall,
    id: string,
    request: SessionRequest | undefined,
    incoming: IncomingCall,
    policy: PaymentPolicy,
    deps: IvrCallDeps,
    log: Log,
  ) {
    this.#call = call;
    this.#deps = deps;
    this.#policy = policy;
    this.#incoming = incoming;
    this.#log = log;
    this.#request = request ?? kNothingAsked;
    this.#session = new PaymentSession(id, deps, log, request?.agents);
    this.#session.agentCame(agentIn(incoming));
    this.#identification = new Identification(deps, log);
  }

  /** The running one, or the last, or the one to come. */
  get session(): PaymentSession {
    return this.#session;
  }

  /** From secure mode on until the card is wiped and all is said. */
  get isRunning(): boolean {
    return this.#isPaying;
  }

  /** … and until the customer is where the result leads. */
  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** The customer is being identified, apart from the agent. */
  get isIdentifying(): boolean {
    return this.#identification.isRunning;
  }

  /** … and has not yet gone there by REFER, or is there. */
  get isLent(): boolean {
    return this.#identification.isAway;
  }

  get isAway(): boolean {
    return this.#identification.isAway;
  }

  /** What a parked agent is told of it. */
  get parkedStatus(): ParkedStatus {
    const { conversation, end } = this.#session;
    if (!conversation || end) return 'parked.hold';
    return conversation.isInFlight ? 'parked.sent' : 'parked.card';
  }

  /** What is attached to the call. */
  get headers(): SipHeaders {
    return this.#session.headers;
  }

  get view(): object {
    const { conversation, snapshot, end, events, agents } = this.#session;
    const state = end ? 'ended' : this.#isPaying ? 'paying' : 'prepared';
    const { merchantId } = this.#request;
    const paused = conversation?.isPaused ?? false;
    return { state, merchantId, agents, paused, ...snapshot, events: events.list };
  }

  /** Resolves when no payment runs. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async act(action: SessionAction, actor: string): Promise<ActionResult> {
    const result = await this.#act(action, actor);
    if (result.kind === 'done') {
      this.#session.events.add({ type: 'action', action: action.action });
      this.#log.info({ action: action.action, actor }, 'action of an agent');
    }
    return result;
  }

  /** A re-INVITE brings call data for the payment to come. */
  learn(header: HeaderReader, trunk: TrunkRights): void {
    const { settings } = this.#deps;
    const source = { header, requestUri: '', trunk };
    const payee = payeeOf(merchantIdIn(source) ?? this.#request.merchantId, this.#incoming, settings);
    const { data, problems } = readCallData(source, payee?.currency ?? settings.currency);
    for (const problem of problems) this.#log.warn({ problem }, 'call data');
    this.#session.agentCame(agentIn(source));
    this.#request = {
      ...this.#request,
      customerId: data.customerId ?? this.#request.customerId,
      merchantId: data.merchantId ?? this.#request.merchantId,
      reference: data.reference ?? this.#request.reference,
      amount: data.amount ?? this.#request.amount,
      identified: data.identified === 'unknown' ? this.#request.identified : data.identified,
    };
  }

  /** The customer's key by SIP INFO. */
  infoKey(side: Side, report: Parameters<NonNullable<PaymentSession['conversation']>['infoKey']>[0]): void {
    this.#session.conversation?.infoKey(report);
    this.#identification.key(report.key);
    this.#call.room.keyed();
    void side.party.media.cover(kInfoPressMs).catch(() => undefined); // the leg has gone
  }

  /** @returns false if nobody is being identified. */
  identified(result: 'verified' | 'failed'): boolean {
    return this.#identification.tell(result);
  }

  /** The customer is on another leg: what was asked is asked again. */
  async customerMoved(customer: Side): Promise<void> {
    this.#isHeld = false;
    if (!this.#running || !this.#media) return;
    this.#media.follow(customer.party.media);
    this.#session.conversation?.moved();
    if (!this.#identification.isTalking) return;
    await this.#call.room.leave(customer.party);
    await this.#identification.moved(customer);
  }

  /** … and was away to be identified. @param header - of the INVITE. */
  customerBack(header: HeaderReader): void {
    this.#identification.comeBack(header);
  }

  customerHeld(held: boolean): void {
    this.#isHeld = held;
    this.#session.conversation?.hold(held);
  }

  customerLeft(reason: string): SipHeaders {
    return this.#session.customerLeft(reason);
  }

  agentLeft(): void {
    if (this.#isPaying) this.#session.conversation?.agentLost(this.#policy.agent.onLost);
  }

  agentCame(): void {
    if (this.#isPaying) this.#session.conversation?.agentBack();
  }

  abandon(): void {
    this.#session.conversation?.mediaLost('worker_lost');
  }

  async #act(action: SessionAction, actor: string): Promise<ActionResult> {
    if (action.action === 'start') return this.#start();
    if (action.action === 'park') return this.#park(true);
    const { conversation } = this.#session;
    const isOpen = this.#running && conversation && !conversation.end;
    const answer = isOpen ? actOn(conversation, action, actor) : undefined;
    if (answer) return answer;
    if (action.action === 'resume') return this.#park(false);
    if (action.action === 'amount' && !this.#running) return this.#choose(action.amount);
    return conflict('no payment runs');
  }

  #choose(amount: Money): ActionResult {
    this.#request = { ...this.#request, amount };
    return kDone;
  }

  async #park(on: boolean): Promise<ActionResult> {
    const { room } = this.#call;
    if (on === room.state.parked)
      return conflict(on ? 'the agent is parked already' : 'nothing is paused or parked');
    await room.park(on);
    this.#call.onHearing();
    return kDone;
  }

  #start(): ActionResult {
    if (this.#running) return conflict('a payment runs already');
    const customer = this.#call.side('customer');
    if (!customer) return conflict('the customer is not on the line');
    if (this.#session.end) this.#session = this.#nextSession();
    this.#call.named(this.#session.id);
    this.#isPaying = true;
    this.#running = this.#pay(customer)
      .catch((error: unknown) => this.#log.error({ err: error }, 'the payment broke'))
      .finally(() => {
        this.#isPaying = false;
        this.#running = undefined;
      });
    return kDone;
  }

  /** Another payment of the same call, whose legs are there already. */
  #nextSession(): PaymentSession {
    const { agents, recording } = this.#session; // who have the call have its next payment
    const session = new PaymentSession(crypto.randomUUID(), this.#deps, this.#log, agents);
    session.recordedAs(recording);
    this.#call.named(session.id); // before anything is told of it
    for (const role of ['customer', 'agent'] as const) {
      const callId = this.#call.side(role)?.leg.name.callId;
      if (callId !== undefined) session.events.add({ type: 'joined', role, callId });
    }
    return session;
  }

  async #pay(customer: Side): Promise<void> {
    const { end, order } = await payClamped({
      room: this.#call.room,
      session: this.#session,
      order: () => this.#order(),
      begin: (order) => this.#begin(customer, order),
      catchUp: () => this.#catchUp(),
      settle: () => this.#settle(),
      onHearing: () => this.#call.onHearing(),
    });
    this.#request = kNothingAsked;
    this.#isPaying = false;
    this.#call.onHearing();
    await this.#call.afterPayment(end, order);
  }

  #order(): PaymentOrder {
    const { settings } = this.#deps;
    const { topology } = this.#call;
    return orderFor(this.#session.id, topology, this.#request, this.#incoming, settings, this.#log);
  }

  #begin(customer: Side, order: PaymentOrder): Promise<ConversationEnd> {
    this.#media = new CustomerMedia((this.#call.side('customer') ?? customer).party.media);
    return this.#session.run({
      order,
      policy: this.#policy,
      trunk: customer.trunk.name,
      media: this.#media,
      handOffToIdv: (target) => this.#identify(target, order),
    });
  }

  #catchUp(): void {
    const { conversation } = this.#session;
    if (this.#isHeld) conversation?.hold(true);
    if (!this.#call.side('customer')) conversation?.hangUp();
    else if (!this.#call.side('agent')) this.agentLeft();
  }

  async #settle(): Promise<void> {
    this.#identification.close(); // it may have taken too long
    await this.#identified;
  }

  #identify(target: string, order: PaymentOrder): Promise<IdvResult> {
    const customer = this.#call.side('customer');
    if (!customer) return Promise.resolve('abandoned');
    const verdict = this.#identifyApart(customer, target, order);
    this.#identified = verdict.catch(() => undefined);
    return verdict;
  }

  /** The customer leaves the agent for a while. */
  async #identifyApart(customer: Side, target: string, order: PaymentOrder): Promise<IdvResult> {
    const { room } = this.#call;
    await room.leave(customer.party);
    try {
      const verdict = this.#identification.run({
        customer,
        target,
        from: order.from,
        headers: identificationHeaders(order),
        back: this.#deps.addressOf(`pay-${order.sessionId}`),
        onAway: () => {
          if (this.#call.side('customer') === customer) this.#media?.follow(undefined);
          this.#call.lend(customer);
        },
        onLeft: () => this.#call.left(customer),
      });
      this.#call.onHearing();
      return await verdict;
    } finally {
      const party = this.#call.side('customer')?.party;
      if (party && !room.parties.includes(party)) await room.join(party);
      this.#call.onHearing();
    }
  }
}

/** A payment nobody said anything about beyond the call itself. */
const kNothingAsked: SessionRequest = {
  topology: 'inline',
  customerId: null,
  merchantId: null,
  reference: null,
  amount: null,
  identified: 'unknown',
  start: 'action',
};
