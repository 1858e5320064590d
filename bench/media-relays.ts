// What can carry the packets of `npm run bench -- media`: each is given the same legs and the same load.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { launchMedia, type Media } from '../src/media/media.ts';
import type { Log } from '../src/ports/log.ts';
import type { Hearing, MediaRoom, MediaSession } from '../src/ports/media.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { median } from './figures.ts';
import { type Figures, kBuild, kSeconds, kWarmSeconds, linesOf, nextLine } from './media-load.ts';
import { residentKb } from './processes.ts';

/** The core of whatever is measured; the load has another. */
export const kServerCpu = 0;
const kFirstPort = 20_000;
const kLastPort = 39_999;
/** Another build of the worker, to compare with. */
const kWorker = process.env['HUSHPAY_BENCH_WORKER'];

/** What carries the packets: the processes to watch, and where each leg sends to. */
export interface Relay {
  readonly pids: readonly number[];
  readonly ports: readonly number[];
  /** What it says of itself when the load is over. */
  figures?(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

/** What every relay is to carry. */
export interface Carried {
  readonly sessions: number;
  readonly loadPort: number;
}

export async function startEpollRelay({ sessions, loadPort }: Carried): Promise<Relay> {
  const child = spawn(join(kBuild, 'hushpay-epoll-relay'), [String(2 * sessions), String(loadPort)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = linesOf(child);
  const ports: number[] = [];
  for (let line = await nextLine(lines); line !== 'ready'; line = await nextLine(lines))
    ports.push(Number(line));
  const pid = child.pid ?? 0;
  pin(pid, kServerCpu);
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { pids: [pid], ports, stop };
}

/** Workers that refuse nothing, each on a core of its own. */
export async function startHushpay(
  options: Carried & {
    readonly callerForAgent: Hearing;
    readonly sharesPort?: boolean;
    readonly workers?: number;
  },
): Promise<Relay> {
  const { sessions, loadPort, callerForAgent, sharesPort, workers = 1 } = options;
  const media = await launchBenchMedia({ workers, maxBusy: 1 });
  const { pids } = media;
  const emptyKb = sum(pids.map(residentKb));
  const legs: MediaSession[] = [];
  const rooms: MediaRoom[] = [];
  for (let session = 0; session < sessions; session++) {
    const call = await openCall(media, 2 * session, loadPort, callerForAgent, sharesPort);
    legs.push(...call.legs);
    rooms.push(call.room);
  }
  const figures = async (): Promise<Figures> => {
    const stats = media.stats();
    const voices = (await Promise.all(rooms.map((room) => room.figures()))).flat();
    return {
      ticksLatePercent:
        (100 * sum(stats.map(({ ticksLate }) => ticksLate))) / sum(stats.map(({ ticks }) => ticks)),
      tickLateMaxMs: Math.max(...stats.map(({ tickLateMaxMs }) => tickLateMaxMs)),
      playoutMs: median(voices.map(({ playoutMs }) => playoutMs)),
      concealedPercent:
        sum(voices.map(({ concealedMs }) => concealedMs)) / (10 * (kWarmSeconds + kSeconds) * voices.length),
      rssKbPerSession: (sum(pids.map(residentKb)) - emptyKb) / sessions,
    };
  };
  return { pids, ports: legs.map(({ port }) => port), figures, stop: () => media.stop() };
}

/** @param settings.workers - each is given a core, from kServerCpu on. */
export async function launchBenchMedia(settings: {
  readonly workers: number;
  readonly maxBusy: number;
}): Promise<Media> {
  const config = { bindAddress: '127.0.0.1', portMin: kFirstPort, portMax: kLastPort };
  const media = await launchMedia(
    { ...config, ...settings, mediaTimeoutMs: 0, portRestMs: 0, ...(kWorker && { workerPath: kWorker }) },
    [],
    kSystemClock,
    kNoLog,
  );
  for (const [index, pid] of media.pids.entries()) pin(pid, kServerCpu + index);
  return media;
}

/**
 * Caller and agent in a room.
 * @param leg - number of the caller's leg at the load; the agent's is the next.
 */
export async function openCall(
  media: Media,
  leg: number,
  loadPort: number,
  callerForAgent: Hearing,
  sharesPort = false,
): Promise<{ readonly legs: readonly MediaSession[]; readonly room: MediaRoom }> {
  const options = { sharesPort };
  const caller = await media.open(undefined, options);
  const agent = await media.open(caller, options).catch(async (error: unknown) => {
    await caller.close();
    throw error;
  });
  const room = await media.openRoom(caller);
  for (const [index, session] of [caller, agent].entries()) {
    await session.connect({
      address: addressOf(leg + index),
      port: loadPort,
      rtcpPort: loadPort + 1,
      codec: 'PCMU',
      payloadType: 0,
      eventPayloadType: 101,
      ptimeMs: 20,
      sending: true,
      receiving: true,
      ignoresTones: session === agent, // who has no menu to press keys in
    });
    await room.join(session);
  }
  await room.hear(caller, agent, { kind: 'open' });
  await room.hear(agent, caller, callerForAgent);
  return { legs: [caller, agent], room };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Where the load's legs live: one address each (native/bench/legs.h). */
export function addressOf(leg: number): string {
  const value = 0x7f10_0000 + leg;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** On a core of its own and, where that is allowed, before everything else that wants it: other work on the machine is not measured. */
export function pin(pid: number, cpus: number | string, priority = 10): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(cpus), String(pid)]);
  spawnSync('chrt', ['-a', '-r', '-p', String(priority), String(pid)]);
}

const kNoLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => kNoLog,
};
