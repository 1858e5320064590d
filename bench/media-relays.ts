// What can carry the packets of `npm run bench -- media`: each is given the same legs and the same load.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { launchMedia } from '../src/media/media.ts';
import type { Log } from '../src/ports/log.ts';
import type { Hearing, MediaRoom, MediaSession } from '../src/ports/media.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { median } from './figures.ts';
import { type Figures, kBuild, kSeconds, kWarmSeconds, linesOf, nextLine } from './media-load.ts';
import { residentKb } from './processes.ts';

/** The core of whatever is measured; the load has another. */
export const kServerCpu = 0;
const kFirstPort = 20_000;

/** What carries the packets: the process to watch, and where each leg sends to. */
export interface Relay {
  readonly pid: number;
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
  return { pid, ports, stop };
}

export async function startHushpay(options: Carried & { readonly callerForAgent: Hearing }): Promise<Relay> {
  const { sessions, loadPort, callerForAgent } = options;
  const config = { bindAddress: '127.0.0.1', portMin: kFirstPort, portMax: kFirstPort + 8 * sessions + 999 };
  const media = await launchMedia(
    { ...config, mediaTimeoutMs: 0, portRestMs: 0, maxBusy: 1 },
    [],
    kSystemClock,
    kNoLog,
  );
  const pid = media.pids[0] ?? 0;
  pin(pid, kServerCpu);
  const legs: MediaSession[] = [];
  const rooms: MediaRoom[] = [];
  for (let session = 0; session < sessions; session++) {
    const [caller, agent] = [await openLeg(2 * session), await openLeg(2 * session + 1)];
    const room = await media.openRoom(caller);
    await room.join(caller);
    await room.join(agent);
    await room.hear(caller, agent, { kind: 'open' });
    await room.hear(agent, caller, callerForAgent);
    legs.push(caller, agent);
    rooms.push(room);
  }
  async function openLeg(leg: number): Promise<MediaSession> {
    const session = await media.open();
    await session.connect({
      address: addressOf(leg),
      port: loadPort,
      rtcpPort: loadPort + 1,
      codec: 'PCMU',
      payloadType: 0,
      eventPayloadType: 101,
      ptimeMs: 20,
      sending: true,
      receiving: true,
      ignoresTones: leg % 2 === 1, // the agent has no menu to press keys in
    });
    return session;
  }
  const figures = async (): Promise<Figures> => {
    const [worker] = media.stats();
    const voices = (await Promise.all(rooms.map((room) => room.figures()))).flat();
    return {
      ticksLatePercent: (100 * (worker?.ticksLate ?? 0)) / Math.max(1, worker?.ticks ?? 0),
      tickLateMaxMs: worker?.tickLateMaxMs ?? 0,
      playoutMs: median(voices.map(({ playoutMs }) => playoutMs)),
      concealedPercent:
        voices.reduce((sum, { concealedMs }) => sum + concealedMs, 0) /
        (10 * (kWarmSeconds + kSeconds) * voices.length),
      rssKbPerSession: residentKb(pid) / sessions,
    };
  };
  return { pid, ports: legs.map(({ port }) => port), figures, stop: () => media.stop() };
}

/** Where the load's legs live: one address each (native/bench/legs.h). */
export function addressOf(leg: number): string {
  const value = 0x7f10_0000 + leg;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** On a core of its own and, where that is allowed, before everything else that wants it: other work on the machine is not measured. */
export function pin(pid: number, cpu: number): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(cpu), String(pid)]);
  spawnSync('chrt', ['-a', '-r', '-p', '10', String(pid)]);
}

const kNoLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => kNoLog,
};
