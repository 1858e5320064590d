import type { MediaSession } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type { SignalingLeg, TrunkRights } from '../ports/signaling.ts';
import type { LegMedia } from './leg-media.ts';
import type { Party } from './payment-room.ts';

/** An answered leg in a call that is passed on. */
export interface Side {
  /** As the room knows it. */
  readonly party: Party;
  readonly legMedia: LegMedia;
  readonly leg: SignalingLeg;
  /** What the configuration says of the peer. */
  readonly trunk: TrunkRights;
}

export function isOf(side: Side, role: Role): boolean {
  return side.party.role === role;
}

/** Ends the media of a leg that is over. Never rejects. */
export async function release(media: MediaSession, legMedia: LegMedia): Promise<void> {
  legMedia.wipe();
  await media.close().catch(() => undefined);
}
