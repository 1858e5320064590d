import type { Cancel } from '../../ports/clock.ts';
import { contactUri, recordRoutes, routeRequest, SipDialog } from '../dialog/dialog.ts';
import type { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import { parseAddress, tagOf } from '../sip/address.ts';
import { parseCSeq } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import { kTimeoutMs } from '../transaction/timers.ts';
import { type Passage, unsolicitedLine } from '../wire/lines.ts';
import { composeInDialog, credentialsOf } from './composing.ts';
import type { EdgeContext } from './context.ts';
import { nextHop } from './next-hop.ts';
import type { Outbound } from './outbound.ts';
import { Outgoing, type OutgoingEvents } from './outgoing.ts';

/** An INVITE of ours that was accepted, until the application acknowledges. */
interface AwaitedAck {
  readonly outbound: Outbound;
  readonly seq: number;
  readonly cancelTimeout: Cancel;
  /** The 2xx named no Contact: the dialog cannot be used and is ended as soon as it is acknowledged. */
  readonly unusable: boolean;
}

/** The dialogs our requests make, change and end. */
export class OutgoingDialogs implements OutgoingEvents {
  readonly outgoing: Outgoing;
  readonly #context: EdgeContext;
  readonly #unacknowledged: UnacknowledgedAnswers;
  readonly #awaited = new Map<SipDialog, AwaitedAck>();

  constructor(context: EdgeContext, unacknowledged: UnacknowledgedAnswers) {
    this.#context = context;
    this.#unacknowledged = unacknowledged;
    this.outgoing = new Outgoing(context, this);
  }

  response(outbound: Outbound, response: SipResponse): boolean {
    if (outbound.request.method === 'INVITE') return this.#inviteAnswered(outbound, response);
    const { dialog } = outbound;
    if (!dialog || response.status < 200) return outbound.application !== undefined;
    const challenged = response.status === 401 || response.status === 407;
    if (outbound.request.method === 'BYE' && !challenged) this.forget(dialog);
    if (outbound.request.method === 'UPDATE' && response.status < 300) dialog.refreshTarget(response.headers);
    return outbound.application !== undefined;
  }

  acknowledge(dialog: SipDialog, asked: SipRequest): { passage: Passage; text: string } | undefined {
    const awaited = this.#awaited.get(dialog);
    if (!awaited) return undefined;
    this.#awaited.delete(dialog);
    awaited.cancelTimeout();
    const sent = this.#sendAck(dialog, awaited.outbound, asked, awaited.seq);
    if (awaited.unusable) this.hangUp(dialog, 'no Contact in answer');
    return sent;
  }

  /** Ends a dialog by a BYE of the edge's own and tells the application. */
  hangUp(dialog: SipDialog, reason: string): void {
    if (!this.#context.dialogs.has(dialog)) return;
    this.#context.log('info', 'call ended by the edge', { reason });
    const bye = this.#sendBye(dialog, reason);
    this.forget(dialog);
    if (!bye) return;
    const text = serialize(bye.request);
    const passage = { flow: bye.flow, bytes: text.length, at: this.#context.clock.date() };
    dialog.application.push(unsolicitedLine(passage, dialog.id), text);
  }

  forget(dialog: SipDialog): void {
    this.#unacknowledged.stop(dialog);
    this.#awaited.get(dialog)?.cancelTimeout();
    this.#awaited.delete(dialog);
    this.#context.dialogs.remove(dialog);
  }

  #inviteAnswered(outbound: Outbound, response: SipResponse): boolean {
    const { status } = response;
    if (status < 200) {
      if (response.headers.has('rseq')) this.#earlyDialog(outbound, response);
      return true;
    }
    if (status < 300) return this.#accepted(outbound, response);
    const { dialog } = outbound;
    if (dialog) {
      dialog.inviteOut = false;
      if (isInitial(outbound)) this.forget(dialog);
    }
    return true;
  }

  /** A reliable provisional response makes a dialog, so that the application's PRACK finds its way (RFC 3262). */
  #earlyDialog(outbound: Outbound, response: SipResponse): void {
    if (outbound.dialog || toTag(response) === '') return;
    outbound.dialog = this.#makeDialog(outbound, response);
    if (outbound.dialog) this.#context.dialogs.add(outbound.dialog);
  }

  /** RFC 3261 section 13.2.2.4. */
  #accepted(outbound: Outbound, response: SipResponse): boolean {
    const tag = toTag(response);
    if (outbound.acceptedTag === tag) {
      if (outbound.ack) this.#context.network.send(outbound.ack.flow, outbound.ack.bytes, () => {});
      return false;
    }
    const isFork = outbound.acceptedTag !== undefined;
    if (!isFork) outbound.acceptedTag = tag;
    const dialog = isFork ? this.#makeDialog(outbound, response) : this.#confirm(outbound, response);
    if (!dialog) return !isFork;
    if (isFork || outbound.application?.connected !== true) {
      this.#refuseAnswer(dialog, outbound);
      return false;
    }
    this.#awaitAck(dialog, outbound, contactUri(response.headers) === undefined);
    return true;
  }

  #confirm(outbound: Outbound, response: SipResponse): SipDialog | undefined {
    const existing = outbound.dialog;
    if (existing && !isInitial(outbound)) {
      existing.inviteOut = false;
      existing.refreshTarget(response.headers);
      return existing;
    }
    const made = this.#makeDialog(outbound, response, existing?.nextSeq());
    if (existing) this.forget(existing);
    outbound.dialog = made;
    if (made) this.#context.dialogs.add(made);
    return made;
  }

  #makeDialog(outbound: Outbound, response: SipResponse, localSeq?: number): SipDialog | undefined {
    const local = parseAddress(outbound.request.headers.first('from') ?? '');
    const remote = parseAddress(response.headers.first('to') ?? '');
    const { application, request, flow } = outbound;
    if (!local || !remote || !application) return undefined;
    return new SipDialog({
      id: outbound.dialogId,
      callId: request.headers.first('call-id') ?? '',
      local,
      remote,
      localSeq: localSeq ?? seqOf(request),
      remoteSeq: undefined,
      remoteTarget: contactUri(response.headers) ?? request.uri,
      routeSet: (recordRoutes(response.headers) ?? []).reverse(),
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

  /** An answer nobody wants: another fork, or the application has gone. It is acknowledged and ended at once. */
  #refuseAnswer(dialog: SipDialog, outbound: Outbound): void {
    const ack: SipRequest = { kind: 'request', method: 'ACK', uri: '', headers: new Headers(), body: '' };
    this.#sendAck(dialog, outbound, ack, seqOf(outbound.request));
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
    const hop = nextHop(network, routeRequest(dialog.remoteTarget, dialog.routeSet).nextHop, outbound.flow);
    if (hop.kind === 'refused') return undefined;
    const { request } = composeInDialog(dialog, asked, seq, hop.flow, network.advertised(hop.flow));
    for (const { name, value } of credentialsOf(outbound.request)) request.headers.add(name, value);
    const text = serialize(request);
    const send = (host: string | undefined): void => {
      if (host === undefined) return;
      const flow = { ...hop.flow, remote: { host, port: hop.flow.remote.port } };
      if (toTagOf(dialog) === outbound.acceptedTag) outbound.ack = { flow, bytes: text };
      network.send(flow, text, () => {});
    };
    network.resolve(hop.flow.remote.host, send);
    return { passage: { flow: hop.flow, bytes: text.length, at: clock.date() }, text };
  }

  #sendBye(dialog: SipDialog, reason: string): Outbound | undefined {
    const headers = new Headers().add('Reason', `SIP;cause=200;text="${reason}"`);
    return this.outgoing.sendInDialog(dialog, { kind: 'request', method: 'BYE', uri: '', headers, body: '' });
  }
}

function isInitial(outbound: Outbound): boolean {
  const to = parseAddress(outbound.request.headers.first('to') ?? '');
  return !to || tagOf(to) === '';
}

function toTag(response: SipResponse): string {
  const to = parseAddress(response.headers.first('to') ?? '');
  return to ? tagOf(to) : '';
}

function toTagOf(dialog: SipDialog): string {
  return tagOf(dialog.remote);
}

function seqOf(request: SipRequest): number {
  return parseCSeq(request.headers.first('cseq') ?? '')?.seq ?? 0;
}
