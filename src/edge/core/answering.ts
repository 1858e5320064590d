import { contactUri, recordRoutes, SipDialog } from '../dialog/dialog.ts';
import { natHop } from '../dialog/nat.ts';
import { parseRAck, ReliableAnswers } from '../dialog/reliable-answers.ts';
import { answerSession, names } from '../dialog/session-expires.ts';
import type { SessionTimers } from '../dialog/session-timers.ts';
import type { Subscriptions } from '../dialog/subscriptions.ts';
import type { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import { newId } from '../identifiers.ts';
import { parseAddress, tagOf, withTag } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import { hostPortText } from '../sip/uri.ts';
import { transportText } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';
import { failureLine, responseSentLine } from '../wire/lines.ts';
import type { EdgeContext } from './context.ts';
import type { Inbound } from './inbound.ts';
import { kAllow, kContactAnswers, kOwnExtensions } from './methods.ts';
import { busy } from './refusals.ts';
import { makeReply, type ReplyParts } from './reply.ts';

const kUnknownTransaction = 'Response not sent due to unknown transaction';

/** Headers of an application's response that the edge writes itself. */
const kOwn = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'record-route', 'rseq', 'content-length']);

/** What keeps dialogs alive, and ends them. */
export interface DialogKeeper {
  readonly sessions: SessionTimers;
  readonly subscriptions: Subscriptions;
  /** Ends a dialog by a BYE of the edge's own. */
  hangUp(dialog: SipDialog, reason: string): void;
  forget(dialog: SipDialog): void;
}

/** An answer of the application on its way. */
interface Given {
  readonly application: Application;
  readonly commandId: string;
  readonly inbound: Inbound;
  readonly response: SipResponse;
}

/** Sends the answers to requests from the network: the application's and the edge's own. */
export class Answering {
  readonly #context: EdgeContext;
  readonly #unacknowledged: UnacknowledgedAnswers;
  readonly #keeper: DialogKeeper;
  readonly #reliable: ReliableAnswers;

  constructor(context: EdgeContext, unacknowledged: UnacknowledgedAnswers, keeper: DialogKeeper) {
    this.#context = context;
    this.#unacknowledged = unacknowledged;
    this.#keeper = keeper;
    this.#reliable = new ReliableAnswers(context.timers);
  }

