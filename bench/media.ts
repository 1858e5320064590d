import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, rounded } from './figures.ts';
import { measureAdmission, measureTwoWorkers } from './media-capacity.ts';
import { measureKill } from './media-kill.ts';
import { type Figures, measure, speechFile } from './media-load.ts';
import { type Relay, startEpollRelay, startHushpay } from './media-relays.ts';
import { type Candidate, measureSaturation } from './media-saturation.ts';
import { type ClampMode, kDelayMs, rtpengineProgram, startRtpengine } from './rtpengine.ts';

const kSessions = Number(process.env['HUSHPAY_BENCH_SESSIONS'] ?? 150);
const kRounds = Number(process.env['HUSHPAY_BENCH_ROUNDS'] ?? 3);
/** Names of relays to measure, with commas, `saturation` and `capacity`; without it all, and what a killed worker means to callers. */
const kOnly = process.env['HUSHPAY_BENCH_RELAYS']?.split(',');
const kLoadPort = 18_000; // where no relay has ports, nor the system those it gives out
const kLookAheadMs = 20;
const kSecure = { kind: 'clamped', mode: 'comfort_noise' } as const;

/** The same load over each relay in turn, several rounds; medians. A session is two legs, both ways, PCMU of 20 ms. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-media-bench-'));
  const speech = join(folder, 'speech.ul');
  writeFileSync(speech, speechFile());
  const relays = Object.entries(allRelays()).filter(([name]) => kOnly?.includes(name) ?? true);
  const rounds = new Map<string, Figures[]>(relays.map(([name]) => [name, []]));
  const wants = (name: string): boolean => kOnly?.includes(name) ?? true;
  let figures: Readonly<Record<string, unknown>> = { sessions: kSessions, rounds: kRounds };
  try {
    for (let round = 0; round < kRounds; round++) {
      for (const [name, start] of relays) {
        const measured = await measure(await start(), kLoadPort, speech);
        process.stderr.write(`${name} ${JSON.stringify(measured)}\n`);
        rounds.get(name)?.push(measured);
      }
    }
    figures = { ...figures, ...summary(rounds) };
    if (wants('saturation')) figures = { ...figures, ...(await sessionsPerCore(speech)) };
    if (wants('capacity'))
      figures = {
        ...figures,
        twoWorkers: await measureTwoWorkers(kSessions, speech),
        admission: await measureAdmission(speech),
      };
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (kOnly) return figures;
  const [workerKill, workerHang] = [await measureKill('SIGKILL'), await measureKill('SIGSTOP')];
  return { ...figures, workerKillGapMs: workerKill.gapMs.max, workerKill, workerHang };
}

/** How many one core carries, one relay after the other, and ours over theirs. */
async function sessionsPerCore(speech: string): Promise<Readonly<Record<string, unknown>>> {
  const at = (sessions: number) => ({ sessions, loadPort: kLoadPort });
  const candidates: Candidate[] = [
    { name: 'epollRelay', delayMs: 0, from: 1_000, start: (sessions) => startEpollRelay(at(sessions)) },
    {
      name: 'hushpaySecure',
      delayMs: kLookAheadMs,
      from: 400,
      start: (sessions) => startHushpay({ ...at(sessions), callerForAgent: kSecure }),
    },
    {
      name: 'hushpayShared',
      delayMs: kLookAheadMs,
      from: 400,
      start: (sessions) => startHushpay({ ...at(sessions), callerForAgent: kSecure, sharesPort: true }),
    },
  ];
  if (rtpengineProgram())
    candidates.push({
      name: 'rtpengineSecure',
      delayMs: kDelayMs,
      from: 250,
      start: (sessions) => startRtpengine({ ...at(sessions), mode: 'silence' }),
    });
  const all: Record<string, Figures> = {};
  for (const candidate of candidates)
    all[candidate.name] = await measureSaturation(candidate, kLoadPort, speech);
  const of = (name: string) => all[name]?.['sessions'] ?? Number.NaN;
  return {
    sessionsPerCore: all,
    sessionsToEpollRelay: rounded(of('hushpaySecure') / of('epollRelay')),
    sharedSessionsToEpollRelay: rounded(of('hushpayShared') / of('epollRelay')),
    sessionsToRtpengineSecure: all['rtpengineSecure']
      ? rounded(of('hushpaySecure') / of('rtpengineSecure'))
      : 'not there: rtpengineSecure could not be run',
    sharedSessionsToRtpengineSecure: all['rtpengineSecure']
      ? rounded(of('hushpayShared') / of('rtpengineSecure'))
      : 'not there: rtpengineSecure could not be run',
  };
}

function allRelays(): Readonly<Record<string, () => Promise<Relay>>> {
  const load = { sessions: kSessions, loadPort: kLoadPort };
  const rtpengine = (mode: ClampMode) => () => startRtpengine({ ...load, mode });
  return {
    epollRelay: () => startEpollRelay(load),
    hushpayOpen: () => startHushpay({ ...load, callerForAgent: { kind: 'open' } }),
    hushpaySecure: () => startHushpay({ ...load, callerForAgent: kSecure }),
    hushpayShared: () => startHushpay({ ...load, callerForAgent: kSecure, sharesPort: true }),
    ...(rtpengineProgram() && { rtpenginePlain: rtpengine('plain'), rtpengineSecure: rtpengine('silence') }),
  };
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
    sharedCpuPerPacketToEpollRelay: ratio('hushpayShared', 'epollRelay'),
    cpuPerPacketToRtpenginePlain: ratio('hushpaySecure', 'rtpenginePlain'),
    cpuPerPacketToRtpengineSecure: ratio('hushpaySecure', 'rtpengineSecure'),
    sharedCpuPerPacketToRtpengineSecure: ratio('hushpayShared', 'rtpengineSecure'),
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
