import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { MediaSession, MediaStats } from '../ports/media.ts';
import { kRoles, type Role } from '../ports/payment-sessions.ts';
import type { IncomingCall, SignalingLeg, SipHeaders } from '../ports/signaling.ts';
import { LegMedia } from './leg-media.ts';
import type { Party, PaymentRoom } from './payment-room.ts';

const kRetryAfterS = '5';

export interface RoomLegOptions {
  readonly room: PaymentRoom;
  readonly advertised: string | null;
  readonly onHold: (leg: RoomLeg | undefined, held: boolean) => void;
  readonly log: Log;
}

/** A leg of a call with several: its SIP dialog, its media, its place in the room. Made by answer(), closed by the call. */
export class RoomLeg implements Party {
  readonly role: Role;
  readonly media: MediaSession;
  readonly incoming: IncomingCall;
  readonly signaling: SignalingLeg;
  readonly #legMedia: LegMedia;
  readonly #room: PaymentRoom;
  #closing: Promise<MediaStats> | undefined;

  private constructor(
    role: Role,
    incoming: IncomingCall,
    signaling: SignalingLeg,
    media: MediaSession,
    legMedia: LegMedia,
    room: PaymentRoom,
  ) {
    this.role = role;
    this.incoming = incoming;
    this.signaling = signaling;
    this.media = media;
    this.#legMedia = legMedia;
    this.#room = room;
  }

  /** Answers the INVITE and lets the leg into the room. @returns why it is not in, after the peer was told. */
  static async answer(
    incoming: IncomingCall,
    role: Role,
    options: RoomLegOptions,
  ): Promise<RoomLeg | { readonly refused: string }> {
    const { room } = options;
    const media = await openMedia(incoming, room, options.log);
    if (!media) return { refused: 'Service Unavailable' };
    const { trunk } = incoming;
    let leg: RoomLeg | undefined;
    const legMedia = new LegMedia(
      media,
      incoming,
      {
        advertised: options.advertised,
        codecs: { codecs: trunk.codecs, order: trunk.codecOrder ?? 'peer' },
        onHold: (held) => options.onHold(leg, held),
      },
      options.log,
    );
    try {
      const established = await legMedia.establish(incoming);
      if (established.kind === 'established') {
        leg = new RoomLeg(role, incoming, established.leg, media, legMedia, room);
        return await leg.#enter();
      }
      if (established.kind === 'refused') incoming.reject(established.status, established.reason);
      await discard(room, media, legMedia);
      return { refused: established.reason };
    } catch (error) {
      await discard(room, media, legMedia);
      throw error;
    }
  }

  /** Says goodbye and goes. */
  async bye(headers: SipHeaders): Promise<MediaStats> {
    await this.signaling.bye(headers);
    return this.close();
  }

  /** Out of the room, and no media any more; a second close gives the same promise. */
  close(): Promise<MediaStats> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #enter(): Promise<RoomLeg | { readonly refused: string }> {
    try {
      await this.#room.join(this);
      return this;
    } catch (error) {
      await this.bye({ Reason: 'SIP;cause=503;text="no place in the room"' });
      if (error instanceof AppError) return { refused: error.message };
      throw error;
    }
  }

  async #close(): Promise<MediaStats> {
    await this.#room.leave(this);
    this.#legMedia.wipe();
    return this.media.close();
  }
}

async function openMedia(
  incoming: IncomingCall,
  room: PaymentRoom,
  log: Log,
): Promise<MediaSession | undefined> {
  try {
    return await room.openMedia();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log.error({ err: error }, 'no media for the leg');
    incoming.reject(503, 'Service Unavailable', { 'Retry-After': kRetryAfterS });
    return undefined;
  }
}

async function discard(room: PaymentRoom, media: MediaSession, legMedia: LegMedia): Promise<void> {
  room.forget(media);
  legMedia.wipe();
  await media.close();
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
