import type { MediaSession, MediaStats } from '../ports/media.ts';
import { kRoles, type Role } from '../ports/payment-sessions.ts';
import type { IncomingCall, SignalingLeg, SipHeaders } from '../ports/signaling.ts';
import type { CallOrigin } from './order.ts';
import type { PaymentRoom } from './payment-room.ts';
import type { Side } from './side.ts';

/** A leg in a room of several: how it came does not matter any more. Closed by the call. */
export class RoomLeg {
  readonly side: Side<Role>;
  readonly origin: CallOrigin;
  /** Resolves when the leg is over and its media closed. */
  readonly gone: Promise<void>;
  readonly #room: PaymentRoom;
  readonly #gone = Promise.withResolvers<void>();
  #closing: Promise<MediaStats> | undefined;

  /** @param side - in the room already. */
  constructor(side: Side<Role>, origin: CallOrigin, room: PaymentRoom) {
    this.side = side;
    this.origin = origin;
    this.#room = room;
    this.gone = this.#gone.promise;
  }

  get role(): Role {
    return this.side.party.role;
  }

  get media(): MediaSession {
    return this.side.party.media;
  }

  get signaling(): SignalingLeg {
    return this.side.leg;
  }

  bye(headers: SipHeaders): Promise<void> {
    return this.signaling.bye(headers);
  }

  /** Out of the room, and no media any more; a second close gives the same promise. */
  close(): Promise<MediaStats> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<MediaStats> {
    await this.#room.leave(this.side.party);
    this.side.legMedia.wipe();
    return this.media.close().finally(this.#gone.resolve);
  }
}

/** A customer in nobody's room. */
export function aloneOf({ side, media }: RoomLeg): Side {
  return { ...side, party: { role: 'customer', media } };
}

/**
 * What a leg is: `X-Pay-Role`, in a header or in the request URI, where its trunk is trusted with call data; the customer otherwise.
 * `caller` is the customer too.
 * @returns undefined for a role there is not.
 */
export function roleOf(incoming: IncomingCall): Role | undefined {
  const named = incoming.trunk.maySetAmounts
    ? (incoming.header('X-Pay-Role') ?? /[;?&](?:X-Pay-)?Role=([^;?&]+)/i.exec(incoming.requestUri)?.[1])
    : undefined;
  const role = named?.trim().toLowerCase() ?? 'customer';
  return role === 'caller' ? 'customer' : kRoles.find((each) => each === role);
}
