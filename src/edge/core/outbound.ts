import type { Cancel } from '../../ports/clock.ts';
import type { SipDialog } from '../dialog/dialog.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import type { ClientTransaction } from '../transaction/client.ts';
import type { ClientInviteTransaction } from '../transaction/client-invite.ts';
import type { Flow } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';
import type { Way } from './ways.ts';

export type AnyClientTransaction = ClientInviteTransaction | ClientTransaction;

/** The ACK of a 2xx as it was sent, to be sent again for each copy of the 2xx. */
export interface SentAck {
  readonly flow: Flow;
  readonly bytes: string;
}

/** Takes the answers of a request that is none of an application's: every provisional one, the final one, each further 2xx. */
export type AnswerTaker = (response: SipResponse, flow: Flow) => void;

/** A request of ours, from its sending until its transaction ends. */
export interface Outbound {
  readonly id: string;
  readonly key: string;
  readonly request: SipRequest;
  /** Length as sent. */
  readonly length: number;
  readonly dialogId: string;
  /** Undefined when the edge sent it of its own accord. */
  readonly application: Application | undefined;
  readonly transaction: AnyClientTransaction;
  /** Where it goes; its address is known once the name is resolved. */
  flow: Flow;
  /** What is left to try if this way fails. */
  ways: readonly Way[];
  /** Highest provisional status heard; 0 for none. */
  heard: number;
  dialog: SipDialog | undefined;
  /** To tag of the 2xx that made the dialog; another one is another fork. */
  acceptedTag: string | undefined;
  ack: SentAck | undefined;
  /** ACKs of other forks that were accepted and hung up, by To tag. */
  readonly refusedForks: Map<string, SentAck | undefined>;
  /** How often it was sent: again with a longer session interval, or with credentials. */
  readonly attempt: number;
  /** Of a request that is proxied. */
  readonly taker: AnswerTaker | undefined;
  /** A CANCEL that waits for the first provisional response (RFC 3261 section 9.1). */
  heldCancel: (() => void) | undefined;
  cancelled: boolean;
  cancelRinging: Cancel;
}

/** Requests of ours that may still be answered. */
export class OutboundTable {
  readonly #byKey = new Map<string, Outbound>();
  readonly #byId = new Map<string, Outbound>();

  get size(): number {
    return this.#byKey.size;
  }

  add(outbound: Outbound): void {
    this.#byKey.set(outbound.key, outbound);
    this.#byId.set(outbound.id, outbound);
  }

  byKey(key: string): Outbound | undefined {
    return this.#byKey.get(key);
  }

  byId(id: string): Outbound | undefined {
    return this.#byId.get(id);
  }

  all(): Outbound[] {
    return [...this.#byKey.values()];
  }

  remove(outbound: Outbound): void {
    outbound.cancelRinging();
    this.#byKey.delete(outbound.key);
    if (this.#byId.get(outbound.id) === outbound) this.#byId.delete(outbound.id); // sent again it keeps its name
  }
}
