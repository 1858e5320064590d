// What callers hear when a media worker is killed, or hangs, under many calls: the longest pause in the packets they get.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { kill } from 'node:process';
import { launchMedia, type Media } from '../src/media/media.ts';
import { RtpPhone } from '../src/phone/rtp-phone.ts';
import type { Log } from '../src/ports/log.ts';
import type { MediaSession } from '../src/ports/media.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { loadCatalog } from '../src/prompt/catalog.ts';
import { percentile, rounded } from './figures.ts';

const kPortMin = 42_000;
const kLegs = 400; // 200 calls of a caller and an agent
const kListening = 20; // legs whose packets are timed; the others send to a socket nobody reads
const kRounds = 5;
const kQuiet: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => kQuiet,
};

export interface KillFigures {
  readonly legs: number;
  readonly rounds: number;
  /** Longest time between two packets of a leg around the end of its worker, over legs and rounds. */
  readonly gapMs: { readonly p50: number; readonly max: number };
}

/** @param signal - SIGKILL for a crash, SIGSTOP for a hang. */
export async function measureKill(signal: 'SIGKILL' | 'SIGSTOP', audioDir = 'audio'): Promise<KillFigures> {
  const clips = loadCatalog(audioDir, ['en-US']).clips;
  const portMax = kPortMin + 2 * kLegs + 99;
  const config = {
    bindAddress: '127.0.0.1',
    portMin: kPortMin,
    portMax,
    mediaTimeoutMs: 0,
    portRestMs: 0,
    maxBusy: 1,
  };
  const media = await launchMedia(config, clips, kSystemClock, kQuiet);
  const sink = await openSink();
  const phones = await Promise.all(Array.from({ length: kListening }, () => RtpPhone.open()));
  try {
    const sessions = await Promise.all(Array.from({ length: kLegs }, () => media.open()));
    await Promise.all(sessions.map((session, index) => connect(session, phones[index], sink)));
    const gaps: number[] = [];
    for (let round = 0; round < kRounds; round++) gaps.push(...(await gapsOfOneKill(media, phones, signal)));
    gaps.sort((one, other) => one - other);
    return {
      legs: kLegs,
      rounds: kRounds,
      gapMs: { p50: rounded(percentile(gaps, 0.5)), max: rounded(gaps.at(-1) ?? Number.NaN) },
    };
  } finally {
    for (const phone of phones) phone.close();
    sink.close();
    await media.stop();
  }
}

async function gapsOfOneKill(
  media: Media,
  phones: readonly RtpPhone[],
  signal: NodeJS.Signals,
): Promise<number[]> {
  await pause(11_000); // a process that lived shorter is started again with a delay, for good reason
  const { restarts } = media;
  const sinceMs = performance.now() - 100;
  kill(media.pids[0] ?? 0, signal);
  while (media.restarts === restarts || !media.up) await pause(5);
  await pause(1_000);
  return phones.map((phone) => {
    const times = phone.packets.filter(({ atMs }) => atMs > sinceMs).map(({ atMs }) => atMs);
    phone.packets.length = 0;
    return Math.max(...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs)));
  });
}

async function connect(session: MediaSession, phone: RtpPhone | undefined, sink: Socket): Promise<void> {
  const port = phone?.port ?? sink.address().port;
  await session.connect({
    address: '127.0.0.1',
    port,
    rtcpPort: phone?.rtcpPort ?? port,
    codec: 'PCMU',
    payloadType: 0,
    eventPayloadType: 101,
    ptimeMs: 20,
    sending: true,
    receiving: true,
  });
  if (!phone) return;
  phone.connect(session);
  phone.start();
}

async function openSink(): Promise<Socket> {
  const sink = createSocket('udp4');
  sink.bind(0, '127.0.0.1');
  await once(sink, 'listening');
  return sink;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
