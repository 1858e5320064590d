import type { SipDialog } from '../dialog/dialog.ts';
import { dialogId } from '../dialog/dialog.ts';
import { newId } from '../identifiers.ts';
import { FailedTargets } from '../resolve/failed-targets.ts';
import type { LocateQuery } from '../resolve/target.ts';
import { parseCSeq } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import { kReasons, type SipRequest, type SipResponse } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import { type ClientFailure, ClientTransaction } from '../transaction/client.ts';
import { ClientInviteTransaction } from '../transaction/client-invite.ts';
import { clientKey } from '../transaction/keys.ts';
import { kTimeoutMs } from '../transaction/timers.ts';
import { type Flow, isReliable } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';
import { dialogMessageLine, syntheticResponseLine } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import {
  type Composed,
  composeCancel,
  composeFailureAck,
  composeInDialog,
  fromTag,
  recompose,
} from './composing.ts';
import type { EdgeContext } from './context.ts';
import { nextHop } from './next-hop.ts';
import type { AnswerTaker, Outbound } from './outbound.ts';
import { makeReply } from './reply.ts';
import { fits, flowsTo, type GivenUp, readdressed, type Way, waysBy, waysLeft } from './ways.ts';

/** How long a target that failed is tried after the others, unless it says so itself. */
const kAvoidMs = 30_000;
const kMaxAvoidMs = 300_000;

/** What a request of ours starts from. */
export interface Launch {
  readonly composed: Composed;
  readonly flow: Flow;
  readonly dialog?: SipDialog;
  readonly application?: Application;
  /** The request this one repeats. */
  readonly again?: Outbound;
  /** What is left to try if this way fails. */
  readonly ways?: readonly Way[];
  readonly taker?: AnswerTaker;
}

/**
 * Told of each response to a request of ours, made up ones too.
 * @returns false when it concerns nobody but the edge.
 */
export type TakeResponse = (outbound: Outbound, response: SipResponse) => boolean;

/** Requests of ours on their way: sent, sent again elsewhere when a way fails, answered, cancelled. */
export class Sending {
  readonly #context: EdgeContext;
  readonly #take: TakeResponse;
  readonly #failed: FailedTargets;

  constructor(context: EdgeContext, take: TakeResponse) {
    this.#context = context;
    this.#take = take;
    this.#failed = new FailedTargets(context.clock);
  }

