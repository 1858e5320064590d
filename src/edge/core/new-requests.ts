import { dialogId } from '../dialog/dialog.ts';
import type { Proxying } from '../proxy/proxying.ts';
import { tagOf } from '../sip/address.ts';
import type { Essentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import { mergeKey } from '../transaction/keys.ts';
import type { Caller } from '../trust/gate.ts';
import { withTrunk } from '../trust/trunk-header.ts';
import type { Application } from '../wire/application.ts';
import { newRequestLine } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import type { Decider, Decision } from '../wire/request-handlers.ts';
import type { Answering } from './answering.ts';
import { type Arrival, passageOf } from './arrival.ts';
import type { EdgeContext } from './context.ts';
import { factsOf, redirection } from './deciding.ts';
import type { Inbound } from './inbound.ts';
import type { Opening } from './opening.ts';
import { busy, capabilities, notAllowed, refuseNew } from './refusals.ts';
import type { ReplyParts } from './reply.ts';

/** Requests outside dialogs, of callers that were admitted: refused, registered, or handed to an application. */
export class NewRequests {
  readonly #context: EdgeContext;
  readonly #answering: Answering;
  readonly #opening: Opening;
  readonly #proxying: Proxying;

  constructor(context: EdgeContext, answering: Answering, opening: Opening, proxying: Proxying) {
    this.#context = context;
    this.#answering = answering;
    this.#opening = opening;
    this.#proxying = proxying;
  }

  receive(received: Arrival, caller: Caller): void {
    const arrival = { ...received, request: withTrunk(received.request, caller) };
    const { request } = arrival;
    const refusal = this.#refuse(arrival) ?? this.#register(arrival, caller);
    const inbound = this.#opening.open(arrival, undefined, caller.counted);
    const isInvite = request.method === 'INVITE';
    if (!refusal && this.#context.decider?.handles(request.method)) {
      this.#decide(inbound, arrival, this.#context.decider);
      if (isInvite) this.#context.records.attempt('network', () => plainForm(request));
      return;
    }
    const application = refusal ? undefined : this.#context.applications.choose(request.method.toLowerCase());
    if (application) this.#deliver(inbound, arrival, application);
    else this.#answering.answer(inbound, refusal ?? this.#unrouted(request));
    if (!isInvite || refusal) return;
    this.#context.records.attempt('network', () => plainForm(request));
    if (!application) this.#context.records.stop('application', 'call-rejected', () => plainForm(request));
  }

  #decide(inbound: Inbound, arrival: Arrival, decider: Decider): void {
    if (arrival.request.method === 'INVITE') this.#answering.answer(inbound, { status: 100 });
    this.#opening.reapLater(inbound);
    const follow = (decision: Decision): void => this.#follow(inbound, arrival, decision);
    decider.decide(factsOf(arrival.request, arrival.flow), follow);
  }

  #follow(inbound: Inbound, arrival: Arrival, decision: Decision): void {
    const isOpen = this.#context.inbound.open(inbound.record.id) !== undefined;
    if (decision.kind === 'application') {
      if (isOpen) this.#hand(inbound, arrival, decision.application);
      else decision.release(); // cancelled meanwhile
      return;
    }
    if (!isOpen) return;
    if (decision.kind === 'proxy') {
      this.#proxying.start(inbound, decision.options);
      return;
    }
    if (decision.kind === 'unavailable')
      this.#context.log('warn', 'no application for a request', { reason: decision.reason });
    this.#answering.answer(inbound, answerFor(decision));
    if (arrival.request.method === 'INVITE')
      this.#context.records.stop('application', 'call-rejected', () => plainForm(arrival.request));
  }

  #hand(inbound: Inbound, arrival: Arrival, application: Application): void {
    inbound.application = application;
    application.push(
      newRequestLine(passageOf(arrival, this.#context), inbound.record.id),
      plainForm(arrival.request),
    );
  }

  #refuse({ request, essentials }: Arrival): ReplyParts | undefined {
    const { inbound, dialogs, limits } = this.#context;
    const merged = inbound.byMerge(mergeKey(essentials));
    if (merged && inbound.open(merged.id)) return { status: 482 };
    if (request.method === 'INVITE' && this.#isLive(essentials)) return { status: 482 };
    if (request.method === 'INVITE' && dialogs.size >= limits.dialogs) return busy();
    return refuseNew(request, essentials);
  }

  /**
   * A call of the same Call-ID and From tag rings or is answered: a late copy of it by another way, or a call that hides behind it
   * from the limits of its trunk, and whose dialog the application could not tell from the other.
   */
  #isLive({ callId, from }: Essentials): boolean {
    const id = dialogId(callId, tagOf(from));
    return this.#context.inbound.isCalling(id) || this.#context.dialogs.byId(id) !== undefined;
  }

  /** A user's phone registers with the edge itself; what a trunk registers is the application's. */
  #register({ request, essentials, flow }: Arrival, { user }: Caller): ReplyParts | undefined {
    if (request.method !== 'REGISTER' || user === undefined) return undefined;
    return this.#context.gate.registrar.register(user, request, essentials, flow);
  }

  /** 405 only from a server that has an application: without one the caller had better try elsewhere, or later. */
  #unrouted({ method }: SipRequest): ReplyParts {
    if (method === 'OPTIONS') return this.#takesCalls ? capabilities() : busy();
    return this.#context.applications.verbs.length === 0 ? busy() : notAllowed(405);
  }

  /** OPTIONS is answered as an INVITE would be (RFC 3261 section 11.2): an SBC that asks sends its calls elsewhere meanwhile. */
  get #takesCalls(): boolean {
    const { applications, decider } = this.#context;
    return applications.verbs.includes('invite') || decider?.handles('INVITE') === true;
  }

  #deliver(inbound: Inbound, arrival: Arrival, application: Application): void {
    if (arrival.request.method === 'INVITE') this.#answering.answer(inbound, { status: 100 });
    this.#opening.reapLater(inbound);
    this.#hand(inbound, arrival, application);
  }
}

function answerFor(decision: Exclude<Decision, { kind: 'application' | 'proxy' }>): ReplyParts {
  switch (decision.kind) {
    case 'answer':
      return { status: decision.status, ...(decision.reason !== undefined && { reason: decision.reason }) };
    case 'redirect':
      return redirection(decision.contacts);
    case 'unavailable':
      return busy();
  }
}
