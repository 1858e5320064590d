import type { Caller } from '../../src/phone/caller.ts';
import { sine } from '../../src/phone/tones.ts';
import { steadyLevelDbm0 } from './tone-search.ts';

/** Whoever has a telephone. */
export interface Ears {
  readonly rtp: Caller['rtp'];
}

/** What a phone has heard since the packet with this number. Where a key was pressed there may be no packets, but there is time. */
export function heardSince({ rtp }: Ears, packets: number): Int16Array {
  const [first] = rtp.packets;
  const next = rtp.packets[packets];
  return next && first ? rtp.received().subarray((next.timestamp - first.timestamp) >>> 0) : new Int16Array();
}

/** How loud a tone of one is to the other, in dBm0. */
export async function loudness(from: Ears, to: Ears, hz: number): Promise<number> {
  const before = to.rtp.packets.length;
  await from.rtp.say(sine(hz, 1000));
  await to.rtp.silence(300);
  const heard = heardSince(to, before);
  return steadyLevelDbm0(heard.subarray(heard.length >> 2, heard.length >> 1), hz);
}
