import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import wavefile from 'wavefile';
import { launchMedia } from '../src/media/media.ts';
import { encodeG711 } from '../src/phone/g711.ts';
import type { Log } from '../src/ports/log.ts';
import type { Hearing, MediaRoom, MediaSession } from '../src/ports/media.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { rounded } from './figures.ts';
import { measureKill } from './media-kill.ts';
import { type ClampMode, rtpengineProgram, startRtpengine } from './rtpengine.ts';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
const kBuild = join(kRoot, 'build/native');
const kSessions = Number(process.env['HUSHPAY_BENCH_SESSIONS'] ?? 150);
const kRounds = Number(process.env['HUSHPAY_BENCH_ROUNDS'] ?? 3);
const kWarmSeconds = 4;
const kSeconds = 6;
const kProbes = 10; // sessions that measure the latency
const kServerCpu = 0;
const kLoadCpu = 1;
const kFirstPort = 20_000;

/** What carries the packets: the process to watch, and where each leg sends to. */
export interface Relay {
  readonly pid: number;
  readonly ports: readonly number[];
  /** What it says of itself when the load is over. */
  figures?(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

interface Load {
  readonly received: number;
  readonly expected: number;
  readonly lost: number;
  readonly late: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly gapP99Ms: number;
}

type Figures = Readonly<Record<string, number>>;

/** The same load over each relay in turn, several rounds; medians. A session is two legs, both ways, PCMU of 20 ms. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-media-bench-'));
  const loadPort = 40_000;
  const speech = join(folder, 'speech.ul');
  writeFileSync(speech, speechFile());
  const relays: Readonly<Record<string, () => Promise<Relay>>> = {
    epollRelay: () => startEpollRelay(loadPort),
    hushpayOpen: () => startHushpay(loadPort, { kind: 'open' }),
    hushpaySecure: () => startHushpay(loadPort, { kind: 'clamped', mode: 'comfort_noise' }),
    ...(rtpengineProgram() ? rtpengines(loadPort) : {}),
  };
  const rounds = new Map<string, Figures[]>(Object.keys(relays).map((name) => [name, []]));
  try {
    for (let round = 0; round < kRounds; round++) {
      for (const [name, start] of Object.entries(relays)) {
        const figures = await measure(await start(), loadPort, speech);
        process.stderr.write(`${name} ${JSON.stringify(figures)}\n`);
        rounds.get(name)?.push(figures);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const [workerKill, workerHang] = [await measureKill('SIGKILL'), await measureKill('SIGSTOP')];
  return {
    sessions: kSessions,
    rounds: kRounds,
    ...summary(rounds),
    workerKillGapMs: workerKill.gapMs.max,
    workerKill,
    workerHang,
  };
}

function rtpengines(loadPort: number): Readonly<Record<string, () => Promise<Relay>>> {
  const start = (mode: ClampMode) => () =>
    startRtpengine({ legs: 2 * kSessions, loadPort, cpu: kServerCpu, mode });
  return { rtpenginePlain: start('plain'), rtpengineSecure: start('silence') };
}

function summary(rounds: ReadonlyMap<string, readonly Figures[]>): Readonly<Record<string, unknown>> {
  const medians = Object.fromEntries([...rounds].map(([name, all]) => [name, medianOf(all)]));
  const ratio = (of: string, to: string): number | string => {
    const ratios = (rounds.get(of) ?? []).flatMap((figures, round) => {
      const [own, other] = [figures['cpuNsPerPacket'], rounds.get(to)?.[round]?.['cpuNsPerPacket']];
      return own === undefined || other === undefined ? [] : [own / other];
    });
    const missing = rounds.has(to) ? of : to;
    return ratios.length === 0 ? `not there: ${missing} could not be run` : rounded(median(ratios));
  };
  return {
    ...medians,
    cpuPerPacketToEpollRelay: ratio('hushpaySecure', 'epollRelay'),
    cpuPerPacketToRtpenginePlain: ratio('hushpaySecure', 'rtpenginePlain'),
    cpuPerPacketToRtpengineSecure: ratio('hushpaySecure', 'rtpengineSecure'),
    // Sessions one core could carry, judged by CPU alone.
    ratioToRtpengineSecure: ratio('rtpengineSecure', 'hushpaySecure'),
  };
}

function medianOf(all: readonly Figures[]): Figures {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(all.map((figures) => figures[name] ?? Number.NaN)))]),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

async function measure(relay: Relay, loadPort: number, speech: string): Promise<Figures> {
  try {
    const load = spawn(
      join(kBuild, 'hushpay-rtp-load'),
      [loadPort, kWarmSeconds, kSeconds, speech, kProbes].map(String),
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    pin(load.pid ?? 0, kLoadCpu);
    load.stdin?.end(relay.ports.map((port) => `127.0.0.1 ${port}\n`).join(''));
    const lines = linesOf(load);
    await nextLine(lines);
    const before = cpuNsOf(relay.pid);
    const result = JSON.parse(await nextLine(lines)) as Load;
    const cpuNs = cpuNsOf(relay.pid) - before;
    return {
      cpuNsPerPacket: cpuNs / (2 * result.received),
      cpuPercent: cpuNs / (kSeconds * 1e7),
      missingPercent: (100 * (result.expected - result.received)) / result.expected,
      latePercent: (100 * result.late) / result.expected,
      latencyP50Ms: result.latencyP50Ms,
      latencyP99Ms: result.latencyP99Ms,
      gapP99Ms: result.gapP99Ms,
      ...(await relay.figures?.()),
    };
  } finally {
    await relay.stop();
  }
}

async function startEpollRelay(loadPort: number): Promise<Relay> {
  const child = spawn(join(kBuild, 'hushpay-epoll-relay'), [String(2 * kSessions), String(loadPort)], {
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

async function startHushpay(loadPort: number, callerForAgent: Hearing): Promise<Relay> {
  const config = { bindAddress: '127.0.0.1', portMin: kFirstPort, portMax: kFirstPort + 8 * kSessions + 999 };
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
  for (let session = 0; session < kSessions; session++) {
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
      rssKbPerSession: residentKb(pid) / kSessions,
    };
  };
  return { pid, ports: legs.map(({ port }) => port), figures, stop: () => media.stop() };
}

/** Where the load's legs live: one address each (native/bench/legs.h). */
export function addressOf(leg: number): string {
  const value = 0x7f10_0000 + leg;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

/** All recorded prompts, one behind the other, as mu-law. */
function speechFile(): Uint8Array {
  const audio = join(kRoot, 'audio');
  const files = readdirSync(audio, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.wav'),
  );
  return Buffer.concat(
    files.sort().map((file) => {
      const wav = new wavefile.WaveFile(readFileSync(join(audio, file)));
      return encodeG711('PCMU', Int16Array.from(wav.getSamples(false, Int16Array) as unknown as Int16Array));
    }),
  );
}

/** Time on a processor of all threads, in ns, with what the kernel did for them. */
export function cpuNsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) =>
      sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** On a core of its own and, where that is allowed, before everything else that wants it: other work on the machine is not measured. */
export function pin(pid: number, cpu: number): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(cpu), String(pid)]);
  spawnSync('chrt', ['-a', '-r', '-p', '10', String(pid)]);
}

function linesOf(child: ChildProcess): AsyncIterator<string> {
  if (!child.stdout) throw new Error('no output to read');
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error(`it ended early; ${existsSync(kBuild) ? 'see above' : 'npm run build:native'}`);
  return value;
}

const kNoLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => kNoLog,
};
