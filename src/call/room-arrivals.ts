import type { Log } from '../ports/log.ts';
import type { DialAction, Role } from '../ports/payment-sessions.ts';
import type { IncomingCall, SipHeaders, TrunkRights } from '../ports/signaling.ts';
import { CallOut } from './call-out.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import type { Refusal } from './leg-media.ts';
import type { CallOrigin } from './order.ts';
import type { PaymentRoom } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';
import { RoomLeg, roleOf } from './room-leg.ts';
import { answerInto, type Side } from './side.ts';

const kMostLegs = 8;
const kOurUser = 'pay';

/** Why a leg cannot come in: to its peer, and to the agent who wanted it. */
export interface NoEntry extends Refusal {
  readonly why: string;
}

const kBusy = { status: 486, reason: 'Busy Here' };
const kNotFound = { status: 404, reason: 'Not Found' };

/** What the call does about those who come. */
export interface ArrivalHooks {
  isOver(): boolean;
  onHold(role: Role, held: boolean): void;
  /**
   * It is in the room.
   * @param place - whose place it takes.
   */
  onArrived(leg: RoomLeg, place: RoomLeg | undefined): void;
}

/** A call of ours on behalf of somebody else. */
export interface DialDetail {
  /** Instead of those that name the session. */
  readonly headers?: SipHeaders;
  /** Who leaves when it is answered. */
  readonly place?: RoomLeg;
  /** Told of every response of the one who is called. */
  readonly onStatus?: (status: number, reason: string) => void;
}

/** How legs come into a room: by an INVITE of theirs, or by one of ours. Made with the call; cancel() when it is over. */
export class RoomArrivals {
  readonly #room: PaymentRoom;
  readonly #session: PaymentSession;
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  readonly #hooks: ArrivalHooks;
  readonly #calling = new Set<CallOut>();
  #isCustomerDue = false;

  constructor(room: PaymentRoom, session: PaymentSession, deps: IvrCallDeps, log: Log, hooks: ArrivalHooks) {
    this.#room = room;
    this.#session = session;
    this.#deps = deps;
    this.#log = log;
    this.#hooks = hooks;
  }

  /**
   * Takes a leg's INVITE. Resolves when the leg is over; never rejects.
   * @param place - whom it replaces.
   */
  async join(incoming: IncomingCall, place?: RoomLeg): Promise<void> {
    const role = place?.role ?? roleOf(incoming);
    const log = this.#log.child({ callId: incoming.callId, role });
    const refusal: Refusal | undefined = role
      ? this.refusalOf(role, place)
      : { status: 400, reason: 'Bad X-Pay-Role' };
    if (!role || refusal) {
      const { status, reason } = refusal ?? kBusy;
      log.info({ reason }, 'the leg is not let in');
      this.#deps.meter.callRefused(reason.toLowerCase());
      incoming.reject(status, reason);
      return;
    }
    await this.#bring(role, log, place, async () => {
      const side = await answerInto(this.#room, role, incoming, this.#mediaOptions(role), log);
      if (!side) this.#deps.meter.callRefused('no leg came about');
      return side && { side, origin: incoming };
    });
  }

  /** Calls somebody into the room. Resolves when the leg is over, or was none; never rejects. */
  async dial(
    { role, to }: Pick<DialAction, 'role' | 'to'>,
    trunk: TrunkRights,
    { headers = { 'X-Pay-Session': this.#session.id }, place, onStatus = () => {} }: DialDetail = {},
  ): Promise<void> {
    const { signaling, legs, settings } = this.#deps;
    const log = this.#log.child({ role, trunk: trunk.name });
    const { advertisedAddress, inline } = settings;
    const callOut = new CallOut(
      { signaling, legs, room: this.#room, advertisedAddress, log },
      {
        role,
        target: to,
        from: kOurUser,
        headers,
        trunk,
        ringMs: inline.ringMs,
        prefer: undefined,
        onProgress: ({ status, reason }) => onStatus(status, reason),
        ...this.#mediaOptions(role),
      },
    );
    this.#calling.add(callOut);
    this.#session.events.add({ type: 'dialling', role });
    await this.#bring(role, log, place, async () => {
      const called = await callOut.run();
      if (called.kind === 'answered') {
        onStatus(200, 'OK');
        return { side: called.side, origin: originOf(called.side, to, role) };
      }
      onStatus(called.status, called.reason);
      this.#session.events.add({ type: 'not_reached', role, status: called.status });
      log.info({ status: called.status }, 'somebody who was called does not come');
      return undefined;
    });
    this.#calling.delete(callOut);
  }

  /** Why a leg of this role cannot come in, perhaps in the place of another. */
  refusalOf(role: Role, place?: RoomLeg): NoEntry | undefined {
    if (this.#hooks.isOver()) return { ...kNotFound, why: 'the call is over' };
    const isTaken = this.#isCustomerDue || this.#room.with('customer').length > 0;
    if (place === undefined && role === 'customer' && isTaken)
      return { ...kBusy, why: 'the customer is on the line, or is being called' };
    return this.#room.parties.length >= kMostLegs ? { ...kBusy, why: 'the room is full' } : undefined;
  }

  /** Whoever still rings is not called any more. */
  cancel(): void {
    for (const callOut of this.#calling) callOut.cancel();
  }

  /** A leg from its beginning to its end. */
  async #bring(
    role: Role,
    log: Log,
    place: RoomLeg | undefined,
    come: () => Promise<{ readonly side: Side<Role>; readonly origin: CallOrigin } | undefined>,
  ): Promise<void> {
    if (role === 'customer') this.#isCustomerDue = true;
    try {
      const came = await come();
      if (!came) return;
      const leg = new RoomLeg(came.side, came.origin, this.#room);
      if (role === 'agent') this.#session.agentCame(came.side.user);
      this.#session.events.add({ type: 'joined', role, callId: came.origin.callId });
      log.info({ trunk: came.side.trunk.name }, 'a leg has joined');
      this.#hooks.onArrived(leg, place);
      await leg.gone;
    } catch (error) {
      log.error({ err: error }, 'the leg broke'); // a bug ends its leg, not the call
    } finally {
      if (role === 'customer') this.#isCustomerDue = false;
    }
  }

  #mediaOptions(role: Role) {
    return {
      advertised: this.#deps.settings.advertisedAddress,
      onHold: (held: boolean) => this.#hooks.onHold(role, held),
      onReoffer: () => {},
    };
  }
}

/** A leg we called has no call data of its own: what the session was prepared with counts. */
function originOf({ leg, trunk, user }: Side, to: string, role: Role): CallOrigin {
  return {
    callId: leg.name.callId,
    trunk,
    from: role === 'customer' ? user : kOurUser,
    dialled: kOurUser,
    requestUri: to,
    header: () => undefined,
  };
}
