import type { Cancel } from '../../ports/clock.ts';
import type { SipDialog } from '../dialog/dialog.ts';
import type { Essentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import type { ServerInviteTransaction } from '../transaction/server-invite.ts';
import type { Flow } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';

export type AnyServerTransaction = ServerInviteTransaction | ServerTransaction;

/** A request from the network, from its arrival until its transaction ends. */
export interface Inbound {
  /** What the application calls the transaction. */
  readonly id: string;
  /** Finds retransmissions, ACK and CANCEL. */
  readonly key: string;
  readonly merge: string;
  /** With the top Via stamped. */
  readonly request: SipRequest;
  readonly essentials: Essentials;
  /** Where it came from. */
  readonly flow: Flow;
  /** Where answers go. */
  readonly replyFlow: Flow;
  readonly transaction: AnyServerTransaction;
  readonly dialogId: string;
  /** Outside a dialog: the tag we put into To. */
  tag: string;
  /** An answer with that tag has gone out: it can no longer change. */
  tagged: boolean;
  /** The dialog it came in, or has made. */
  dialog: SipDialog | undefined;
  application: Application | undefined;
  cancelReap: Cancel;
}

/** Requests being answered, and those whose transaction still absorbs copies. */
export class InboundTable {
  readonly #byKey = new Map<string, Inbound>();
  readonly #byMerge = new Map<string, Inbound>();
  /** Only those without a final response. */
  readonly #open = new Map<string, Inbound>();

  get size(): number {
    return this.#byKey.size;
  }

  add(inbound: Inbound): void {
    this.#byKey.set(inbound.key, inbound);
    if (!this.#byMerge.has(inbound.merge)) this.#byMerge.set(inbound.merge, inbound);
    this.#open.set(inbound.id, inbound);
  }

  byKey(key: string): Inbound | undefined {
    return this.#byKey.get(key);
  }

  byMerge(merge: string): Inbound | undefined {
    return this.#byMerge.get(merge);
  }

  /** The request of that transaction while it has no final response. */
  open(id: string): Inbound | undefined {
    return this.#open.get(id);
  }

  openOf(application: Application): Inbound[] {
    return [...this.#open.values()].filter((inbound) => inbound.application === application);
  }

  openIn(dialog: SipDialog): Inbound[] {
    return [...this.#open.values()].filter((inbound) => inbound.dialog === dialog);
  }

  answered(inbound: Inbound): void {
    this.#open.delete(inbound.id);
    inbound.cancelReap();
  }

  remove(inbound: Inbound): void {
    this.answered(inbound);
    this.#byKey.delete(inbound.key);
    if (this.#byMerge.get(inbound.merge) === inbound) this.#byMerge.delete(inbound.merge);
  }
}
