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

const kSayMs = 1000;
const kWindow = 2000; // samples: a quarter of a second
const kStep = 400;

/** How loud a tone of one is to the other, in dBm0: in the loudest quarter of a second, whenever a busy machine lets it be heard. */
export async function loudness(from: Ears, to: Ears, hz: number): Promise<number> {
  const before = to.rtp.packets.length;
  await from.rtp.say(sine(hz, kSayMs));
  await to.rtp.silence(300);
  const heard = heardSince(to, before);
  const starts = Array.from(
    { length: Math.max(0, 1 + (heard.length - kWindow) / kStep) },
    (_, n) => n * kStep,
  );
  return Math.max(-99, ...starts.map((at) => steadyLevelDbm0(heard.subarray(at, at + kWindow), hz)));
}
