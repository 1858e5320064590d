// Drives the load generator (native/bench/rtp_load.cc) against a relay and says what came back.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import wavefile from 'wavefile';
import { encodeG711 } from '../src/phone/g711.ts';
import { pin, type Relay } from './media-relays.ts';
import { cpuNsOf } from './processes.ts';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
/** Where the programs of `native/bench` are. */
export const kBuild = join(kRoot, 'build/native');
export const kWarmSeconds = 4;
export const kSeconds = 6;
const kProbes = 10;
const kLookUs = 100;
export const kLoadCpu = 1;
const kLoadPriority = 11; // before the workers, where it has to share a core: its clock is the measure

export type Figures = Readonly<Record<string, number>>;

export interface Load {
  readonly received: number;
  readonly expected: number;
  readonly lost: number;
  readonly late: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly gapP99Ms: number;
}

export interface LoadOptions {
  readonly warmSeconds?: number;
  readonly seconds?: number;
  /** Sessions that measure the latency. */
  readonly probes?: number;
  readonly cpus?: number | string;
  /** Between looks for packets. Ten of them that look ten times a millisecond fill a core. */
  readonly lookUs?: number;
}

/** The load over a relay, and what it cost. Stops the relay. */
export async function measure(
  relay: Relay,
  loadPort: number,
  speech: string,
  options: LoadOptions = {},
): Promise<Figures> {
  const cpuNsOfAll = () => relay.pids.reduce((sum, pid) => sum + cpuNsOf(pid), 0);
  const load = startLoad(relay.ports, loadPort, speech, options);
  try {
    await load.measuring;
    const before = cpuNsOfAll();
    const result = await load.result;
    const cpuNs = cpuNsOfAll() - before;
    return {
      cpuNsPerPacket: cpuNs / (2 * result.received),
      cpuPercent: cpuNs / ((options.seconds ?? kSeconds) * 1e7),
      ...figuresOf(result),
      ...(await relay.figures?.()),
    };
  } finally {
    await load.stop(); // if the relay broke, it goes on
    await relay.stop();
  }
}

export function figuresOf(load: Load): Figures {
  return {
    missingPercent: (100 * (load.expected - load.received)) / load.expected,
    latePercent: (100 * load.late) / load.expected,
    latencyP50Ms: load.latencyP50Ms,
    latencyP99Ms: load.latencyP99Ms,
    gapP99Ms: load.gapP99Ms,
  };
}

/** Telephones that speak to these ports, two and two a call. */
export function startLoad(
  ports: readonly number[],
  loadPort: number,
  speech: string,
  options: LoadOptions = {},
): {
  readonly pid: number;
  readonly measuring: Promise<unknown>;
  readonly result: Promise<Load>;
  stop(): Promise<void>;
} {
  const { warmSeconds = kWarmSeconds, seconds = kSeconds, probes = kProbes } = options;
  const { cpus = kLoadCpu, lookUs = kLookUs } = options;
  const load = spawn(
    join(kBuild, 'hushpay-rtp-load'),
    [loadPort, warmSeconds, seconds, speech, probes, lookUs].map(String),
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const pid = load.pid ?? 0;
  pin(pid, cpus, kLoadPriority);
  load.stdin?.end(ports.map((port) => `127.0.0.1 ${port}\n`).join(''));
  const lines = linesOf(load);
  const measuring = nextLine(lines);
  const result = measuring.then(async () => JSON.parse(await nextLine(lines)) as Load);
  result.catch(() => {}); // whoever waits for it is told
  const stop = async (): Promise<void> => {
    if (load.exitCode === null && load.kill('SIGKILL')) await once(load, 'exit');
  };
  return { pid, measuring, result, stop };
}

/** All recorded prompts, one behind the other, as mu-law. */
export function speechFile(): Uint8Array {
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

export function linesOf(child: ChildProcess): AsyncIterator<string> {
  if (!child.stdout) throw new Error('no output to read');
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

export async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error(`it ended early; ${existsSync(kBuild) ? 'see above' : 'npm run build:native'}`);
  return value;
}
