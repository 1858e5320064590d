import { percentile, rounded } from './figures.ts';
import { usageOf } from './processes.ts';
import { type Load, placeCalls, startAnswerer } from './sip-load.ts';
import { type OpenStack, openDrachtio, openEcho, openEdge, type SipStack } from './sip-stacks.ts';

const kSeconds = 6;
const kRounds = Number(process.env['HUSHPAY_BENCH_ROUNDS'] ?? 5);
const kAnswerRates = ratesOf(process.env['HUSHPAY_BENCH_UAS_RATES'] ?? '100,400,1000');
const kConnectRates = ratesOf(process.env['HUSHPAY_BENCH_B2BUA_RATES'] ?? '100,300');
/** Until code is compiled and memory has its working size: servers run for weeks. */
const kWarmUp = {
  answered: { calls: 4_000, perSecond: 400 },
  connected: { calls: 2_000, perSecond: 100 },
} as const satisfies Record<string, Load>;

interface Sample {
  readonly failed: number;
  readonly retransmissions: number;
  /** By process. */
  readonly cpuMsPerCall: Readonly<Record<string, number>>;
}

/** What one stack came to at one rate, all rounds together. */
type Row = Sample & { readonly callsPerSecond: number };

/**
 * The edge with a bare drachtio-srf application, beside an echo of the same messages without transactions (the floor) and, when
 * HUSHPAY_BENCH_DRACHTIO names its program, a drachtio-server with the same application. The stacks take turns, so that noise of the
 * machine falls on all of them.
 */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const binary = process.env['HUSHPAY_BENCH_DRACHTIO'];
  const servers: Record<string, OpenStack> = {
    edge: openEdge,
    ...(binary && { drachtio: openDrachtio(binary) }),
  };
  const answered = await measure({ ...servers, echo: openEcho }, kAnswerRates, kWarmUp.answered);
  const answerer = await startAnswerer();
  try {
    const connected = await measure(
      servers,
      kConnectRates,
      kWarmUp.connected,
      `sip:service@127.0.0.1:${answerer.port}`,
    );
    return {
      seconds: kSeconds,
      rounds: kRounds,
      uas: { ...answered, ratios: ratios(answered) },
      b2bua: { ...connected, ratios: ratios(connected) },
    };
  } finally {
    await answerer.stop();
  }
}

/** Opens each once, lets it warm up, and measures all of them in turn, round after round. */
async function measure(
  stacks: Readonly<Record<string, OpenStack>>,
  rates: readonly number[],
  warmUp: Load,
  target?: string,
): Promise<Record<string, Row[]>> {
  const open = new Map<string, SipStack>();
  for (const [name, start] of Object.entries(stacks)) open.set(name, await start(target));
  for (const { sipPort } of open.values()) await placeCalls(sipPort, warmUp);
  const rows: Record<string, Row[]> = Object.fromEntries(Object.keys(stacks).map((name) => [name, []]));
  for (const perSecond of rates) {
    const samples = new Map<string, Sample[]>();
    for (let round = 0; round < kRounds; round++) {
      for (const [name, stack] of open) {
        const sample = await sampleOf(stack, { calls: perSecond * kSeconds, perSecond });
        samples.set(name, [...(samples.get(name) ?? []), sample]);
      }
    }
    for (const [name, all] of samples) rows[name]?.push({ callsPerSecond: perSecond, ...together(all) });
  }
  for (const stack of open.values()) await stack.stop();
  return rows;
}

async function sampleOf(stack: SipStack, load: Load): Promise<Sample> {
  const before = usages(stack);
  const result = await placeCalls(stack.sipPort, load);
  const after = usages(stack);
  const cpuMsPerCall = Object.fromEntries(
    Object.entries(after).map(([name, used]) => [name, (used - (before[name] ?? 0)) / load.calls]),
  );
  return { ...result, cpuMsPerCall };
}

function usages({ processes }: SipStack): Record<string, number> {
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, usageOf(pid).cpuMs]));
}

/** The sum of what went wrong, the median of what it cost. */
function together(samples: readonly Sample[]): Sample {
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, each) => total + of(each), 0);
  const names = Object.keys(samples[0]?.cpuMsPerCall ?? {});
  const medianOf = (name: string): number =>
    percentile(
      samples.map(({ cpuMsPerCall }) => cpuMsPerCall[name] ?? Number.NaN).sort((a, b) => a - b),
      0.5,
    );
  return {
    failed: sum(({ failed }) => failed),
    retransmissions: sum(({ retransmissions }) => retransmissions),
    cpuMsPerCall: Object.fromEntries(names.map((name) => [name, rounded(medianOf(name))])),
  };
}

/** CPU of the edge's process against the other servers', by rate. */
function ratios(rows: Readonly<Record<string, readonly Row[]>>): Record<string, Record<string, number>> {
  const { edge = [], ...others } = rows;
  return Object.fromEntries(
    Object.entries(others).map(([name, other]) => [
      `edgeTo${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      Object.fromEntries(
        edge.map(({ callsPerSecond, cpuMsPerCall }, index) => [
          String(callsPerSecond),
          rounded(
            (cpuMsPerCall['server'] ?? Number.NaN) / (other[index]?.cpuMsPerCall['server'] ?? Number.NaN),
          ),
        ]),
      ),
    ]),
  );
}

function ratesOf(text: string): number[] {
  return text.split(',').map(Number);
}
