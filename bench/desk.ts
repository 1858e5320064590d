// What an agent waits for: from a key press of the customer to the dot on the desk, with 500 desks open and 200 calls running; and how long
// the pages take over a slow link.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startSimulatorServer } from '../src/gateway/simulator-server.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { type ServerProcess, startServerProcess } from '../test/support/server-process.ts';
import { DeskCalls } from './desk-calls.ts';
import type { DeskOrders, DeskReport } from './desk-clients.ts';
import { measurePages } from './desk-pages.ts';
import { percentile, rounded } from './figures.ts';
import { childrenOf, cpuNsOf } from './processes.ts';

const kDesks = 500;
/** Of them: follow all sessions, as wallboards do. */
const kWallboards = 5;
const kCalls = Number(process.env['BENCH_CALLS'] ?? 200);
const kKeys = 12;
const kKeyEveryMs = 700;
const kClients = fileURLToPath(new URL('./desk-clients.ts', import.meta.url));

export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const bank = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: kSystemClock });
  const server = await startServerProcess({
    HUSHPAY_GATEWAY_TYPE: 'rest',
    HUSHPAY_GATEWAY_URL: bank.url,
    HUSHPAY_MEDIA_PORTS: '30000-33999',
    HUSHPAY_API_REQUESTS_PER_MINUTE: '100000',
    HUSHPAY_PAYMENT_SESSION_MAX_MS: String(30 * 60_000),
  });
  try {
    return { ...(await measurePages(server)), ...(await measureKeys(server)) };
  } finally {
    await server.stop();
    await bank.close();
  }
}

async function measureKeys(server: ServerProcess): Promise<Readonly<Record<string, unknown>>> {
  const calls = new DeskCalls(server, kKeys, kKeyEveryMs);
  const desks = fork(kClients, { execPath: process.execPath });
  try {
    const refused = await placeAll(calls);
    await calls.atCardNumber();
    const { sessionIds } = calls;
    const followed = Array.from({ length: kDesks }, (_, at) =>
      at < kWallboards ? null : (sessionIds[at % sessionIds.length] ?? null),
    );
    const orders: DeskOrders = { url: server.httpUrl, key: server.apiKey, sessionIds: followed };
    desks.send(orders);
    await answerOf(desks);
    const shares = await sharesOfCpu(server, () => calls.press());
    await pause(1000); // who is told late is told by now
    desks.send('report');
    const report = (await answerOf(desks)) as DeskReport;
    return { ...figuresOf(report, calls, followed), callsRefusedWith: refused ?? null, ...shares };
  } finally {
    desks.kill();
    await calls.close();
  }
}

/** As many as are taken: a machine that is full refuses the rest. @returns what it said. */
async function placeAll(calls: DeskCalls): Promise<number | undefined> {
  while (calls.sessionIds.length < kCalls) {
    const refused = await calls.place();
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function figuresOf({ arrivals, broken }: DeskReport, calls: DeskCalls, followed: readonly (string | null)[]) {
  const { sessionIds, pressedMs } = calls;
  const times = arrivals.flatMap(({ sessionId, key, atMs }) => {
    const pressed = pressedMs.get(sessionId)?.[key - 1];
    return pressed === undefined ? [] : [atMs - pressed];
  });
  const followers = (id: string) => followed.filter((each) => each === null || each === id).length;
  const expected = sessionIds.reduce((sum, id) => sum + (pressedMs.get(id)?.length ?? 0) * followers(id), 0);
  const sorted = times.toSorted((one, other) => one - other);
  return {
    desks: followed.length,
    calls: sessionIds.length,
    callsWanted: kCalls,
    keyEvents: times.length,
    keyEventsMissing: expected - times.length,
    desksBroken: broken,
    keyToDeskP50Ms: rounded(percentile(sorted, 0.5)),
    keyToDeskP99Ms: rounded(percentile(sorted, 0.99)),
    keyToDeskMaxMs: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

/** What the server's processes use of a core meanwhile, in percent. */
async function sharesOfCpu({ pid }: ServerProcess, work: () => Promise<void>) {
  const pids = {
    controlCpuPercent: pid,
    mediaCpuPercent: childrenOf(pid, /hushpay-media/)[0],
    edgeCpuPercent: childrenOf(pid, /edge\/main/)[0],
  };
  const used = () =>
    Object.entries(pids).map(([name, each]) => [name, each === undefined ? 0 : cpuNsOf(each)] as const);
  const before = new Map(used());
  const startedMs = performance.now();
  await work();
  const lastedMs = performance.now() - startedMs;
  return Object.fromEntries(
    used().map(([name, ns]) => [name, rounded((ns - (before.get(name) ?? 0)) / lastedMs / 1e4)]),
  );
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message');
  return message;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
