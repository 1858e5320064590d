import { tagOf } from '../sip/address.ts';
import type { SipDialog } from './dialog.ts';

interface Early {
  readonly dialog: SipDialog;
  /** RSeq of the newest reliable answer of this fork. */
  rseq: number | undefined;
}

/** A reliable answer the application has yet to acknowledge. */
interface Awaiting {
  readonly rseq: number;
  readonly dialog: SipDialog;
}

interface Ringing {
  readonly forks: Map<string, Early>;
  readonly awaiting: Awaiting[];
  readonly inviteSeq: number;
}

/**
 * Dialogs of an INVITE of ours that rings, one for each fork that answered (RFC 3261 section 13.2.2.1). The application knows
 * them all by one name; the RSeq of its PRACK tells which it means.
 */
export class EarlyDialogs {
  readonly #ringing = new Map<string, Ringing>();

  /** @param id - the application's name of the dialog. */
  fork(id: string, toTag: string): SipDialog | undefined {
    return this.#ringing.get(id)?.forks.get(toTag)?.dialog;
  }

  all(id: string): SipDialog[] {
    return [...(this.#ringing.get(id)?.forks.values() ?? [])].map(({ dialog }) => dialog);
  }

  /** CSeq number of the INVITE. */
  inviteSeq(id: string): number | undefined {
    return this.#ringing.get(id)?.inviteSeq;
  }

  add(dialog: SipDialog, inviteSeq: number): void {
    const known = this.#ringing.get(dialog.id);
    const ringing = known ?? { forks: new Map<string, Early>(), awaiting: [], inviteSeq };
    ringing.forks.set(tagOf(dialog.remote), { dialog, rseq: undefined });
    this.#ringing.set(dialog.id, ringing);
  }

  /** @returns false for a copy, or one out of order: neither is handed on (RFC 3262 section 4). */
  acceptsReliable(dialog: SipDialog, rseq: number): boolean {
    const ringing = this.#ringing.get(dialog.id);
    const fork = ringing?.forks.get(tagOf(dialog.remote));
    if (!ringing || !fork) return true;
    if (fork.rseq !== undefined && rseq !== fork.rseq + 1) return false;
    fork.rseq = rseq;
    ringing.awaiting.push({ rseq, dialog });
    return true;
  }

  /** The fork whose answer a PRACK acknowledges. */
  prackFor(id: string, rseq: number): SipDialog | undefined {
    const awaiting = this.#ringing.get(id)?.awaiting ?? [];
    const index = awaiting.findIndex((one) => one.rseq === rseq);
    return index < 0 ? undefined : awaiting.splice(index, 1)[0]?.dialog;
  }

  end(id: string): void {
    this.#ringing.delete(id);
  }
}
