import { dialogId, dialogKey, type SipDialog } from '../dialog/dialog.ts';
import type { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import { statelessTag } from '../identifiers.ts';
import type { Proxying } from '../proxy/proxying.ts';
import { tagOf } from '../sip/address.ts';
import { checkRequest, type Essentials, isProblem, readEssentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import type { Problem } from '../sip/parse.ts';
import { serialize } from '../sip/serialize.ts';
import { serverKey } from '../transaction/keys.ts';
import type { Flow } from '../transport/flow.ts';
import type { Caller } from '../trust/gate.ts';
import { dialogMessageLine } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import type { Answering } from './answering.ts';
import { type Arrival, passageOf } from './arrival.ts';
import type { EdgeContext } from './context.ts';
import { InDialog } from './in-dialog.ts';
import type { InboundRecord } from './inbound.ts';
import { NewRequests } from './new-requests.ts';
import { Opening } from './opening.ts';
import { busy } from './refusals.ts';
import { guessReplyFlow, makeReply, type ReplyParts, replyFlow, stampRequest } from './reply.ts';

/** Whoever is in a dialog that passes through us was admitted when it was made. */
const kPartner: Caller = { trunk: undefined, user: undefined, counted: false };

/** Requests from the network: checked (RFC 3261 section 8.2), matched with what is known, and passed on to those who work on them. */
export class Incoming {
  readonly #context: EdgeContext;
  readonly #answering: Answering;
  readonly #unacknowledged: UnacknowledgedAnswers;
  readonly #proxying: Proxying;
  readonly #opening: Opening;
  readonly #inDialog: InDialog;
  readonly #newRequests: NewRequests;

  /** @param forget - told of a dialog that is over, by a BYE from the far end. */
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
    this.#opening = new Opening(context, answering);
    this.#inDialog = new InDialog(context, answering, this.#opening, forget);
    this.#newRequests = new NewRequests(context, answering, this.#opening, proxying);
  }

  receive(request: SipRequest, flow: Flow, bytes: number): void {
    const essentials = readEssentials(request);
    if (isProblem(essentials)) {
      this.refuse(request, flow, essentials);
      return;
    }
    const arrival = { request: stampRequest(request, essentials.via, flow), essentials, flow, bytes };
    if (this.#isKnown(arrival)) this.#context.network.vouch(flow);
    else if (!this.#context.gate.hears(request, flow)) return;
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
    this.#inDialog.push(dialog, arrival, transactionId);
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
    const cancel = this.#opening.open(arrival, undefined);
    if (cancelled) cancel.record.tag = cancelled.tag;
    this.#answering.answer(cancel, { status: cancelled ? 200 : 481 });
    const invite = cancelled && this.#context.inbound.open(cancelled.id);
    if (!invite) return;
    if (invite.proxied) {
      invite.proxied.cancel();
      return;
    }
    this.#answering.answer(invite, { status: 487 });
    const line = dialogMessageLine(passageOf(arrival, this.#context), cancelled.id, invite.dialogId);
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
    const dialog = this.#dialogOf(essentials);
    if (dialog) return void this.#inDialog.receive(arrival, dialog);
    const caller = this.#context.proxied.knows(essentials) ? kPartner : this.#admit(arrival);
    if (!caller) return;
    if (tagOf(essentials.to) === '') this.#newRequests.receive(arrival, caller);
    else this.#receiveForeign(arrival);
  }

  /** In a dialog we are not in ourselves. */
  #receiveForeign(arrival: Arrival): void {
    const inbound = this.#opening.open(arrival, undefined);
    if (!this.#proxying.forward(inbound)) this.#answering.answer(inbound, { status: 481 });
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