  /** A request of the edge's own in a dialog, such as the BYE that ends it. */
  sendInDialog(dialog: SipDialog, asked: SipRequest): Outbound | undefined {
    const hop = nextHop(this.#context.network, dialog.nextHop, dialog.flow);
    if (hop.kind === 'refused') return undefined;
    const local = this.#context.network.advertised(hop.flow);
    const composed = composeInDialog(dialog, asked, dialog.nextSeq(), hop.flow, local);
    const outbound = this.prepare({ composed, flow: hop.flow, dialog });
    this.begin(outbound, hop.query);
    return outbound;
  }

  /** Sends a request again under its name, with other headers and the next CSeq (RFC 4028 section 7.4). */
  again(before: Outbound, headers: Readonly<Record<string, string>>): void {
    const { request, flow, dialog, application } = before;
    const { network } = this.#context;
    const seq = (parseCSeq(request.headers.first('cseq') ?? '')?.seq ?? 0) + 1;
    const composed = recompose(
      request,
      dialog ? dialog.nextSeq() : seq,
      headers,
      flow,
      network.advertised(flow),
    );
    const launch = { composed, flow, again: before };
    this.begin(this.prepare({ ...launch, ...(dialog && { dialog }), ...(application && { application }) }));
  }

  /** Sends a request on that came from elsewhere. @param query - where to look the target up first. */
  forward(composed: Composed, flow: Flow, query: LocateQuery | undefined, taker: AnswerTaker): Outbound {
    const outbound = this.prepare({ composed, flow, taker });
    this.begin(outbound, query);
    return outbound;
  }

  /** Gives up an INVITE of ours. @param asked - headers for the CANCEL. */
  cancel(invite: Outbound, asked?: Headers): SipRequest {
    const request = composeCancel(invite.request, asked);
    invite.cancelled = true;
    const send = (): void => this.#sendCancel(invite, request);
    if (invite.transaction.state === 'calling') invite.heldCancel = send;
    else send();
    return request;
  }

  /** Makes its transaction, which {@link begin} starts. */
  prepare({ composed, flow, dialog, application, again, ways, taker }: Launch): Outbound {
    const { request, branch } = composed;
    const bytes = serialize(request);
    const context = this.#context;
    let copies = 0;
    const shared = {
      send: () => {
        if (copies++ > 0) context.retransmissions.count++;
        context.network.send(outbound.flow, bytes, () => outbound.transaction.fail('transport'));
      },
      response: (response: SipResponse) => this.#receive(outbound, response),
      failed: (failure: ClientFailure) => this.#receiveFailure(outbound, failure),
      ended: () => context.outbound.remove(outbound),
    };
    const reliable = isReliable(flow.transport);
    const callId = request.headers.first('call-id') ?? '';
    const outbound: Outbound = {
      id: again?.id ?? newId(),
      key: clientKey(branch, request.method),
      request,
      length: bytes.length,
      dialogId: dialog?.id ?? dialogId(callId, fromTag(request)),
      application,
      transaction:
        request.method === 'INVITE'
          ? new ClientInviteTransaction(context.timers, reliable, {
              ...shared,
              acknowledge: (response) => this.#acknowledgeFailure(outbound, response),
            })
          : new ClientTransaction(context.timers, reliable, shared),
      flow,
      ways: ways ?? [],
      heard: 0,
      dialog,
      acceptedTag: undefined,
      ack: undefined,
      refusedForks: new Map(),
      attempt: (again?.attempt ?? 0) + (ways ? 0 : 1),
      taker: taker ?? again?.taker,
      heldCancel: undefined,
      cancelled: false,
      cancelRinging: () => {},
    };
    context.outbound.add(outbound);
    return outbound;
  }

  /** @param query - where to look the target up; undefined when the flow leads there already. */
  begin(outbound: Outbound, query?: LocateQuery): void {
    const { network } = this.#context;
    if (query) network.locate(query, (targets) => this.#start(outbound, flowsTo(network, targets)));
    else this.#start(outbound, [outbound.flow]);
  }

  /** @param flows - best first. */
  #start(outbound: Outbound, flows: readonly Flow[]): void {
    const { transaction, flow } = outbound;
    if (transaction.state === 'terminated') return;
    if (outbound.cancelled) {
      transaction.fail('timeout'); // while its name was looked up
      return;
    }
    const { network, limits } = this.#context;
    const ways = this.#failed.sort(waysBy(network, flows, outbound.length, limits.udpRequestBytes));
    const [first, ...more] = ways;
    if (!first) {
      transaction.fail('transport');
      return;
    }
    if (!fits(flow, first.flow)) {
      this.#goBy(first, more, outbound);
      transaction.terminate();
      return;
    }
    outbound.flow = first.flow;
    outbound.ways = more;
    transaction.start();
  }

  /** The request once more, by another way and under a branch of its own. */
  #goBy(way: Way, ways: readonly Way[], before: Outbound): void {
    const { request, dialog, application } = before;
    const composed = readdressed(request, before.flow, way.flow, this.#context.network);
    const launch = { composed, flow: way.flow, again: before, ways };
    const next = this.prepare({ ...launch, ...(dialog && { dialog }), ...(application && { application }) });
    next.transaction.start();
  }

  /** RFC 3263 section 4.3. @returns whether the next target is being tried. */
  #failOver(outbound: Outbound, why: GivenUp, forMs = kAvoidMs): boolean {
    this.#failed.add(outbound.flow, forMs);
    const [next, ...more] = waysLeft(outbound.ways, why);
    const hasAnswered = why === 'timeout' ? outbound.heard > 0 : outbound.heard > 100;
    if (!next || hasAnswered || outbound.cancelled) return false;
    this.#context.log('info', 'next target is tried', { why, transport: next.flow.transport });
    this.#goBy(next, more, outbound);
    return true;
  }

