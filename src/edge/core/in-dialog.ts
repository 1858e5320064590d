import { contactUri, type SipDialog } from '../dialog/dialog.ts';
import { natHop } from '../dialog/nat.ts';
import type { SipRequest } from '../sip/message.ts';
import { dialogMessageLine } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import type { Answering } from './answering.ts';
import { type Arrival, passageOf } from './arrival.ts';
import type { EdgeContext } from './context.ts';
import type { Inbound } from './inbound.ts';
import type { Opening } from './opening.ts';
import { refuseExtensions, refuseGlare, refuseInterval } from './refusals.ts';
import type { ReplyParts } from './reply.ts';

const kTargetRefresh: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);

/** Requests in dialogs of ours (RFC 3261 section 12.2.2). */
export class InDialog {
  readonly #context: EdgeContext;
  readonly #answering: Answering;
  readonly #opening: Opening;
  /** The dialog is over: by a BYE from the far end. */
  readonly #forget: (dialog: SipDialog) => void;

  constructor(
    context: EdgeContext,
    answering: Answering,
    opening: Opening,
    forget: (dialog: SipDialog) => void,
  ) {
    this.#context = context;
    this.#answering = answering;
    this.#opening = opening;
    this.#forget = forget;
  }

  receive(arrival: Arrival, dialog: SipDialog): void {
    const { request, essentials } = arrival;
    const inbound = this.#opening.open(arrival, dialog);
    if (!dialog.acceptsSeq(essentials.cseq.seq)) return void this.#answering.answer(inbound, { status: 500 });
    const refusal = refuseExtensions(request) ?? refuseInterval(request) ?? refuseGlare(request, dialog);
    if (refusal) return void this.#refuseInDialog(inbound, refusal);
    if (request.method === 'PRACK') return void this.#receivePrack(inbound, arrival, dialog);
    this.#followConnection(arrival, dialog);
    inbound.application = dialog.application;
    this.#noteOffer(request, dialog);
    if (request.method === 'INVITE') this.#answering.answer(inbound, { status: 100 });
    if (request.method === 'BYE') this.#endByBye(dialog);
    this.#opening.reapLater(inbound);
    this.push(dialog, arrival, inbound.record.id);
    if (request.method === 'BYE')
      this.#context.records.stop('network', 'normal-release', () => plainForm(request));
  }

  /** Hands a request to the application. */
  push(dialog: SipDialog, arrival: Arrival, transactionId: string): void {
    const line = dialogMessageLine(passageOf(arrival, this.#context), transactionId, dialog.id);
    dialog.application.push(line, plainForm(arrival.request));
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
    this.#opening.reapLater(inbound);
    this.push(dialog, arrival, inbound.record.id);
    this.#answering.released(invite);
  }

  /** RFC 3261 section 15.1.2: what is open in the dialog is answered 487. */
  #endByBye(dialog: SipDialog): void {
    for (const open of this.#context.inbound.openIn(dialog)) {
      if (open.request.method === 'INVITE') this.#answering.answer(open, { status: 487 });
    }
    this.#forget(dialog);
  }
}
