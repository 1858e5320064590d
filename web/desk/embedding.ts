import { type HostMessage, hostMessage, kProtocol } from './host-message.ts';
import type { Payment } from './payment.ts';

/** What the desk tells it. */
export type DeskMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'signed-in' }
  | { readonly type: 'signed-out' }
  | {
      readonly type: 'prepared';
      readonly sessionId: string;
      readonly payUri: string;
      readonly roomUri: string | null;
    }
  | { readonly type: 'payment'; readonly payment: TellablePayment }
  | { readonly type: 'problem'; readonly detail: string };

/** What a CRM learns of a payment. */
export interface TellablePayment {
  readonly sessionId: string;
  readonly phase: string;
  readonly stage: string | null;
  readonly secure: boolean;
  readonly result: string | null;
  readonly amountCharged: string | null;
  readonly currency: string;
  readonly transactionId: string | null;
  readonly brand: string | null;
  readonly last4: string | null;
}

/**
 * The desk inside another page: talks with the frame's parent, if its origin is one the server was configured with (`pages.embedIn`;
 * the browser refuses the frame otherwise). Nothing is told to, or taken from, anybody else.
 */
export class Embedding {
  readonly #origins: readonly string[];
  readonly #listener: (message: HostMessage) => void;
  readonly #onMessage = (event: MessageEvent<unknown>) => this.#take(event);

  constructor(origins: readonly string[], listener: (message: HostMessage) => void) {
    this.#origins = origins;
    this.#listener = listener;
    if (this.#isEmbedded) addEventListener('message', this.#onMessage);
  }

  tell(message: DeskMessage): void {
    if (!this.#isEmbedded) return;
    // A browser delivers it to the parent only if the parent is of this origin.
    for (const origin of this.#origins) parent.postMessage({ protocol: kProtocol, ...message }, origin);
  }

  close(): void {
    removeEventListener('message', this.#onMessage);
  }

  get #isEmbedded(): boolean {
    return parent !== window;
  }

  #take({ source, origin, data }: MessageEvent<unknown>): void {
    if (source !== parent || !this.#origins.includes(origin)) return;
    const message = hostMessage(data);
    if (message) this.#listener(message);
  }
}

export function tellable(payment: Payment): TellablePayment {
  const { id, phase, stage, secure, result, charged, currency, transactionId, brand, last4 } = payment;
  return {
    sessionId: id,
    phase,
    stage,
    secure,
    result,
    amountCharged: charged,
    currency,
    transactionId,
    brand,
    last4,
  };
}
