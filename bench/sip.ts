import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type PeersServer, startPeersServer } from '../test/peers/server.ts';
import { runLoad, type SippLoad } from '../test/peers/sipp.ts';
import { percentile, rounded } from './figures.ts';
import { childrenOf, type Usage, usageOf } from './processes.ts';

const kPayments = { calls: 100, perSecond: 10 };
const kShort = { calls: 500, perSecond: 50 };
const kWarmUp = { calls: 20, perSecond: 10 };
const kShortScenario = 'hang-up-in-greeting';
const kPaymentScenario = 'approved';
const kBareUas = fileURLToPath(new URL('bare-uas.ts', import.meta.url));

type Processes = Readonly<Record<string, number>>;
type Usages = Readonly<Record<string, Usage>>;

/**
 * Whole payments at a steady rate, and the same short call against hushpay, hushpay's edge with an empty application, and SIPp's own
 * answering side: what the conversation, the media and the records cost on top of SIP.
 */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const server = await startPeersServer({ HUSHPAY_LOG_LEVEL: 'info', HUSHPAY_MEDIA_PORTS: mediaPorts() });
  try {
    const processes: Processes = {
      control: server.pid,
      edge: onlyChild(server.pid, /src\/edge\/main\.ts/),
      worker: onlyChild(server.pid, /hushpay-media/),
    };
    await runLoad(kPaymentScenario, server.address, kWarmUp);
    const payments = await measurePayments(server, processes);
    const hushpay = await measureShort(server.address, processes);
    const bare = await withBareUas((address, floor) => measureShort(address, floor));
    const sipp = await withSippUas((address, floor) => measureShort(address, floor));
    return {
      payments,
      shortCalls: { ...kShort, hushpay, bareEdge: bare, sippUas: sipp, ratios: ratios(hushpay, bare, sipp) },
    };
  } finally {
    await server.stop();
  }
}

async function measurePayments(server: PeersServer, processes: Processes) {
  const before = usages(processes);
  const tallyBefore = server.tally();
  const retransmissionsBefore = await serverRetransmissions(server);
  const first = await load(kPaymentScenario, server.address, kPayments);
  const between = usages(processes);
  const second = await load(kPaymentScenario, server.address, kPayments);
  const after = usages(processes);
  const tally = difference(server.tally(), tallyBefore);
  return {
    ...kPayments,
    runs: 2,
    approved: tally['APPROVED'] ?? 0,
    otherResults: Object.fromEntries(
      Object.entries(tally).filter(([result, count]) => result !== 'APPROVED' && count > 0),
    ),
    failedCalls: first.failed + second.failed,
    doubleCharges: server.doubleCharges(),
    retransmissions: {
      phone: first.retransmissions + second.retransmissions,
      server: (await serverRetransmissions(server)) - retransmissionsBefore,
    },
    answerMs: spread([...first.answersMs, ...second.answersMs].sort((a, b) => a - b)),
    cpuMsPerCall: perCall(before, after, 2 * kPayments.calls),
    rssMb: Object.fromEntries(
      Object.keys(processes).map((name) => [
        name,
        [before, between, after].map((each) => rounded(each[name]?.rssMb ?? 0)),
      ]),
    ),
  };
}

async function measureShort(address: string, processes: Processes) {
  await load(kShortScenario, address, kWarmUp);
  const before = usages(processes);
  const { failed, retransmissions, answersMs } = await load(kShortScenario, address, kShort);
  const cpuMsPerCall = perCall(before, usages(processes), kShort.calls);
  return { failed, retransmissions, answerMs: spread(answersMs), cpuMsPerCall };
}

type Short = Awaited<ReturnType<typeof measureShort>>;

function ratios(hushpay: Short, bare: Short, sipp: Short) {
  const of = (a: Short, name: string, b: Short, other: string) =>
    rounded((a.cpuMsPerCall[name] ?? Number.NaN) / (b.cpuMsPerCall[other] ?? Number.NaN));
  return {
    controlToBareApplication: of(hushpay, 'control', bare, 'application'),
    edgeToSippUas: of(hushpay, 'edge', sipp, 'sipp'),
    answerToBareEdge: rounded(hushpay.answerMs.mean / bare.answerMs.mean),
    answerToSippUas: rounded(hushpay.answerMs.mean / sipp.answerMs.mean),
  };
}

/** A load whose every call must have gone as written. */
async function load(
  scenario: string,
  address: string,
  size: { calls: number; perSecond: number },
): Promise<SippLoad> {
  const result = await runLoad(scenario, address, size);
  if (result.successful + result.failed !== size.calls)
    throw new Error(`SIPp made ${result.successful} of ${size.calls} calls: ${result.errors}`);
  return result;
}

async function withBareUas<T>(measure: (address: string, processes: Processes) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, [kBareUas], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = child.pid ?? 0;
  try {
    return await measure(`127.0.0.1:${Number(chunk.toString())}`, {
      application: pid,
      edge: onlyChild(pid, /src\/edge\/main\.ts/),
    });
  } finally {
    child.kill();
    await once(child, 'close');
  }
}

async function withSippUas<T>(measure: (address: string, processes: Processes) => Promise<T>): Promise<T> {
  const port = 10_000 + Math.floor(Math.random() * 8000);
  const args = ['-sn', 'uas', '-i', '127.0.0.1', '-p', String(port), '-nostdin'];
  const child = spawn('sipp', args, { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    return await measure(`127.0.0.1:${port}`, { sipp: child.pid ?? 0 });
  } finally {
    child.kill();
    await once(child, 'close');
  }
}

function onlyChild(pid: number, command: RegExp): number {
  const [child] = childrenOf(pid, command);
  if (child === undefined) throw new Error(`process ${pid} has no child ${command}`);
  return child;
}

function usages(processes: Processes): Usages {
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, usageOf(pid)]));
}

function perCall(before: Usages, after: Usages, calls: number): Readonly<Record<string, number>> {
  const used = (name: string) => (after[name]?.cpuMs ?? 0) - (before[name]?.cpuMs ?? 0);
  return Object.fromEntries(Object.keys(before).map((name) => [name, rounded(used(name) / calls)]));
}

/** SIPp's clock moves in steps of 4 ms: the mean of many says more than a percentile. */
function spread(sorted: readonly number[]) {
  const sum = sorted.reduce((total, each) => total + each, 0);
  return {
    mean: rounded(sum / sorted.length),
    p95: rounded(percentile(sorted, 0.95)),
    max: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}

async function serverRetransmissions(server: PeersServer): Promise<number> {
  const metrics = await (await fetch(`${server.httpUrl}/metrics`)).text();
  const count = /^sip_retransmissions_total (\d+)$/m.exec(metrics)?.[1];
  if (count === undefined) throw new Error('the server does not count retransmissions');
  return Number(count);
}

/** Wide enough for closed ports to rest between the runs. */
function mediaPorts(): string {
  const min = 20_000 + 8000 * Math.floor(Math.random() * 5);
  return `${min}-${min + 7999}`;
}
