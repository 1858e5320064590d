import { contactUri, dialogId, dialogKey, type SipDialog } from '../dialog/dialog.ts';
import { natHop } from '../dialog/nat.ts';
import type { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import { newId, newTag, statelessTag } from '../identifiers.ts';
import type { Proxying } from '../proxy/proxying.ts';
import { tagOf } from '../sip/address.ts';
import { checkRequest, type Essentials, isProblem, readEssentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import type { Problem } from '../sip/parse.ts';
import { serialize } from '../sip/serialize.ts';
import { mergeKey, serverKey } from '../transaction/keys.ts';
import { ServerTransaction } from '../transaction/server.ts';
import { ServerInviteTransaction } from '../transaction/server-invite.ts';
import { type Flow, isReliable } from '../transport/flow.ts';
import type { Caller } from '../trust/gate.ts';
import { withTrunk } from '../trust/trunk-header.ts';
import { dialogMessageLine, newRequestLine, type Passage } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import type { Decider, Decision } from '../wire/request-handlers.ts';
import type { Answering } from './answering.ts';
import type { EdgeContext } from './context.ts';
import { factsOf, redirection } from './deciding.ts';
import type { AnyServerTransaction, Inbound, InboundRecord } from './inbound.ts';
import {
  busy,
  capabilities,
  notAllowed,
  refuseExtensions,
  refuseGlare,
  refuseInterval,
  refuseNew,
} from './refusals.ts';
import { guessReplyFlow, makeReply, type ReplyParts, replyFlow, stampRequest } from './reply.ts';

const kTargetRefresh: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);

/** A request that has passed the checks of its own text. */
interface Arrival {
  readonly request: SipRequest;
  readonly essentials: Essentials;
  readonly flow: Flow;
  /** Length as received. */
  readonly bytes: number;
}

/** Whoever is in a dialog of ours was admitted when it was made. */
const kPartner: Caller = { trunk: undefined, user: undefined, counted: false };

/** Requests from the network: checked (RFC 3261 section 8.2), matched with what is known, handed to an application. */
export class Incoming {
  readonly #context: EdgeContext;
  readonly #answering: Answering;
  readonly #unacknowledged: UnacknowledgedAnswers;
  readonly #proxying: Proxying;
  /** The dialog is over: by a BYE from the far end. */
  readonly #forget: (dialog: SipDialog) => void;

  constructor(
    context: EdgeContext,
    answering: Answering,
    unacknowledged: UnacknowledgedAnswers,
    proxying: Proxying,
    forget: (dialog: SipDialog) => void,
  ) {
    this.#context = context;
    this.#answering = answering;
    this.#unacknowledged = unacknowledged;
    this.#proxying = proxying;
    this.#forget = forget;
  }

  receive(request: SipRequest, flow: Flow, bytes: number): void {
    const essentials = readEssentials(request);
    if (isProblem(essentials)) {
      this.refuse(request, flow, essentials);
      return;
    }
    const arrival = { request: stampRequest(request, essentials.via, flow), essentials, flow, bytes };
    if (!this.#isKnown(arrival) && !this.#context.gate.hears(request, flow)) return;
    const problem = checkRequest(request, essentials);
    if (problem) {
      this.refuse(request, flow, problem);
      return;
    }
    if (request.method === 'ACK') this.#receiveAck(arrival);
    else if (request.method === 'CANCEL') this.#receiveCancel(arrival);
    else this.#receiveOther(arrival);
  }

  /** Answers a request that is too broken to be worked on, without keeping anything of it. */
  refuse(request: SipRequest, flow: Flow, problem: Problem): void {
    if (!this.#context.gate.explainsTo(flow)) {
      this.#context.gate.disturbed(flow);
      this.#drop('unknown-source');
      return;
    }
    const target = guessReplyFlow(flow, request);
    if (request.method === 'ACK' || !target) {
      this.#drop('malformed');
      return;
    }
    const via = readEssentials(request);
    const stamped = isProblem(via) ? request : stampRequest(request, via.via, flow);
    this.#context.drops.add(`refused ${problem.status}`);
    this.#answerStateless(stamped, target, problem);
  }

  #isKnown({ request, essentials, flow }: Arrival): boolean {
    if (this.#dialogOf(essentials) || this.#context.proxied.knows(essentials)) return true;
    const method = request.method === 'ACK' || request.method === 'CANCEL' ? 'INVITE' : request.method;
    return (
      this.#context.inbound.byKey(serverKey(request, essentials, method, flow.remote.host)) !== undefined
    );
  }

  #dialogOf({ callId, to, from }: Essentials): SipDialog | undefined {
    return this.#context.dialogs.byKey(dialogKey(callId, tagOf(to), tagOf(from)));
  }

  #receiveAck(arrival: Arrival): void {
    const { request, essentials, flow } = arrival;
    const inbound = this.#context.inbound.byKey(serverKey(request, essentials, 'INVITE', flow.remote.host));
    if (inbound?.transaction.kind === 'server-invite' && inbound.transaction.state !== 'accepted') {
      inbound.transaction.acknowledged();
      return;
    }
    const dialog = this.#dialogOf(essentials);
    const transactionId = dialog && this.#unacknowledged.acknowledge(dialog, essentials.cseq.seq);
    if (!dialog || transactionId === undefined) {
      if (!this.#proxying.forwardAck(request, essentials)) this.#drop('stray-ack');
      return;
    }
    this.#push(dialog, arrival, transactionId);
  }

  /** RFC 3261 section 9.2. */
  #receiveCancel(arrival: Arrival): void {
    const { request, essentials, flow } = arrival;
    const cancelled = this.#context.inbound.byKey(serverKey(request, essentials, 'INVITE', flow.remote.host));
    const repeated = this.#context.inbound.byKey(serverKey(request, essentials, 'CANCEL', flow.remote.host));
    if (repeated) {
      this.#repeat(repeated);
      return;
    }
    if (this.#isFull()) {
      this.#overloaded(arrival);
      return;
    }
    const cancel = this.#open(arrival, undefined);
    if (cancelled) cancel.record.tag = cancelled.tag;
    this.#answering.answer(cancel, { status: cancelled ? 200 : 481 });
    const invite = cancelled && this.#context.inbound.open(cancelled.id);
    if (!invite) return;
    if (invite.proxied) {
      invite.proxied.cancel();
      return;
    }
    this.#answering.answer(invite, { status: 487 });
    const line = dialogMessageLine(this.#passage(arrival), cancelled.id, invite.dialogId);
    invite.application?.push(line, plainForm(request));
    this.#context.records.stop('network', 'call-canceled', () => plainForm(request));
  }

  #receiveOther(arrival: Arrival): void {
    const { request, essentials, flow } = arrival;
    const known = this.#context.inbound.byKey(
      serverKey(request, essentials, request.method, flow.remote.host),
    );
    if (known) {
      this.#repeat(known);
      return;
    }
    if (this.#isFull()) {
      this.#overloaded(arrival);
      return;
    }
    const isPartner = this.#dialogOf(essentials) !== undefined || this.#context.proxied.knows(essentials);
    const caller = isPartner ? kPartner : this.#admit(arrival);
    if (!caller) return;
    if (tagOf(essentials.to) !== '') this.#receiveInDialog(arrival);
    else this.#receiveNew(arrival, caller);
  }

  /** Who asks, outside all dialogs. One that may not is answered here, without keeping anything of it, or not at all. */
  #admit({ request, essentials, flow }: Arrival): Caller | undefined {
    const id = dialogId(essentials.callId, tagOf(essentials.from));
    const verdict = this.#context.gate.judge(request, flow, tagOf(essentials.to) === '' ? id : undefined);
    if (verdict.kind === 'admitted') return verdict.caller;
    if (verdict.kind === 'refused')
      this.#answerStateless(request, replyFlow(flow, essentials.via), verdict.refusal);
    return undefined;
  }

  #repeat(known: InboundRecord): void {
    this.#context.retransmissions.count++;
    known.transaction.retransmitted();
  }

  #receiveInDialog(arrival: Arrival): void {
    const { request, essentials } = arrival;
    const dialog = this.#dialogOf(essentials);
    const inbound = this.#open(arrival, dialog);
    if (!dialog) {
      if (!this.#proxying.forward(inbound)) this.#answering.answer(inbound, { status: 481 });
      return;
    }
    if (!dialog.acceptsSeq(essentials.cseq.seq)) return void this.#answering.answer(inbound, { status: 500 });
    const refusal = refuseExtensions(request) ?? refuseInterval(request) ?? refuseGlare(request, dialog);
    if (refusal) return void this.#refuseInDialog(inbound, refusal);
    if (request.method === 'PRACK') return void this.#receivePrack(inbound, arrival, dialog);
    this.#followConnection(arrival, dialog);
    inbound.application = dialog.application;
    this.#noteOffer(request, dialog);
    if (request.method === 'INVITE') this.#answering.answer(inbound, { status: 100 });
    if (request.method === 'BYE') this.#endByBye(dialog);
    this.#reapLater(inbound);
    this.#push(dialog, arrival, inbound.record.id);
    if (request.method === 'BYE')
      this.#context.records.stop('network', 'normal-release', () => plainForm(request));
  }

  /** A phone that lost its connection comes by a new one: from the same address, or by renewing its Contact. */
  #followConnection({ request, flow }: Arrival, dialog: SipDialog): void {
    const isNew = flow.connection !== undefined && flow.connection !== dialog.flow.connection;
    const mayMove = flow.remote.host === dialog.flow.remote.host || kTargetRefresh.has(request.method);
    if (!isNew || !mayMove) return;
    const contact = contactUri(request.headers) ?? dialog.remoteTarget;
    dialog.moveTo(flow, natHop(this.#context.natFix, contact, flow, dialog.routeSet.length > 0));
  }

  /** A refusal must not touch what goes on in the dialog. */
  #refuseInDialog(inbound: Inbound, refusal: ReplyParts): void {
    inbound.dialog = undefined;
    this.#answering.answer(inbound, refusal);
  }

  #noteOffer({ method, body }: SipRequest, dialog: SipDialog): void {
    if (method === 'INVITE') dialog.inviteIn = true;
    if (method === 'UPDATE') dialog.updateIn = true;
    if ((method === 'INVITE' || method === 'UPDATE') && body !== '') dialog.offerIn = true;
  }

  /** RFC 3262 section 3: one that acknowledges nothing is refused. */
  #receivePrack(inbound: Inbound, arrival: Arrival, dialog: SipDialog): void {
    const invite = this.#answering.acknowledgeReliable(dialog, arrival.request);
    if (invite === undefined) return void this.#refuseInDialog(inbound, { status: 481 });
    inbound.application = dialog.application;
    this.#reapLater(inbound);
    this.#push(dialog, arrival, inbound.record.id);
    this.#answering.released(invite);
  }

  /** RFC 3261 section 15.1.2: what is open in the dialog is answered 487. */
  #endByBye(dialog: SipDialog): void {
    for (const open of this.#context.inbound.openIn(dialog)) {
      if (open.request.method === 'INVITE') this.#answering.answer(open, { status: 487 });
    }
    this.#forget(dialog);
  }

  #receiveNew(received: Arrival, caller: Caller): void {
    const arrival = { ...received, request: withTrunk(received.request, caller) };
    const { request } = arrival;
    const refusal = this.#refuse(arrival) ?? this.#register(arrival, caller);
    const inbound = this.#open(arrival, undefined, caller.counted);
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
    this.#reapLater(inbound);
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

  #hand(inbound: Inbound, arrival: Arrival, application: NonNullable<Inbound['application']>): void {
    inbound.application = application;
    application.push(newRequestLine(this.#passage(arrival), inbound.record.id), plainForm(arrival.request));
  }

  #refuse({ request, essentials }: Arrival): ReplyParts | undefined {
    const { inbound, dialogs, limits } = this.#context;
    const merged = inbound.byMerge(mergeKey(essentials));
    if (merged && inbound.open(merged.id)) return { status: 482 };
    if (request.method === 'INVITE' && dialogs.size >= limits.dialogs) return busy();
    return refuseNew(request, essentials);
  }

  /** A user's phone registers with the edge itself; what a trunk registers is the application's. */
  #register({ request, essentials, flow }: Arrival, { user }: Caller): ReplyParts | undefined {
    if (request.method !== 'REGISTER' || user === undefined) return undefined;
    return this.#context.gate.registrar.register(user, request, essentials, flow);
  }

  /** 405 only from a server that has an application: without one the caller had better try elsewhere, or later. */
  #unrouted({ method }: SipRequest): ReplyParts {
    if (method === 'OPTIONS') return capabilities();
    return this.#context.applications.verbs.length === 0 ? busy() : notAllowed(405);
  }

  #deliver(inbound: Inbound, arrival: Arrival, application: NonNullable<Inbound['application']>): void {
    if (arrival.request.method === 'INVITE') this.#answering.answer(inbound, { status: 100 });
    this.#reapLater(inbound);
    this.#hand(inbound, arrival, application);
  }

  #push(dialog: SipDialog, arrival: Arrival, transactionId: string): void {
    const line = dialogMessageLine(this.#passage(arrival), transactionId, dialog.id);
    dialog.application.push(line, plainForm(arrival.request));
  }

  #passage({ flow, bytes }: Arrival): Passage {
    return { flow, bytes, at: this.#context.clock.date() };
  }

  /** Starts the server transaction. */
  #open({ request, essentials, flow }: Arrival, dialog: SipDialog | undefined, counted = false): Inbound {
    const answerFlow = replyFlow(flow, essentials.via);
    const record: InboundRecord = {
      id: newId(),
      key: serverKey(request, essentials, request.method, flow.remote.host),
      merge: mergeKey(essentials),
      transaction: this.#openTransaction(request.method, answerFlow, () =>
        this.#context.inbound.remove(record),
      ),
      tag: newTag(),
    };
    const inbound: Inbound = {
      record,
      request,
      essentials,
      flow,
      counted,
      replyFlow: answerFlow,
      dialogId: dialog?.id ?? dialogId(essentials.callId, tagOf(essentials.from)),
      tagged: false,
      dialog,
      application: undefined,
      proxied: undefined,
      cancelReap: () => {},
    };
    this.#context.inbound.add(inbound);
    return inbound;
  }

  #openTransaction(method: string, flow: Flow, ended: () => void): AnyServerTransaction {
    const { timers, network } = this.#context;
    const reliable = isReliable(flow.transport);
    const send = (bytes: string): void => network.send(flow, bytes, () => this.#drop('answer-not-sent'));
    if (method !== 'INVITE') return new ServerTransaction(timers, reliable, { send, ended });
    const unacknowledged = (): void => this.#drop('no-ack-for-failure');
    return new ServerInviteTransaction(timers, reliable, { send, ended, unacknowledged });
  }

  /** An application that never answers must not keep the transaction for ever. */
  #reapLater(inbound: Inbound): void {
    const { limits, timers } = this.#context;
    const isInvite = inbound.request.method === 'INVITE';
    inbound.cancelReap = timers.after(
      isInvite ? limits.inviteUnansweredMs : limits.requestUnansweredMs,
      () => {
        this.#context.drops.add('unanswered-by-application');
        this.#answering.answer(inbound, { status: 504 });
      },
    );
  }

  #isFull(): boolean {
    return this.#context.inbound.size >= this.#context.limits.transactions;
  }

  #overloaded({ request, flow, essentials }: Arrival): void {
    this.#context.drops.add('too-many-transactions');
    this.#answerStateless(request, replyFlow(flow, essentials.via), busy());
  }

  #answerStateless(request: SipRequest, flow: Flow, parts: ReplyParts): void {
    const tag = statelessTag(`${request.headers.first('via')}|${request.headers.first('call-id')}`);
    this.#context.network.send(flow, serialize(makeReply(request, tag, parts)), () => {});
  }

  #drop(reason: string): void {
    this.#context.drops.add(reason);
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
