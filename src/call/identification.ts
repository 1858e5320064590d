import type { IdvResult } from '../dialog/controller.ts';
import type { PaymentOrder } from '../dialog/policy.ts';
import type { Log } from '../ports/log.ts';
import type { Key } from '../ports/media.ts';
import type { HeaderReader, SipHeaders } from '../ports/signaling.ts';
import { CallOut } from './call-out.ts';
import { trunkFor } from './hand-over.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { PaymentRoom } from './payment-room.ts';
import { release, type Side } from './side.ts';

/** Who is to be identified, and what the application learns of it. */
export interface IdentificationTask {
  readonly customer: Side;
  /** SIP URI of the application. */
  readonly target: string;
  readonly from: string;
  readonly headers: SipHeaders;
}

/** What the application is told of whom it has before it. */
export function identificationHeaders({ sessionId, customerId, reference }: PaymentOrder): SipHeaders {
  return {
    'X-Pay-Session': sessionId,
    ...(customerId !== null && { 'X-Pay-Customer-Id': customerId }),
    ...(reference !== null && { 'X-Pay-Reference': reference }),
  };
}

/**
 * Has a caller identified by an application: calls it, lets the two talk, and takes its verdict from `X-Pay-Identified` of its BYE or
 * re-INVITE, or from whoever else tells. Made with the call; close() when that is over.
 */
export class Identification {
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  #calling: CallOut | undefined;
  #app: Side | undefined;
  #verdict: ((result: IdvResult) => void) | undefined;

  constructor(deps: IvrCallDeps, log: Log) {
    this.#deps = deps;
    this.#log = log;
  }

  /** Resolves with the verdict, when the application has gone. */
  async run(task: IdentificationTask): Promise<IdvResult> {
    const { settings, plane } = this.#deps;
    const state = { topology: 'inline', clamp: settings.policy.agent.clamp, promptsTo: 'customer' } as const;
    const room = new PaymentRoom(plane, state, this.#log);
    const verdict = new Promise<IdvResult>((resolve) => {
      this.#verdict = resolve;
    });
    try {
      await room.join(task.customer.party);
      const isThere = await this.#call(task, room);
      return isThere ? await verdict : 'abandoned';
    } finally {
      this.#verdict = undefined;
      await this.#end(room, task.headers);
      await room.leave(task.customer.party);
      await room.close();
    }
  }

  /** A verdict by another way. @returns false if none is waited for. */
  tell(result: IdvResult): boolean {
    const verdict = this.#verdict;
    this.#verdict = undefined;
    verdict?.(result);
    return verdict !== undefined;
  }

  /** The caller's key by SIP INFO. */
  key(key: Key): void {
    void this.#app?.leg.sendKey(key);
  }

  /** The call is over, or waited long enough. */
  close(): void {
    this.#calling?.cancel();
    this.tell('abandoned');
  }

  async #call(task: IdentificationTask, room: PaymentRoom): Promise<boolean> {
    const { customer, target, from, headers } = task;
    const { settings, signaling } = this.#deps;
    const calling = new CallOut(
      { signaling, room, advertisedAddress: settings.advertisedAddress, log: this.#log },
      {
        role: 'agent',
        target,
        from,
        headers,
        trunk: trunkFor(this.#deps, customer.trunk),
        ringMs: settings.inline.ringMs,
        prefer: customer.legMedia.codec,
        onHold: () => {},
        onReoffer: (header) => this.#read(header),
        onProgress: () => {},
      },
    );
    this.#calling = calling;
    const called = await calling.run();
    if (called.kind === 'refused') {
      this.#log.warn({ status: called.status }, 'the identification application was not reached');
      return false;
    }
    const { side } = called;
    this.#app = side;
    side.leg.onBye((_reason, header) => {
      this.#read(header);
      this.tell('abandoned'); // it has gone without a word
      return {};
    });
    side.party.media.onEnd(() => void this.tell('abandoned'));
    return true;
  }

  #read(header: HeaderReader): void {
    const said = header('X-Pay-Identified')?.trim().toLowerCase();
    if (said === 'true') this.tell('verified');
    else if (said === 'false') this.tell('failed');
  }

  async #end(room: PaymentRoom, headers: SipHeaders): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    if (!app) return;
    await app.leg.bye(headers);
    await room.leave(app.party);
    await release(room, app.party.media, app.legMedia);
  }
}
