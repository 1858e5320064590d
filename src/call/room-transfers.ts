import type { IncomingCall, ReferRequest } from '../ports/signaling.ts';
import type { HeldLegs } from './held-legs.ts';
import { passedHeaders } from './passed-headers.ts';
import type { RoomArrivals } from './room-arrivals.ts';
import type { RoomLeg } from './room-leg.ts';

/** What the call says of its legs. */
export interface TransferHooks {
  legs(): Iterable<RoomLeg>;
  /** The customer is not sent away while a payment runs. */
  isPaying(): boolean;
}

export interface TransferDeps {
  /** Names of the headers that go on to whom a REFER names. */
  readonly passHeaders: readonly string[];
  readonly legs: HeldLegs;
}

/**
 * Somebody else in the place of a customer or an agent: the peer asks us to call them (REFER, RFC 3515), or they call us (INVITE with
 * Replaces, RFC 3891). The new leg is in the room before the old one is out of it, so that nobody is missed. Made with the call.
 */
export class RoomTransfers {
  readonly #arrivals: RoomArrivals;
  readonly #deps: TransferDeps;
  readonly #hooks: TransferHooks;

  constructor(arrivals: RoomArrivals, deps: TransferDeps, hooks: TransferHooks) {
    this.#arrivals = arrivals;
    this.#deps = deps;
    this.#hooks = hooks;
  }

  listenTo(leg: RoomLeg): void {
    leg.signaling.onRefer((request) => this.#onRefer(leg, request));
    const { trunk } = leg.side;
    const replace = (incoming: IncomingCall): Promise<void> => this.#replace(leg, incoming);
    void leg.gone.then(this.#deps.legs.hold(leg.signaling.name, { trunk, replace }));
  }

  /** Takes the INVITE of somebody who is to replace a leg. Resolves when the new leg is over. */
  async #replace(leg: RoomLeg, incoming: IncomingCall): Promise<void> {
    if ([...this.#hooks.legs()].includes(leg)) await this.#arrivals.join(incoming, leg);
    else incoming.reject(603, 'Decline');
  }

  #onRefer(leg: RoomLeg, request: ReferRequest): void {
    const { role } = leg;
    const isParty = role === 'customer' || role === 'agent';
    if (!isParty || !leg.side.trunk.mayTransfer || !this.#isFree(leg)) {
      request.reject(603, 'Decline');
      return;
    }
    const report = request.accept();
    const { target, header, targetHeaders } = request;
    const headers = { ...passedHeaders(header, this.#deps.passHeaders), ...targetHeaders };
    void this.#arrivals.dial({ role, to: target }, leg.side.trunk, {
      headers,
      place: leg,
      onStatus: (status, reason) => report.tell(status, reason),
    });
  }

  /** Customer or agent, still there, and nobody who must stay. */
  #isFree(leg: RoomLeg): boolean {
    const isThere = [...this.#hooks.legs()].includes(leg);
    if (leg.role === 'customer') return isThere && !this.#hooks.isPaying();
    return isThere && leg.role === 'agent';
  }
}
