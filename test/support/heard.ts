import type { Caller } from '../../src/phone/caller.ts';
import { sine } from '../../src/phone/tones.ts';
import { until } from './payment-lab.ts';
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

/** … as soon as that is so much, however late a busy machine brings it. */
export async function heardFor(ears: Ears, packets: number, ms: number): Promise<Int16Array> {
  const { packets: all } = ears.rtp;
  await until(() => {
    const [first, last] = [all[packets], all.at(-1)];
    return first !== undefined && last !== undefined && (last.timestamp - first.timestamp) >>> 0 >= 8 * ms;
  }, `${ms} ms of sound`);
  return heardSince(ears, packets);
}

const kSayMs = 1000;
const kOnItsWayMs = 300;
const kTries = 3;
const kFaintDbm0 = -60;
const kNothingDbm0 = -99;
const kWindow = 2000; // samples: a quarter of a second
const kStep = 400;

/**
 * How loud a tone of one is to the other, in dBm0: in the loudest quarter of a second, whenever a busy machine lets it be heard. What is not heard
 * is said again, twice.
 */
export async function loudness(from: Ears, to: Ears, hz: number): Promise<number> {
  let loudest = kNothingDbm0;
  for (let said = 0; said < kTries && loudest < kFaintDbm0; said++)
    loudest = Math.max(loudest, await loudnessOnce(from, to, hz));
  return loudest;
}

async function loudnessOnce(from: Ears, to: Ears, hz: number): Promise<number> {
  const before = to.rtp.packets.length;
  await from.rtp.say(sine(hz, kSayMs));
  const heard = await heardFor(to, before, kSayMs + kOnItsWayMs);
  const starts = Array.from(
    { length: Math.max(0, 1 + (heard.length - kWindow) / kStep) },
    (_, n) => n * kStep,
  );
  return Math.max(kNothingDbm0, ...starts.map((at) => steadyLevelDbm0(heard.subarray(at, at + kWindow), hz)));
}
