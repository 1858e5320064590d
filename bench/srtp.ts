// What protecting the packets of a leg costs the media worker: CPU of the worker per packet, in or out, under each suite, beside
// plain RTP on the same worker in turns.
import { randomBytes } from 'node:crypto';
import type { RtpPhone } from '../src/phone/rtp-phone.ts';
import { kSrtpKeySizes, type MediaLink, type MediaSession, type SrtpSuite } from '../src/ports/media.ts';
import { MediaFixture, remoteOf } from '../test/support/media-fixture.ts';
import { rounded } from './figures.ts';
import { cpuNsOf } from './processes.ts';

const kLegs = 24;
const kRounds = 3;
const kMeasureMs = 3_000;
const kSettleMs = 500;
const kKinds = ['plain', ...(Object.keys(kSrtpKeySizes) as SrtpSuite[])] as const;
type Kind = (typeof kKinds)[number];

interface Leg {
  readonly phone: RtpPhone;
  readonly session: MediaSession;
}

/** Nanoseconds of CPU per packet by kind, median of the rounds, and the ratios to plain RTP. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const fixture = await MediaFixture.start();
  const costs = new Map<Kind, number[]>(kKinds.map((kind) => [kind, []]));
  try {
    for (let round = 0; round < kRounds; round++) {
      for (const kind of kKinds) costs.get(kind)?.push(await costOf(fixture, kind));
    }
  } finally {
    await fixture.stop();
  }
  const median = (kind: Kind) =>
    costs.get(kind)?.sort((a, b) => a - b)[Math.floor(kRounds / 2)] ?? Number.NaN;
  const plainNs = median('plain');
  const kinds = kKinds.map((kind) => [
    kind,
    { nsPerPacket: Math.round(median(kind)), ratio: rounded(median(kind) / plainNs) },
  ]);
  return { legs: kLegs, rounds: kRounds, ...Object.fromEntries(kinds) };
}

async function costOf(fixture: MediaFixture, kind: Kind): Promise<number> {
  const legs: Leg[] = [];
  for (let n = 0; n < kLegs; n++) legs.push(await openLeg(fixture, kind));
  await pause(kSettleMs);
  const pid = fixture.media.pids[0] ?? 0;
  const [packetsBefore, cpuBefore] = [packetsOf(legs), cpuNsOf(pid)];
  await pause(kMeasureMs);
  const [packets, cpuNs] = [packetsOf(legs) - packetsBefore, cpuNsOf(pid) - cpuBefore];
  for (const { phone, session } of legs) {
    phone.close();
    await session.close();
  }
  return cpuNs / packets;
}

async function openLeg(fixture: MediaFixture, kind: Kind): Promise<Leg> {
  const phone = await fixture.phone();
  const session = await fixture.media.open();
  await session.connect({ ...remoteOf(phone), ...(kind !== 'plain' && { link: secured(phone, kind) }) });
  phone.connect(session);
  phone.start();
  return { phone, session };
}

function secured(phone: RtpPhone, suite: SrtpSuite): MediaLink {
  const [send, receive] = [randomBytes(kSrtpKeySizes[suite]), randomBytes(kSrtpKeySizes[suite])];
  phone.secure({ suite, send, receive });
  const protection = { kind: 'sdes', suite, sendKey: receive, receiveKey: send } as const;
  return { protection, rtcpMux: false, ice: null, learnFrom: null };
}

/** Both ways. */
function packetsOf(legs: readonly Leg[]): number {
  return legs.reduce((sum, { phone }) => sum + phone.packetsSent + phone.packets.length, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
