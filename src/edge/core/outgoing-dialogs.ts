import type { Cancel } from '../../ports/clock.ts';
import { contactUri, recordRoutes, SipDialog } from '../dialog/dialog.ts';
import { EarlyDialogs } from '../dialog/early-dialogs.ts';
import { natHop } from '../dialog/nat.ts';
import { parseRAck } from '../dialog/reliable-answers.ts';
import { names, sessionExpiresText, sessionFromAnswer } from '../dialog/session-expires.ts';
import type { SessionTimers } from '../dialog/session-timers.ts';
import { Subscriptions } from '../dialog/subscriptions.ts';
import type { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import { parseAddress, tagOf } from '../sip/address.ts';
import { parseCSeq, parseDecimalHeader } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import { kTimeoutMs } from '../transaction/timers.ts';
import type { HostPort } from '../transport/flow.ts';
import { type Passage, unsolicitedLine } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import type { DialogKeeper } from './answering.ts';
import { type StopReason, stopReasonOf } from './call-records.ts';
import { composeInDialog, credentialsOf } from './composing.ts';
import type { EdgeContext } from './context.ts';
import { nextHop } from './next-hop.ts';
import type { Outbound, SentAck } from './outbound.ts';
import { type DialogRules, Outgoing } from './outgoing.ts';
import { Sending } from './sending.ts';
import { SessionRefresh } from './session-refresh.ts';

const kExpired = 'Session timer expired';

/** An INVITE of ours that was accepted, until the application acknowledges. */
interface AwaitedAck {
  readonly outbound: Outbound;
  readonly seq: number;
  readonly cancelTimeout: Cancel;
  /** The 2xx named no Contact: the dialog cannot be used and is ended as soon as it is acknowledged. */
  readonly unusable: boolean;
}

/** The dialogs our requests make, change and end. */
export class OutgoingDialogs implements DialogRules, DialogKeeper {
  readonly sending: Sending;
  readonly outgoing: Outgoing;
  readonly subscriptions: Subscriptions;
  readonly #context: EdgeContext;
  readonly #unacknowledged: UnacknowledgedAnswers;
  readonly #awaited = new Map<SipDialog, AwaitedAck>();
  readonly #early = new EarlyDialogs();
  readonly #refresh: SessionRefresh;

  constructor(context: EdgeContext, unacknowledged: UnacknowledgedAnswers) {
    this.#context = context;
    this.#unacknowledged = unacknowledged;
    this.sending = new Sending(context, (outbound, response) => this.#answered(outbound, response));
    this.outgoing = new Outgoing(context, this.sending, this);
    this.#refresh = new SessionRefresh(context, this.sending, (dialog) =>
      this.hangUp(dialog, kExpired, 'session-expired'),
    );
    this.subscriptions = new Subscriptions(context.timers, (dialog) => this.forget(dialog));
  }

  get sessions(): SessionTimers {
    return this.#refresh.timers;
  }

  /** @returns false when the response concerns nobody but the edge. */
  #answered(outbound: Outbound, response: SipResponse): boolean {
    const { request, dialog, application } = outbound;
    if (response.status === 422 && this.#refresh.sentAgain(outbound, response)) {
      if (request.method === 'INVITE' && isInitial(outbound)) this.#endEarly(outbound.dialogId);
      return false;
    }
    if (!application && this.#answersChallenge(outbound, response)) return false;
    if (request.method === 'INVITE') return this.#inviteAnswered(outbound, response);
    if (request.method === 'SUBSCRIBE') this.#subscribeAnswered(outbound, response);
    if (!dialog || response.status < 200) return application !== undefined;
    if (request.method === 'BYE') this.#byeAnswered(dialog, response.status);
    if (request.method === 'UPDATE') this.#updateAnswered(outbound, dialog, response);
    if (request.method === 'NOTIFY' && this.subscriptions.notified(dialog, request.headers))
      this.forget(dialog);
    return application !== undefined;
  }

  acknowledge(dialog: SipDialog, asked: SipRequest): { passage: Passage; text: string } | undefined {
    const awaited = this.#awaited.get(dialog);
    if (!awaited) return undefined;
    this.#awaited.delete(dialog);
    awaited.cancelTimeout();
    if (asked.body.startsWith('v=0')) dialog.localSdp = asked.body;
    const sent = this.#sendAck(dialog, awaited.outbound, asked, awaited.seq);
    if (awaited.unusable) this.hangUp(dialog, 'no Contact in answer');
    return sent;
  }

  prepare(dialog: SipDialog, asked: SipRequest): SipRequest {
    if (asked.method === 'INVITE') dialog.inviteOut = true;
    if (asked.method !== 'INVITE' && asked.method !== 'UPDATE') return asked;
    if (asked.body !== '') dialog.offerOut = true;
    const session = this.sessions.of(dialog);
    if (!session || asked.headers.has('session-expires')) return asked;
    const refresher = session.refresher === 'us' ? 'uac' : 'uas';
    const headers = asked.headers
      .copy()
      .add('Session-Expires', sessionExpiresText(session.intervalS, refresher));
    if (!names(headers, 'supported', 'timer')) headers.add('Supported', 'timer');
    return { ...asked, headers };
  }

  pracked(dialogId: string, asked: SipRequest): { dialog: SipDialog; asked: SipRequest } | undefined {
    const rack = parseRAck(asked.headers.first('rack') ?? '');
    const dialog = rack && this.#early.prackFor(dialogId, rack.rseq);
    if (!rack || !dialog) return undefined;
    // sent again after a 422 the INVITE has another number than the application knows
    const seq = this.#early.inviteSeq(dialogId) ?? rack.seq;
    return {
      dialog,
      asked: { ...asked, headers: asked.headers.copy().setFirst('RAck', `${rack.rseq} ${seq} INVITE`) },
    };
  }

  /** Ends a dialog by a BYE of the edge's own and tells the application. */
  hangUp(dialog: SipDialog, reason: string, record: StopReason = 'system-error-initiated-release'): void {
    if (!this.#context.dialogs.has(dialog)) return;
    this.#context.log('info', 'call ended by the edge', { reason });
    if (dialog.kind === 'subscription') {
      this.#unsubscribe(dialog);
      return;
    }
    const bye = this.#sendBye(dialog, reason);
    this.forget(dialog);
    if (!bye) return;
    const text = serialize(bye.request);
    const passage = { flow: bye.flow, bytes: text.length, at: this.#context.clock.date() };
    dialog.application.push(unsolicitedLine(passage, dialog.id), text);
    this.#context.records.stop('application', record, () => text);
  }

  forget(dialog: SipDialog): void {
    this.#unacknowledged.stop(dialog);
    this.#awaited.get(dialog)?.cancelTimeout();
    this.#awaited.delete(dialog);
    this.#refresh.stop(dialog);
    this.subscriptions.stop(dialog);
    this.#context.dialogs.remove(dialog);
  }

  /** A challenged BYE is for the application to send again; if it does not, the dialog ends as if nobody had answered. */
  #byeAnswered(dialog: SipDialog, status: number): void {
    if (status !== 401 && status !== 407) this.forget(dialog);
    else this.#context.timers.after(kTimeoutMs, () => this.forget(dialog));
  }

  /** A request of ours without an application, such as a session refresh. @returns whether it was sent again. */
  #answersChallenge(outbound: Outbound, response: SipResponse): boolean {
    const headers = this.#context.gate.answerTo(outbound.request, response, outbound.flow);
    if (headers) this.sending.again(outbound, headers);
    return headers !== undefined;
  }

  #inviteAnswered(outbound: Outbound, response: SipResponse): boolean {
    const { status } = response;
    if (status < 200) return this.#earlyDialog(outbound, response);
    if (status < 300) return this.#accepted(outbound, response);
    const { dialog } = outbound;
    if (isInitial(outbound)) {
      this.#endEarly(outbound.dialogId);
      if (outbound.application)
        this.#context.records.stop('network', stopReasonOf(status), () => plainForm(response));
    } else if (dialog) {
      dialog.inviteOut = false;
      dialog.offerOut = false;
    }
    if (!outbound.application && dialog) this.#refresh.failed(dialog, status);
    return outbound.application !== undefined;
  }

  /**
   * A provisional answer with a tag makes a dialog, one for each fork, so that PRACK and UPDATE find their way.
   * @returns false for a copy of a reliable answer.
   */
  #earlyDialog(outbound: Outbound, response: SipResponse): boolean {
    const isFromApplication = outbound.application !== undefined;
    const tag = toTag(response);
    if (!isInitial(outbound) || tag === '' || contactUri(response.headers) === undefined)
      return isFromApplication;
    let dialog = this.#early.fork(outbound.dialogId, tag);
    if (!dialog) {
      dialog = this.#makeDialog(outbound, response);
      if (!dialog) return isFromApplication;
      dialog.offerOut = outbound.request.body !== '';
      this.#early.add(dialog, seqOf(outbound.request));
      this.#context.dialogs.add(dialog);
    }
    const rseq = parseDecimalHeader(response.headers, 'rseq');
    if (rseq === undefined || !names(response.headers, 'require', '100rel')) return isFromApplication;
    if (response.body !== '') dialog.offerOut = false;
    return this.#early.acceptsReliable(dialog, rseq) && isFromApplication;
  }

  #endEarly(id: string): void {
    for (const dialog of this.#early.all(id)) this.forget(dialog);
    this.#early.end(id);
  }

  /** RFC 3261 section 13.2.2.4. */
  #accepted(outbound: Outbound, response: SipResponse): boolean {
    const tag = toTag(response);
    if (outbound.acceptedTag === tag) {
      this.#repeatAck(outbound.ack);
      return false;
    }
    if (outbound.acceptedTag !== undefined) {
      this.#refuseFork(outbound, response, tag);
      return false;
    }
    outbound.acceptedTag = tag;
    const dialog = this.#confirm(outbound, response);
    if (!dialog) return outbound.application !== undefined;
    this.#agree(dialog, outbound, response);
    if (!outbound.application && !isInitial(outbound)) {
      this.#sendAck(dialog, outbound, emptyRequest('ACK'), seqOf(outbound.request)); // of a refresh
      return false;
    }
    if (outbound.application?.connected !== true) {
      this.#refuseAnswer(dialog, outbound);
      return false;
    }
    this.#awaitAck(dialog, outbound, contactUri(response.headers) === undefined);
    if (isInitial(outbound)) this.#context.records.start('network', 'uac', () => plainForm(response));
    return true;
  }

  #agree(dialog: SipDialog, outbound: Outbound, response: SipResponse): void {
    dialog.offerOut = false;
    if (outbound.request.body.startsWith('v=0')) dialog.localSdp = outbound.request.body;
    this.sessions.arm(dialog, sessionFromAnswer(response.headers, this.sessions.of(dialog)));
  }

  #confirm(outbound: Outbound, response: SipResponse): SipDialog | undefined {
    const existing = outbound.dialog;
    if (existing && !isInitial(outbound)) {
      existing.inviteOut = false;
      existing.refreshTarget(response.headers);
      return existing;
    }
    const early = this.#early.fork(outbound.dialogId, toTag(response));
    const made = this.#makeDialog(outbound, response, early?.localSeq);
    if (made && early) made.remoteSeq = early.remoteSeq;
    this.#endEarly(outbound.dialogId);
    outbound.dialog = made;
    if (made) this.#context.dialogs.add(made);
    return made;
  }

  #makeDialog(outbound: Outbound, response: SipResponse, localSeq?: number): SipDialog | undefined {
    const local = parseAddress(outbound.request.headers.first('from') ?? '');
    const remote = parseAddress(response.headers.first('to') ?? '');
    const { application, request, flow } = outbound;
    if (!local || !remote || !application) return undefined;
    const remoteTarget = contactUri(response.headers) ?? request.uri;
    const routeSet = (recordRoutes(response.headers) ?? []).reverse();
    return new SipDialog({
      id: outbound.dialogId,
      kind: request.method === 'SUBSCRIBE' ? 'subscription' : 'invite',
      event: request.headers.first('event'),
      callId: request.headers.first('call-id') ?? '',
      local,
      remote,
      localSeq: localSeq ?? seqOf(request),
      remoteSeq: undefined,
      remoteTarget,
      routeSet,
      natHop: natHop(this.#context.natFix, remoteTarget, flow, routeSet.length > 0),
      flow,
      application,
      contact: request.headers.first('contact') ?? '',
    });
  }

  #awaitAck(dialog: SipDialog, outbound: Outbound, unusable: boolean): void {
    const cancelTimeout = this.#context.timers.after(kTimeoutMs, () =>
      this.hangUp(dialog, 'no ACK from application'),
    );
    this.#awaited.get(dialog)?.cancelTimeout();
    this.#awaited.set(dialog, { outbound, seq: seqOf(outbound.request), cancelTimeout, unusable });
  }

  /** Another fork was answered too: it is acknowledged and ended at once, its copies are only acknowledged. */
  #refuseFork(outbound: Outbound, response: SipResponse, tag: string): void {
    if (outbound.refusedForks.has(tag)) {
      this.#repeatAck(outbound.refusedForks.get(tag));
      return;
    }
    outbound.refusedForks.set(tag, undefined);
    const dialog = this.#makeDialog(outbound, response);
    if (dialog) this.#refuseAnswer(dialog, outbound);
  }

  #repeatAck(ack: SentAck | undefined): void {
    if (!ack) return;
    this.#context.retransmissions.count++;
    this.#context.network.send(ack.flow, ack.bytes, () => {});
  }

  /** An answer nobody wants: another fork, or the application has gone. It is acknowledged and ended at once. */
  #refuseAnswer(dialog: SipDialog, outbound: Outbound): void {
    this.#sendAck(dialog, outbound, emptyRequest('ACK'), seqOf(outbound.request));
    this.#sendBye(dialog, 'answer not wanted');
    this.forget(dialog);
  }

  #sendAck(
    dialog: SipDialog,
    outbound: Outbound,
    asked: SipRequest,
    seq: number,
  ): { passage: Passage; text: string } | undefined {
    const { network, clock } = this.#context;
    const hop = nextHop(network, dialog.nextHop, outbound.flow);
    if (hop.kind === 'refused') return undefined;
    const { request } = composeInDialog(dialog, asked, seq, hop.flow, network.advertised(hop.flow));
    for (const { name, value } of credentialsOf(outbound.request)) request.headers.add(name, value);
    const text = serialize(request);
    const send = (remote: HostPort | undefined): void => {
      if (!remote) return;
      const flow = { ...hop.flow, remote: { host: remote.host, port: remote.port } };
      const tag = tagOf(dialog.remote);
      if (tag === outbound.acceptedTag) outbound.ack = { flow, bytes: text };
      else outbound.refusedForks.set(tag, { flow, bytes: text });
      network.send(flow, text, () => {});
    };
    const { transport } = hop.flow;
    if (!hop.query) send(hop.flow.remote);
    else
      network.locate(hop.query, (targets) => send(targets.find((target) => target.transport === transport)));
    return { passage: { flow: hop.flow, bytes: text.length, at: clock.date() }, text };
  }

  #sendBye(dialog: SipDialog, reason: string): Outbound | undefined {
    const bye = emptyRequest('BYE');
    bye.headers.add('Reason', `SIP;cause=200;text="${reason}"`);
    return this.sending.sendInDialog(dialog, bye);
  }

  #updateAnswered(outbound: Outbound, dialog: SipDialog, response: SipResponse): void {
    dialog.offerOut = false;
    if (response.status >= 300) return;
    dialog.refreshTarget(response.headers);
    if (this.#context.dialogs.has(dialog)) this.#agree(dialog, outbound, response);
  }

  #subscribeAnswered(outbound: Outbound, response: SipResponse): void {
    if (response.status < 200 || response.status >= 300) return;
    const dialog = outbound.dialog ?? this.#makeDialog(outbound, response);
    if (!dialog) return;
    if (!outbound.dialog) this.#context.dialogs.add(dialog);
    else dialog.refreshTarget(response.headers);
    this.subscriptions.accepted(dialog, response.headers, outbound.request.headers);
  }

  /** Ends a subscription nobody here attends to any more, from whichever side we are. */
  #unsubscribe(dialog: SipDialog): void {
    const isSubscriber = dialog.id.endsWith(`;from-tag=${tagOf(dialog.local)}`);
    const asked = emptyRequest(isSubscriber ? 'SUBSCRIBE' : 'NOTIFY');
    if (dialog.event !== undefined) asked.headers.add('Event', dialog.event);
    if (isSubscriber) asked.headers.add('Expires', '0');
    else asked.headers.add('Subscription-State', 'terminated;reason=deactivated');
    this.sending.sendInDialog(dialog, asked);
    this.forget(dialog);
  }
}

function emptyRequest(method: string): SipRequest {
  return { kind: 'request', method, uri: '', headers: new Headers(), body: '' };
}

function isInitial(outbound: Outbound): boolean {
  const to = parseAddress(outbound.request.headers.first('to') ?? '');
  return !to || tagOf(to) === '';
}

function toTag(response: SipResponse): string {
  const to = parseAddress(response.headers.first('to') ?? '');
  return to ? tagOf(to) : '';
}

function seqOf(request: SipRequest): number {
  return parseCSeq(request.headers.first('cseq') ?? '')?.seq ?? 0;
}
