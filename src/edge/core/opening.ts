import { dialogId, type SipDialog } from '../dialog/dialog.ts';
import { newId, newTag } from '../identifiers.ts';
import { tagOf } from '../sip/address.ts';
import { mergeKey, serverKey } from '../transaction/keys.ts';
import { ServerTransaction } from '../transaction/server.ts';
import { ServerInviteTransaction } from '../transaction/server-invite.ts';
import { type Flow, isReliable } from '../transport/flow.ts';
import type { Answering } from './answering.ts';
import type { Arrival } from './arrival.ts';
import type { EdgeContext } from './context.ts';
import type { AnyServerTransaction, Inbound, InboundRecord } from './inbound.ts';
import { replyFlow } from './reply.ts';

/** Starts the server transactions of requests that are worked on. */
export class Opening {
  readonly #context: EdgeContext;
  readonly #answering: Answering;

  constructor(context: EdgeContext, answering: Answering) {
    this.#context = context;
    this.#answering = answering;
  }

  open({ request, essentials, flow }: Arrival, dialog: SipDialog | undefined, counted = false): Inbound {
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

  /** An application that never answers must not keep the transaction for ever. */
  reapLater(inbound: Inbound): void {
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

  #openTransaction(method: string, flow: Flow, ended: () => void): AnyServerTransaction {
    const { timers, network } = this.#context;
    const reliable = isReliable(flow.transport);
    const send = (bytes: string): void =>
      network.send(flow, bytes, () => this.#context.drops.add('answer-not-sent'));
    if (method !== 'INVITE') return new ServerTransaction(timers, reliable, { send, ended });
    const unacknowledged = (): void => this.#context.drops.add('no-ack-for-failure');
    return new ServerInviteTransaction(timers, reliable, { send, ended, unacknowledged });
  }
}
