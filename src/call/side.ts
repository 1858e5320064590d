import type { Log } from '../ports/log.ts';
import type { MediaSession, OpenOptions } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type { HeaderReader, IncomingCall, SignalingLeg, TrunkRights } from '../ports/signaling.ts';
import type { BridgedRole } from './bridge.ts';
import { LegMedia } from './leg-media.ts';
import type { PaymentRoom } from './payment-room.ts';

/** An answered leg of a bridge. */
export interface Side<R extends Role = BridgedRole> {
  /** As the room knows it. */
  readonly party: { readonly role: R; readonly media: MediaSession };
  readonly legMedia: LegMedia;
  readonly leg: SignalingLeg;
  /** What the configuration says of the peer. */
  readonly trunk: TrunkRights;
}

export interface SideMediaOptions {
  readonly advertised: string | null;
  readonly onHold: (held: boolean) => void;
  readonly onReoffer: (header: HeaderReader) => void;
}

/** The media of a leg that calls us. */
export function legMediaOf(
  incoming: IncomingCall,
  media: MediaSession,
  options: SideMediaOptions,
  log: Log,
): LegMedia {
  const { codecs, codecOrder = 'peer' } = incoming.trunk;
  return new LegMedia(media, incoming, { ...options, codecs: { codecs, order: codecOrder } }, log);
}

/** How the sockets of a leg that calls us shall be. */
export function openOptionsOf({ trunk }: IncomingCall): OpenOptions {
  return { sharesPort: trunk.media?.sharesPort ?? false };
}

/** Answers an INVITE. @returns undefined if nothing came of it; the peer has been told. */
export async function answerWith<R extends Role>(
  open: () => Promise<MediaSession>,
  role: R,
  incoming: IncomingCall,
  options: SideMediaOptions,
  log: Log,
): Promise<Side<R> | undefined> {
  let media: MediaSession | undefined;
  let legMedia: LegMedia | undefined;
  try {
    media = await open();
    legMedia = legMediaOf(incoming, media, options, log);
    const established = await legMedia.establish(incoming);
    if (established.kind === 'established')
      return { party: { role, media }, legMedia, leg: established.leg, trunk: incoming.trunk };
    if (established.kind === 'refused') incoming.reject(established.status, established.reason);
  } catch (error) {
    log.warn({ err: error }, 'a leg that was to come in did not');
    if (!media) incoming.reject(503, 'Service Unavailable');
  }
  legMedia?.wipe();
  await media?.close().catch(() => undefined);
  return undefined;
}

/** … and lets the leg into the room. */
export async function answerInto<R extends Role>(
  room: PaymentRoom,
  role: R,
  incoming: IncomingCall,
  options: SideMediaOptions,
  log: Log,
): Promise<Side<R> | undefined> {
  const opened: MediaSession[] = [];
  const open = async (): Promise<MediaSession> => {
    const media = await room.openMedia(openOptionsOf(incoming));
    opened.push(media);
    return media;
  };
  const side = await answerWith(open, role, incoming, options, log);
  try {
    if (side) await enter(room, side);
    else for (const media of opened) room.forget(media);
    return side;
  } catch (error) {
    log.warn({ err: error }, 'a leg that was to come in did not');
    if (side) await release(room, side.party.media, side.legMedia);
    return undefined;
  }
}

/** Lets an answered leg into the room. Rejects, after its BYE, where it cannot be. */
export async function enter(room: PaymentRoom, { party, leg }: Side<Role>): Promise<void> {
  try {
    if (!room.parties.includes(party)) await room.join(party);
  } catch (error) {
    await leg.bye({ Reason: 'SIP;cause=503;text="no place in the room"' });
    throw error;
  }
}

/** Ends the media of a leg that is over. Never rejects. */
export async function release(room: PaymentRoom, media: MediaSession, legMedia: LegMedia): Promise<void> {
  room.forget(media);
  legMedia.wipe();
  await media.close().catch(() => undefined);
}
