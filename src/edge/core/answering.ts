import { contactUri, recordRoutes, SipDialog } from '../dialog/dialog.ts';
import type { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import { newId } from '../identifiers.ts';
import { parseAddress, tagOf, withTag } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipResponse } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import { hostPortText } from '../sip/uri.ts';
import type { Application } from '../wire/application.ts';
import { failureLine, responseSentLine } from '../wire/lines.ts';
import type { EdgeContext } from './context.ts';
import type { Inbound } from './inbound.ts';
import { busy } from './refusals.ts';
import { makeReply, type ReplyParts } from './reply.ts';

/** Headers of an application's response that the edge writes itself. */
const kOwn = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'record-route', 'rseq', 'content-length']);

/** Ends a dialog by a BYE of the edge's own. */
export type HangUp = (dialog: SipDialog, reason: string) => void;

/** Sends the answers to requests from the network: the application's and the edge's own. */
export class Answering {
  readonly #context: EdgeContext;
  readonly #unacknowledged: UnacknowledgedAnswers;
  readonly #hangUp: HangUp;

  constructor(context: EdgeContext, unacknowledged: UnacknowledgedAnswers, hangUp: HangUp) {
    this.#context = context;
    this.#unacknowledged = unacknowledged;
    this.#hangUp = hangUp;
  }

  /** A response of the application. */
  fromApplication(
    application: Application,
    commandId: string,
    transactionId: string,
    response: SipResponse,
  ): void {
    const inbound = this.#context.inbound.open(transactionId);
    if (!inbound) {
      application.push(failureLine(commandId, 'Response not sent due to unknown transaction'));
      return;
    }
    if (response.status < 200 && /\b100rel\b/i.test(response.headers.first('require') ?? '')) {
      application.push(failureLine(commandId, 'reliable provisional responses are not supported'));
      return;
    }
    if (!inbound.tagged) inbound.record.tag = chosenTag(response) ?? inbound.record.tag;
    const bytes = this.answer(inbound, { ...response, headers: applicationHeaders(response) });
    const passage = { flow: inbound.replyFlow, bytes: bytes.length, at: this.#context.clock.date() };
    application.push(responseSentLine(commandId, passage, inbound.record.id, inbound.dialogId), bytes);
  }

  /** @returns the response as sent. */
  answer(inbound: Inbound, parts: ReplyParts): string {
    const { status } = parts;
    const headers = parts.headers ?? new Headers();
    const makesDialog = inbound.request.method === 'INVITE' && status > 100 && status < 300;
    const added = makesDialog ? this.#dialogHeaders(inbound, headers) : headers;
    const bytes = serialize(
      makeReply(inbound.request, status === 100 ? '' : inbound.record.tag, { ...parts, headers: added }),
    );
    if (status > 100) inbound.tagged = true;
    if (makesDialog) this.#ensureDialog(inbound, added);
    if (status >= 200) this.#finish(inbound, status, added, bytes);
    inbound.record.transaction.respond(status, bytes);
    return bytes;
  }

  /** The application that should answer has gone. */
  unavailable(inbound: Inbound): void {
    if (inbound.request.method === 'BYE') {
      this.answer(inbound, { status: 200 });
      return;
    }
    this.answer(inbound, busy());
  }

  #dialogHeaders(inbound: Inbound, headers: Headers): Headers {
    const added = new Headers().addAll('Record-Route', inbound.request.headers.all('record-route'));
    if (!headers.has('contact')) added.add('Contact', this.#contact(inbound));
    for (const { name, value } of headers) added.add(name, value);
    return added;
  }

  #contact(inbound: Inbound): string {
    const { flow } = inbound;
    const transport = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`;
    return `<sip:${hostPortText(this.#context.network.advertised(flow))}${transport}>`;
  }

  /** An INVITE outside a dialog makes one with its first tagged answer (RFC 3261 section 12.1.1). */
  #ensureDialog(inbound: Inbound, headers: Headers): void {
    if (inbound.dialog || !inbound.application) return;
    const { from, to, callId, cseq } = inbound.essentials;
    const remoteTarget = contactUri(inbound.request.headers);
    if (remoteTarget === undefined) return;
    inbound.dialog = new SipDialog({
      id: inbound.dialogId,
      callId,
      local: withTag(to, inbound.record.tag),
      remote: from,
      localSeq: undefined,
      remoteSeq: cseq.seq,
      remoteTarget,
      routeSet: recordRoutes(inbound.request.headers) ?? [],
      flow: inbound.flow,
      application: inbound.application,
      contact: headers.first('contact') ?? this.#contact(inbound),
    });
    inbound.dialog.inviteIn = true;
    this.#context.dialogs.add(inbound.dialog);
  }

  #finish(inbound: Inbound, status: number, headers: Headers, bytes: string): void {
    this.#context.inbound.answered(inbound.record);
    const { dialog } = inbound;
    if (!dialog) return;
    const { method } = inbound.request;
    if (method === 'INVITE') {
      dialog.inviteIn = false;
      if (status >= 300 && isInitial(inbound)) this.#context.dialogs.remove(dialog);
      if (status < 300) this.#awaitAck(inbound, dialog, bytes);
    }
    const refreshes = status < 300 && (method === 'INVITE' || method === 'UPDATE');
    if (refreshes) dialog.refreshTarget(inbound.request.headers);
    if (refreshes && headers.has('contact')) dialog.contact = headers.first('contact') ?? dialog.contact;
  }

  #awaitAck(inbound: Inbound, dialog: SipDialog, bytes: string): void {
    const ackId = isInitial(inbound) ? inbound.record.id : newId();
    this.#unacknowledged.start(dialog, inbound.essentials.cseq.seq, ackId, {
      resend: () => {
        this.#context.retransmissions.count++;
        this.#context.network.send(inbound.replyFlow, bytes, () => {});
      },
      giveUp: () => this.#hangUp(dialog, 'ACK timeout'),
    });
  }
}

function isInitial(inbound: Inbound): boolean {
  return tagOf(inbound.essentials.to) === '';
}

function applicationHeaders(response: SipResponse): Headers {
  const headers = new Headers();
  for (const { key, name, value } of response.headers) if (!kOwn.has(key)) headers.add(name, value);
  if (response.body.startsWith('v=0') && !headers.has('content-type'))
    headers.add('Content-Type', 'application/sdp');
  return headers;
}

/** The application may choose the tag of To. */
function chosenTag(response: SipResponse): string | undefined {
  const to = parseAddress(response.headers.first('to') ?? '');
  return to ? tagOf(to) || undefined : undefined;
}