  #receive(outbound: Outbound, response: SipResponse): void {
    if (response.status === 503 && this.#failOver(outbound, 'unavailable', retryAfterMs(response))) return;
    if (response.status < 200) {
      outbound.heard = Math.max(outbound.heard, response.status);
      outbound.heldCancel?.();
      outbound.heldCancel = undefined;
      if (outbound.request.method === 'INVITE') this.#watchRinging(outbound);
    } else if (!outbound.cancelled) outbound.cancelRinging();
    if (outbound.taker) return void outbound.taker(response, outbound.flow);
    if (!this.#take(outbound, response)) return;
    const text = plainForm(response);
    const passage = { flow: outbound.flow, bytes: text.length, at: this.#context.clock.date() };
    outbound.application?.push(dialogMessageLine(passage, outbound.id, dialogNameOf(outbound)), text);
  }

  /** RFC 3261 section 8.1.3.1: no answer is a 408, no way to the peer a 503. */
  #receiveFailure(outbound: Outbound, failure: ClientFailure): void {
    if (this.#failOver(outbound, failure)) return;
    if (failure === 'transport') this.#context.gate.registrar.loseFlow(outbound.flow);
    const status = failure === 'timeout' ? (outbound.cancelled ? 487 : 408) : 503;
    const response = makeReply(outbound.request, newId().slice(0, 13), {
      status,
      reason: kReasons[status] ?? '',
    });
    if (outbound.taker) return void outbound.taker(withoutVia(response), outbound.flow);
    if (!this.#take(outbound, response)) return;
    const line = syntheticResponseLine(
      outbound.flow,
      this.#context.clock.date(),
      outbound.id,
      dialogNameOf(outbound),
    );
    outbound.application?.push(line, plainForm(response));
  }

  #acknowledgeFailure(outbound: Outbound, response: SipResponse): void {
    const to = response.headers.first('to') ?? '';
    this.#context.network.send(outbound.flow, serialize(composeFailureAck(outbound.request, to)), () => {});
  }

  /** An INVITE that rings for ever would keep its transaction for ever. */
  #watchRinging(outbound: Outbound): void {
    if (outbound.cancelled) return;
    outbound.cancelRinging();
    outbound.cancelRinging = this.#context.timers.after(this.#context.limits.ringingMs, () =>
      this.cancel(outbound),
    );
  }

  /** After CANCEL the INVITE ends by its 487, or 64*T1 later without (RFC 3261 section 9.1). */
  #sendCancel(invite: Outbound, request: SipRequest): void {
    const { transaction } = invite;
    if (transaction.state !== 'proceeding') return;
    const branch = invite.key.slice(0, invite.key.indexOf('|'));
    const cancel = this.prepare({ composed: { request, branch }, flow: invite.flow });
    cancel.transaction.start();
    invite.cancelRinging();
    invite.cancelRinging = this.#context.timers.after(kTimeoutMs, () => transaction.fail('timeout'));
  }
}

/** How long a server that says 503 wants to be left alone (RFC 3261 section 21.5.4). */
function retryAfterMs(response: SipResponse): number {
  const seconds = /^\d{1,5}/.exec(response.headers.first('retry-after') ?? '')?.[0];
  return seconds === undefined ? kAvoidMs : Math.min(Number(seconds) * 1_000, kMaxAvoidMs);
}

/** The dialog an answer belongs to; none for a request that stands alone. */
function dialogNameOf({ request, dialog, dialogId: id }: Outbound): string {
  return dialog || request.method === 'INVITE' || request.method === 'SUBSCRIBE' ? id : '';
}

/** Marks an answer that nobody sent. */
function withoutVia(response: SipResponse): SipResponse {
  return { ...response, headers: new Headers([...response.headers].filter(({ key }) => key !== 'via')) };
}
