import type { Log } from '../ports/log.ts';
import type { DialAction, Role } from '../ports/payment-sessions.ts';
import type { IncomingCall, TrunkRights } from '../ports/signaling.ts';
import { CallOut } from './call-out.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import type { Refusal } from './leg-media.ts';
import type { CallOrigin } from './order.ts';
import type { PaymentRoom } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';
import { RoomLeg, roleOf } from './room-leg.ts';
import { answerInto, type Side } from './side.ts';

const kMostLegs = 8;
const kBusy: Refusal = { status: 486, reason: 'Busy Here' };
const kOurUser = 'pay';

/** What the call does about those who come. */
export interface ArrivalHooks {
  isOver(): boolean;
  onHold(role: Role, held: boolean): void;
  /** It is in the room. */
  onArrived(leg: RoomLeg): void;
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

  /** Takes a leg's INVITE. Resolves when the leg is over; never rejects. */
  async join(incoming: IncomingCall): Promise<void> {
    const role = roleOf(incoming);
    const log = this.#log.child({ callId: incoming.callId, role });
    const refusal = role ? this.refusalOf(role) : { status: 400, reason: 'Bad X-Pay-Role' };
    if (!role || refusal) {
      const { status, reason } = refusal ?? kBusy;
      log.info({ reason }, 'the leg is not let in');
      this.#deps.meter.callRefused(reason.toLowerCase());
      incoming.reject(status, reason);
      return;
    }
    await this.#bring(role, log, async () => {
      const side = await answerInto(this.#room, role, incoming, this.#mediaOptions(role), log);
      if (!side) this.#deps.meter.callRefused('no leg came about');
      return side && { side, origin: incoming };
    });
  }

  /** Calls somebody into the room. Resolves when the leg is over, or was none; never rejects. */
  async dial({ role, to }: DialAction, trunk: TrunkRights): Promise<void> {
    const { signaling, legs, settings } = this.#deps;
    const log = this.#log.child({ role, trunk: trunk.name });
    const { advertisedAddress, inline } = settings;
    const callOut = new CallOut(
      { signaling, legs, room: this.#room, advertisedAddress, log },
      {
        role,
        target: to,
        from: kOurUser,
        headers: { 'X-Pay-Session': this.#session.id },
        trunk,
        ringMs: inline.ringMs,
        prefer: undefined,
        onProgress: () => {},
        ...this.#mediaOptions(role),
      },
    );
    this.#calling.add(callOut);
    this.#session.events.add({ type: 'dialling', role });
    await this.#bring(role, log, async () => {
      const called = await callOut.run();
      if (called.kind === 'answered') return { side: called.side, origin: originOf(called.side, to, role) };
      this.#session.events.add({ type: 'not_reached', role, status: called.status });
      log.info({ status: called.status }, 'somebody who was called does not come');
      return undefined;
    });
    this.#calling.delete(callOut);
  }

  /** Why a leg of this role cannot come in. */
  refusalOf(role: Role): Refusal | undefined {
    if (this.#hooks.isOver()) return { status: 404, reason: 'Not Found' };
    const isTaken = this.#isCustomerDue || this.#room.with('customer').length > 0;
    if (role === 'customer' && isTaken) return kBusy;
    return this.#room.parties.length >= kMostLegs ? kBusy : undefined;
  }

  /** Whoever still rings is not called any more. */
  cancel(): void {
    for (const callOut of this.#calling) callOut.cancel();
  }

  /** A leg from its beginning to its end. */
  async #bring(
    role: Role,
    log: Log,
    come: () => Promise<{ readonly side: Side<Role>; readonly origin: CallOrigin } | undefined>,
  ): Promise<void> {
    if (role === 'customer') this.#isCustomerDue = true;
    try {
      const came = await come();
      if (!came) return;
      const leg = new RoomLeg(came.side, came.origin, this.#room);
      this.#session.events.add({ type: 'joined', role });
      log.info({ trunk: came.side.trunk.name }, 'a leg has joined');
      this.#hooks.onArrived(leg);
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
function originOf({ leg, trunk }: Side, to: string, role: Role): CallOrigin {
  const user = /^sips?:([^@;?]*)@/i.exec(to)?.[1] ?? '';
  return {
    callId: leg.name.callId,
    trunk,
    from: role === 'customer' ? user : kOurUser,
    dialled: kOurUser,
    requestUri: to,
    header: () => undefined,
  };
}