  /** A response of the application. */
  fromApplication(
    application: Application,
    commandId: string,
    transactionId: string,
    response: SipResponse,
  ): void {
    const inbound = this.#context.inbound.open(transactionId);
    if (!inbound || inbound.proxied) {
      application.push(failureLine(commandId, kUnknownTransaction));
      return;
    }
    const given = { application, commandId, inbound, response };
    const isReliable = wantsReliable(inbound.request, response);
    if (isReliable && !takesReliable(inbound.request)) {
      application.push(failureLine(commandId, 'Remote endpoint does not support 100rel'));
      return;
    }
    const isAccept = response.status >= 200 && response.status < 300;
    if ((isReliable || isAccept) && this.#reliable.mustWait(transactionId, isAccept)) {
      this.#reliable.hold(transactionId, {
        send: () => this.#send(given, isReliable),
        discard: () => application.push(failureLine(commandId, kUnknownTransaction)),
      });
    } else this.#send(given, isReliable);
  }

  /** A PRACK. @returns the transaction of its INVITE, or undefined when it acknowledges nothing. */
  acknowledgeReliable(dialog: SipDialog, prack: SipRequest): string | undefined {
    const rack = parseRAck(prack.headers.first('rack') ?? '');
    const invite = this.#context.inbound
      .openIn(dialog)
      .find(({ request, essentials }) => request.method === 'INVITE' && essentials.cseq.seq === rack?.seq);
    if (!rack || !invite || !this.#reliable.acknowledge(invite.record.id, rack.rseq)) return undefined;
    return invite.record.id;
  }

  /** Sends what waited for that PRACK. */
  released(transactionId: string): void {
    this.#reliable.release(transactionId);
  }

  #send({ application, commandId, inbound, response }: Given, isReliable: boolean): void {
    const { record } = inbound;
    if (!inbound.tagged) record.tag = chosenTag(response) ?? record.tag;
    const headers = applicationHeaders(response);
    if (isReliable) {
      headers.add('RSeq', String(this.#reliable.nextSeq(record.id)));
      if (!names(headers, 'require', '100rel')) headers.add('Require', '100rel');
    }
    const bytes = this.answer(inbound, { ...response, headers });
    const passage = { flow: inbound.replyFlow, bytes: bytes.length, at: this.#context.clock.date() };
    application.push(responseSentLine(commandId, passage, record.id, inbound.dialogId), bytes);
    if (isReliable) this.#awaitPrack(inbound, response.body !== '', bytes);
    if (isInitialInvite(inbound)) this.#record(response.status, bytes);
  }

  #awaitPrack(inbound: Inbound, hasSdp: boolean, bytes: string): void {
    this.#reliable.start(inbound.record.id, hasSdp, {
      resend: () => {
        this.#context.retransmissions.count++;
        this.#context.network.send(inbound.replyFlow, bytes, () => {});
      },
      giveUp: () => {
        this.#context.drops.add('no-prack');
        this.answer(inbound, { status: 504 }); // RFC 3262 section 3
      },
    });
  }

  #record(status: number, bytes: string): void {
    if (status < 200) return;
    if (status < 300) this.#context.records.start('application', 'uas', () => bytes);
    else this.#context.records.stop('application', 'call-rejected', () => bytes);
  }

  /** @returns the response as sent. */
  answer(inbound: Inbound, parts: ReplyParts): string {
    const { status } = parts;
    const { method } = inbound.request;
    const headers = parts.headers ?? new Headers();
    const makesDialog = method === 'INVITE' && status > 100 && status < 300;
    const accepts = status >= 200 && status < 300;
    const bearsContact = makesDialog || (accepts && kContactAnswers.has(method));
    const added = bearsContact ? this.#dialogHeaders(inbound, headers) : headers;
    const session = accepts && isOffering(method) ? answerSession(inbound.request, headers) : undefined;
    if (session) {
      added.setFirst('Session-Expires', session.header);
      if (session.requires && !names(added, 'require', 'timer')) added.add('Require', 'timer');
    }
    const bytes = serialize(
      makeReply(inbound.request, status === 100 ? '' : inbound.record.tag, { ...parts, headers: added }),
    );
    if (status > 100) inbound.tagged = true;
    if (makesDialog || (accepts && method === 'SUBSCRIBE')) this.#ensureDialog(inbound, added);
    if (inbound.dialog) this.#noteAnswer(inbound.dialog, inbound.request, parts);
    if (status >= 200) this.#finish(inbound, status, added, bytes);
    if (accepts && isOffering(method) && inbound.dialog)
      this.#keeper.sessions.arm(inbound.dialog, session?.interval);
    inbound.record.transaction.respond(status, bytes);
    return bytes;
  }

  /** What an answer says of offers (RFC 3264) and of our side of the media. */
  #noteAnswer(dialog: SipDialog, { method }: SipRequest, { status, headers, body = '' }: ReplyParts): void {
    if (!isOffering(method) || status <= 100) return;
    if (method === 'UPDATE' && status >= 200) dialog.updateIn = false;
    const isAnswer = body !== '' && (status >= 200 || headers?.has('rseq') === true);
    if (isAnswer || status >= 200) dialog.offerIn = false;
    if (isAnswer && status < 300 && body.startsWith('v=0')) dialog.localSdp = body;
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
    if (!headers.has('contact')) added.add('Contact', inbound.dialog?.contact ?? this.#contact(inbound));
    for (const { name, value } of headers) added.add(name, value);
    if (inbound.request.method !== 'INVITE') return added;
    if (!headers.has('allow')) added.add('Allow', kAllow); // RFC 3261 section 13.3.1.4
    if (!headers.has('supported')) added.add('Supported', kOwnExtensions);
    return added;
  }

  #contact(inbound: Inbound): string {
    const { flow } = inbound;
    return `<sip:${hostPortText(this.#context.network.advertised(flow))}${transportText(flow.transport)}>`;
  }

  /** An INVITE outside a dialog makes one with its first tagged answer (RFC 3261 section 12.1.1). */
  #ensureDialog(inbound: Inbound, headers: Headers): void {
    if (inbound.dialog || !inbound.application) return;
    const { from, to, callId, cseq } = inbound.essentials;
    const remoteTarget = contactUri(inbound.request.headers);
    if (remoteTarget === undefined) return;
    const { method, body } = inbound.request;
    const routeSet = recordRoutes(inbound.request.headers) ?? [];
    inbound.dialog = new SipDialog({
      id: inbound.dialogId,
      callId,
      local: withTag(to, inbound.record.tag),
      remote: from,
      localSeq: undefined,
      remoteSeq: cseq.seq,
      remoteTarget,
      routeSet,
      kind: method === 'INVITE' ? 'invite' : 'subscription',
      event: inbound.request.headers.first('event'),
      natHop: natHop(this.#context.natFix, remoteTarget, inbound.flow, routeSet.length > 0),
      flow: inbound.flow,
      application: inbound.application,
      contact: headers.first('contact') ?? this.#contact(inbound),
    });
    inbound.dialog.inviteIn = method === 'INVITE';
    inbound.dialog.offerIn = method === 'INVITE' && body !== '';
    this.#context.dialogs.add(inbound.dialog);
  }

  #finish(inbound: Inbound, status: number, headers: Headers, bytes: string): void {
    this.#context.inbound.answered(inbound.record);
    if (inbound.request.method === 'INVITE') this.#reliable.end(inbound.record.id);
    const { dialog } = inbound;
    if (!dialog) return;
    const { method } = inbound.request;
    if (method === 'INVITE') {
      dialog.inviteIn = false;
      if (status >= 300 && isInitial(inbound)) this.#keeper.forget(dialog);
      if (status < 300) this.#awaitAck(inbound, dialog, bytes);
    }
    if (status < 300 && method === 'SUBSCRIBE')
      this.#keeper.subscriptions.accepted(dialog, headers, inbound.request.headers);
    if (method === 'NOTIFY' && this.#keeper.subscriptions.notified(dialog, inbound.request.headers))
      this.#keeper.forget(dialog);
    const refreshes = status < 300 && kContactAnswers.has(method);
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
      giveUp: () => this.#keeper.hangUp(dialog, 'ACK timeout'),
    });
  }
}

function isOffering(method: string): boolean {
  return method === 'INVITE' || method === 'UPDATE';
}

function isInitialInvite(inbound: Inbound): boolean {
  return inbound.request.method === 'INVITE' && isInitial(inbound);
}

function takesReliable({ headers }: SipRequest): boolean {
  return names(headers, 'supported', '100rel') || names(headers, 'require', '100rel');
}

/** As the application asks, or because the caller insists (RFC 3262 section 3). */
function wantsReliable({ method, headers }: SipRequest, { status, headers: given }: SipResponse): boolean {
  if (method !== 'INVITE' || status <= 100 || status >= 200) return false;
  return names(given, 'require', '100rel') || names(headers, 'require', '100rel');
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
