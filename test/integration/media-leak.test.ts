import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import wavefile from 'wavefile';
import { encodeRtp, type RtpPacket } from '../../src/phone/rtp-packet.ts';
import type { RtpPhone, RtpPhoneOptions } from '../../src/phone/rtp-phone.ts';
import { dtmfTone } from '../../src/phone/tones.ts';
import type { Hearing, Key, MediaSession } from '../../src/ports/media.ts';
import { eavesdrop, placeOf } from '../support/leak-meter.ts';
import { MediaFixture, noise } from '../support/media-fixture.ts';

const kTyped: readonly Key[] = [4, 1, 8, 13, 0, 3, 9, 10, 2, 14, 5, 7, 11, 6, 12, 15, 4, 9, 0, 1];
const kPressMs = 80;
const kPauseMs = 240;
const kMarker = noise(200, 7); // before the keys, heard by everybody: tells how late a listener hears
const kMarkerMs = 420; // whole packets, also of 30 ms
const kAroundMs = 100; // before a press and behind it that is listened to: playout moves by less
const kByChance = 5; // of twenty: to guess more of sixteen keys is luck of 1 in 900
const kMs = 8; // samples
const kSpeech = join(import.meta.dirname, '../../audio/en-GB/sum.menu.wav');

interface Condition {
  readonly name: string;
  readonly phone?: RtpPhoneOptions;
  readonly events?: boolean;
  /** A talker so far below each tone. */
  readonly speechBelowDb?: number;
  /** What the network does to the packets of the keys. */
  readonly network?: (phone: RtpPhone) => (packet: RtpPacket) => boolean;
}

const kConditions: readonly Condition[] = [
  { name: 'tones' },
  { name: 'tones of an A-law leg at 30 ms', phone: { codec: 'PCMA', ptimeMs: 30, eventPayloadType: null } },
  { name: 'events with their tones', events: true },
  { name: 'tones, 5 % of packets lost', network: losing(20) },
  { name: 'tones, packets 0 to 60 ms late', network: delaying(60) },
  { name: 'events with their tones, 5 % lost', events: true, network: losing(20) },
  { name: 'tones, somebody talking 15 dB below', speechBelowDb: 15 },
];

describe('an eavesdropper at his best, on what the agent receives', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start();
  });
  afterAll(() => fixture.stop());

  it.concurrent.each(kConditions)('decodes no more than by guessing: $name', async (condition) => {
    const { agent, coach, tonePresses } = await keyed(fixture, condition);
    // The same ear hears every key where nothing is clamped, so it is the clamp that keeps them.
    expect(named(coach)).toBeGreaterThanOrEqual(kTyped.length - 3);
    expect(named(agent)).toBeLessThanOrEqual(kByChance);
    expect(tonePresses).toBeGreaterThan(0);
    // And three milliseconds of each would have been enough.
    const leaky = agent.map((pcm, index) => withFragment(pcm, coach[index] ?? new Int16Array(0)));
    expect(named(leaky)).toBeGreaterThan((kTyped.length * 3) / 4);
  });
});

/** What both hear around every press; the agent clamped, the coach not. */
async function keyed(fixture: MediaFixture, condition: Condition) {
  const caller = await fixture.call(condition.phone);
  const [agent, coach] = [await fixture.call(), await fixture.call()];
  const room = await fixture.media.openRoom();
  for (const { session } of [caller, agent, coach]) await room.join(session);
  const listeners: readonly [{ readonly session: MediaSession }, Hearing][] = [
    [agent, { kind: 'clamped', mode: 'comfort_noise' }],
    [coach, { kind: 'open' }],
  ];
  for (const [{ session }, hearing] of listeners) await room.hear(session, caller.session, hearing);
  await agent.phone.silence(300);

  const marked = new Int16Array(kMarkerMs * kMs);
  marked.set(kMarker);
  caller.phone.say(marked);
  const onsetsMs = condition.events ? pressEvents(caller.phone) : sayTones(caller.phone, condition);
  await wait(kMarkerMs); // the marker itself is spared
  caller.phone.filter = condition.network?.(caller.phone) ?? (() => true);
  await caller.phone.silence(300);
  await agent.phone.silence(400);

  const around = ({ phone }: { readonly phone: RtpPhone }) => {
    const heard = phone.received();
    const marker = placeOf(kMarker, heard);
    return onsetsMs.map((ms) => {
      const onset = marker + (kMarkerMs + ms) * kMs;
      return heard.subarray(onset - kAroundMs * kMs, onset + (kPressMs + kAroundMs) * kMs);
    });
  };
  const heard = { agent: around(agent), coach: around(coach) };
  await room.close();
  const { clamp } = await caller.session.close();
  for (const { phone } of [caller, agent, coach]) phone.stop();
  return { ...heard, tonePresses: clamp?.tonePresses ?? 0 };
}

