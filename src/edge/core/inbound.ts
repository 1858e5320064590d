import type { Cancel } from '../../ports/clock.ts';
import type { SipDialog } from '../dialog/dialog.ts';
import { tagOf } from '../sip/address.ts';
import type { Essentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import type { ServerInviteTransaction } from '../transaction/server-invite.ts';
import type { Flow } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';

export type AnyServerTransaction = ServerInviteTransaction | ServerTransaction;

/** What is kept of a request until its transaction ends: little, as it stays for half a minute after the answer. */
export interface InboundRecord {
  /** What the application calls the transaction. */
  readonly id: string;
  /** Finds retransmissions, ACK and CANCEL. */
  readonly key: string;
  readonly merge: string;
  readonly transaction: AnyServerTransaction;
  /** Outside a dialog: the tag we put into To. */
  tag: string;
}

/** A proxied request, as far as its server side must know it. */
export interface Proxied {
  /** The caller gave up. */
  cancel(): void;
}

/** A request from the network without a final answer. */
export interface Inbound {
  readonly record: InboundRecord;
  /** With the top Via stamped. */
  readonly request: SipRequest;
  readonly essentials: Essentials;
  /** Where it came from. */
  readonly flow: Flow;
  /** It is a call that counts against the limits of its trunk. */
  readonly counted: boolean;
  /** Where answers go. */
  readonly replyFlow: Flow;
  readonly dialogId: string;
  /** An answer with our tag has gone out: it can no longer change. */
  tagged: boolean;
  /** The dialog it came in, or has made. */
  dialog: SipDialog | undefined;
  application: Application | undefined;
  /** The request is being proxied: answers come from elsewhere. */
  proxied: Proxied | undefined;
  cancelReap: Cancel;
}

/** Requests being answered, and records of those whose transaction still absorbs copies. */
export class InboundTable {
  readonly #byKey = new Map<string, InboundRecord>();
  readonly #byMerge = new Map<string, InboundRecord>();
  readonly #open = new Map<string, Inbound>();
  /** Calls without a final answer, by the id of the dialog they are about to make. */
  readonly #calls = new Map<string, Inbound>();
  readonly #answered: (inbound: Inbound) => void;

  /** @param answered - told of each request that has got its final answer. */
  constructor(answered: (inbound: Inbound) => void = () => {}) {
    this.#answered = answered;
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(inbound: Inbound): void {
    const { record } = inbound;
    this.#byKey.set(record.key, record);
    if (!this.#byMerge.has(record.merge)) this.#byMerge.set(record.merge, record);
    this.#open.set(record.id, inbound);
    if (isCall(inbound) && !this.#calls.has(inbound.dialogId)) this.#calls.set(inbound.dialogId, inbound);
  }

  byKey(key: string): InboundRecord | undefined {
    return this.#byKey.get(key);
  }

  byMerge(merge: string): InboundRecord | undefined {
    return this.#byMerge.get(merge);
  }

  /** The request of that transaction while it has no final answer. */
  open(id: string): Inbound | undefined {
    return this.#open.get(id);
  }

  /** Whether a call of that dialog id has no final answer yet. */
  isCalling(dialogId: string): boolean {
    return this.#calls.has(dialogId);
  }

  allOpen(): Inbound[] {
    return [...this.#open.values()];
  }

  openIn(dialog: SipDialog): Inbound[] {
    return [...this.#open.values()].filter((inbound) => inbound.dialog === dialog);
  }

  answered({ id }: InboundRecord): void {
    const inbound = this.#open.get(id);
    if (!inbound) return;
    this.#open.delete(id);
    if (this.#calls.get(inbound.dialogId) === inbound) this.#calls.delete(inbound.dialogId);
    inbound.cancelReap();
    this.#answered(inbound);
  }

  remove(record: InboundRecord): void {
    this.answered(record);
    this.#byKey.delete(record.key);
    if (this.#byMerge.get(record.merge) === record) this.#byMerge.delete(record.merge);
  }
}

function isCall({ request, essentials }: Inbound): boolean {
  return request.method === 'INVITE' && tagOf(essentials.to) === '';
}
