import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wavefile from 'wavefile';
import { rounded } from './figures.ts';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
const kBench = join(kRoot, 'build/native/hushpay-bench-codecs');
const kMonitors = join(kRoot, 'build/native/hushpay-bench-monitors');
const kSpandsp = join(kRoot, 'bench/spandsp-g722.c');
const kSpeech = join(kRoot, 'audio/en-GB');
const kClips = 24;
const kFrameNs = 20e6;

interface Cost {
  readonly encodeNs: number;
  readonly decodeNs: number;
  readonly bitsPerSecond: number;
}

interface Peer {
  readonly encodeNs: number;
  readonly decodeNs: number;
}

/** What listeners cost who hear the same, or each a little else: a room with eight monitors, or a member of a conference, for 20 ms. */
interface Listening {
  readonly sameNs: number;
  readonly apartNs: number;
}

/**
 * What each codec costs for 20 ms of recorded prompts, each way, G.722 beside spandsp's over the same speech; and what monitors of one
 * mix cost.
 */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(kBench))
    throw new Error('build/native/hushpay-bench-codecs is missing: npm run build:native');
  const clips = longestClips();
  const { stdout } = spawnSync(kBench, clips, { encoding: 'utf8' });
  const costs = JSON.parse(stdout) as Readonly<Record<string, Cost>>;
  const spandsp = costOfSpandsp(clips);
  process.stdout.write(tableOf(costs));
  const listening = listeners(clips);
  const g722 = costs['G722'];
  return {
    clips: clips.length,
    costs,
    legsPerCore: Object.fromEntries(Object.entries(costs).map(([name, cost]) => [name, legsPerCore(cost)])),
    ...listening,
    spandspG722: spandsp ?? 'not there: libspandsp-dev and a C compiler are needed',
    ...(spandsp && g722
      ? {
          g722EncodeToSpandsp: rounded(g722.encodeNs / spandsp.encodeNs),
          g722DecodeToSpandsp: rounded(g722.decodeNs / spandsp.decodeNs),
        }
      : {}),
  };
}

type Listenings = Readonly<Record<string, Listening & { readonly apartToSame: number }>>;

/** Monitors by codec, conferences by the number of their members. */
function listeners(clips: readonly string[]): {
  readonly monitors: Listenings;
  readonly conferences: Listenings;
} {
  const { stdout } = spawnSync(kMonitors, clips, { encoding: 'utf8' });
  const costs = JSON.parse(stdout) as Readonly<
    Record<'monitors' | 'conferences', Readonly<Record<string, Listening>>>
  >;
  const compared = (of: Readonly<Record<string, Listening>>): Listenings =>
    Object.fromEntries(
      Object.entries(of).map(([name, cost]) => [
        name,
        { ...cost, apartToSame: rounded(cost.apartNs / cost.sameNs) },
      ]),
    );
  return { monitors: compared(costs.monitors), conferences: compared(costs.conferences) };
}

/** The longest prompts: speech rather than single words. */
function longestClips(): string[] {
  return readdirSync(kSpeech)
    .filter((name) => name.endsWith('.wav'))
    .map((name) => ({ path: join(kSpeech, name), size: readFileSync(join(kSpeech, name)).length }))
    .sort((one, other) => other.size - one.size)
    .slice(0, kClips)
    .map(({ path }) => path);
}

/** Legs whose codec alone would fill a core, both ways. */
function legsPerCore({ encodeNs, decodeNs }: Cost): number {
  return Math.floor(kFrameNs / (encodeNs + decodeNs));
}

/** Its input must be at 16000 Hz: every sample twice is as much work as speech of that rate. */
function costOfSpandsp(clips: readonly string[]): Peer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-codecs-'));
  try {
    const program = join(folder, 'g722');
    if (spawnSync('cc', ['-O2', '-o', program, kSpandsp, '-lspandsp', '-lm']).status !== 0) return undefined;
    const samples = clips.flatMap((clip) => [...samplesOf(clip)].flatMap((sample) => [sample, sample]));
    writeFileSync(join(folder, 'speech.raw'), new Uint8Array(Int16Array.from(samples).buffer));
    const { stdout, status } = spawnSync(program, [join(folder, 'speech.raw')], { encoding: 'utf8' });
    if (status !== 0) return undefined;
    const [encodeNs = Number.NaN, decodeNs = Number.NaN] = stdout.split('\t').map(Number);
    return { encodeNs, decodeNs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function samplesOf(clip: string): Int16Array {
  const wav = new wavefile.WaveFile(readFileSync(clip));
  return Int16Array.from(wav.getSamples(false, Int16Array) as unknown as Int16Array);
}

function tableOf(costs: Readonly<Record<string, Cost>>): string {
  const row = (cells: readonly string[]) => `${cells.map((cell) => cell.padEnd(16)).join('')}\n`;
  const lines = Object.entries(costs).map(([name, cost]) =>
    row([
      name,
      `${rounded(cost.encodeNs / 1000)} µs`,
      `${rounded(cost.decodeNs / 1000)} µs`,
      `${Math.round(cost.bitsPerSecond / 1000)} kbit/s`,
      String(legsPerCore(cost)),
    ]),
  );
  return [row(['codec', 'encode 20 ms', 'decode 20 ms', 'rate', 'legs per core']), ...lines].join('');
}