/** @returns when each key begins, after the marker. */
function sayTones(phone: RtpPhone, { speechBelowDb }: Condition): readonly number[] {
  const onsetsMs = kTyped.map((_, index) => index * (kPressMs + kPauseMs));
  const pcm = new Int16Array(kTyped.length * (kPressMs + kPauseMs) * kMs);
  for (const [index, key] of kTyped.entries())
    pcm.set(dtmfTone(key, { durationMs: kPressMs }), (onsetsMs[index] ?? 0) * kMs);
  if (speechBelowDb !== undefined) addSpeech(pcm, -10 - speechBelowDb);
  phone.say(pcm);
  return onsetsMs;
}

function pressEvents(phone: RtpPhone): readonly number[] {
  const kEndsMs = 60; // three end packets, a ptime each
  return kTyped.map((key, index) => {
    phone.pressEvent(key, { durationMs: kPressMs, withTone: true });
    phone.silence(kPauseMs);
    return index * (kPressMs + kEndsMs + kPauseMs);
  });
}

function addSpeech(pcm: Int16Array, levelDbm0: number): void {
  const speech = new wavefile.WaveFile(readFileSync(kSpeech)).getSamples(
    false,
    Int16Array,
  ) as unknown as Int16Array;
  const rms = Math.sqrt(speech.reduce((sum, sample) => sum + sample * sample, 0) / speech.length);
  const gain = (32767 * 10 ** ((levelDbm0 - 3.17) / 20)) / Math.SQRT2 / rms;
  for (let n = 0; n < pcm.length; n++)
    pcm[n] = Math.max(-32768, Math.min(32767, (pcm[n] ?? 0) + gain * (speech[n % speech.length] ?? 0)));
}

function named(presses: readonly Int16Array[]): number {
  return presses.filter((pcm, index) => eavesdrop(pcm) === kTyped[index]).length;
}

/** What was let through, had the clamp missed three milliseconds of the key: the loudest, wherever playout had it by then. */
function withFragment(clean: Int16Array, open: Int16Array): Int16Array {
  const pieces = Array.from({ length: Math.floor(open.length / (3 * kMs)) }, (_, index) =>
    open.subarray(index * 3 * kMs, (index + 1) * 3 * kMs),
  );
  const energy = (piece: Int16Array) => piece.reduce((sum, sample) => sum + sample * sample, 0);
  const loudest = pieces.reduce((best, piece) => (energy(piece) > energy(best) ? piece : best));
  const pcm = clean.slice();
  pcm.set(loudest, (pcm.length >> 1) - loudest.length);
  return pcm;
}

function losing(oneOf: number): NonNullable<Condition['network']> {
  return () => {
    const random = sequence(3);
    return () => random() * oneOf >= 1;
  };
}

function delaying(mostMs: number): NonNullable<Condition['network']> {
  return (phone) => {
    const random = sequence(5);
    return (packet) => {
      setTimeout(() => phone.sendRaw(encodeRtp(packet)), random() * mostMs);
      return false;
    };
  };
}

/** The same numbers from 0 to 1 every time. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
