// What an agent waits for: from a key press of the customer to the dot on the desk, with 500 desks open and calls running; and from the
// address of a page to the first key one can type into it, over a slow link.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { startSimulatorServer } from '../src/gateway/simulator-server.ts';
import { Caller } from '../src/phone/caller.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { openBrowser } from '../test/support/browser.ts';
import { type ServerProcess, startServerProcess } from '../test/support/server-process.ts';
import type { DeskOrders, DeskReport } from './desk-clients.ts';
import { median, percentile, rounded } from './figures.ts';

const kDesks = 500;
/** Of them: follow all sessions, as wallboards do. */
const kWallboards = 5;
const kCalls = Number(process.env['BENCH_CALLS'] ?? 200);
const kKeys = 12;
const kKeyEveryMs = 700;
const kLoads = 5;
/** 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back: what browsers call a slow 4G. */
const kSlowLink = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 };
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

interface Call {
  readonly sessionId: string;
  readonly caller: Caller;
  /** When each key went down, epoch ms. */
  readonly pressedMs: number[];
}

async function measureKeys(server: ServerProcess): Promise<Readonly<Record<string, unknown>>> {
  const calls = await placeCalls(server);
  const desks = fork(kClients, { execPath: process.execPath });
  try {
    const ids = Array.from({ length: kDesks }, (_, at) =>
      at < kWallboards ? null : (calls[at % calls.length]?.sessionId ?? null),
    );
    desks.send({ url: server.httpUrl, key: server.apiKey, sessionIds: ids } satisfies DeskOrders);
    await answerOf(desks);
    await Promise.all(calls.map((call, at) => pressKeys(call, (at * kKeyEveryMs) / calls.length)));
    await pause(1000);
    desks.send('report');
    const report = (await answerOf(desks)) as DeskReport;
    return figuresOf(report, calls, ids);
  } finally {
    desks.kill();
    await Promise.allSettled(calls.map(({ caller }) => caller.leave()));
  }
}

/** As many as are taken: a machine that is full refuses the rest, and that is said. */
async function placeCalls(server: ServerProcess): Promise<readonly Call[]> {
  const calls: Call[] = [];
  for (let at = 0; at < kCalls; at++) {
    const call = await placeCall(server);
    if (!call) break;
    calls.push(call);
  }
  const waiting = [...calls];
  for (const call of waiting) await atCardNumber(server, call.sessionId);
  return calls;
}

async function placeCall(server: ServerProcess): Promise<Call | undefined> {
  const body = { topology: 'ivr', customerId: 'C-1', amount: '12.00', currency: 'USD', identified: true };
  const { id, payUri } = (await ask(server, '/v1/sessions', body)) as { id: string; payUri: string };
  const caller = await Caller.open({
    clock: kSystemClock,
    server: { host: '127.0.0.1', port: server.sipPorts.udp },
  });
  const dialled = await caller.dial(payUri);
  if (dialled.kind === 'answered') return { sessionId: id, caller, pressedMs: [] };
  caller.close();
  return undefined;
}

async function ask({ httpUrl, apiKey }: ServerProcess, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${apiKey}`, ...(body && { 'content-type': 'application/json' }) };
  const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
  const answer = await fetch(httpUrl + path, init);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

async function atCardNumber(server: ServerProcess, sessionId: string): Promise<void> {
  for (;;) {
    const { stage } = (await ask(server, `/v1/sessions/${sessionId}`)) as { stage?: string };
    if (stage === 'PAN_ENTRY') return;
    await pause(100);
  }
}

/** Never a whole card number: twelve keys, none of which ends the entry. */
async function pressKeys({ caller, pressedMs }: Call, firstMs: number): Promise<void> {
  await pause(firstMs);
  for (let key = 0; key < kKeys; key++) {
    const startedMs = performance.timeOrigin + performance.now();
    pressedMs.push(startedMs);
    await caller.press('4');
    await pause(Math.max(0, kKeyEveryMs - (performance.timeOrigin + performance.now() - startedMs)));
  }
}

function figuresOf(
  { arrivals, broken }: DeskReport,
  calls: readonly Call[],
  ids: readonly (string | null)[],
) {
  const byId = new Map(calls.map((call) => [call.sessionId, call]));
  const times = arrivals.flatMap(({ sessionId, key, atMs }) => {
    const pressedMs = byId.get(sessionId)?.pressedMs[key - 1];
    return pressedMs === undefined ? [] : [atMs - pressedMs];
  });
  const followers = (call: Call) => ids.filter((id) => id === null || id === call.sessionId).length;
  const expected = calls.reduce((sum, call) => sum + call.pressedMs.length * followers(call), 0);
  const sorted = times.toSorted((one, other) => one - other);
  return {
    desks: ids.length,
    calls: calls.length,
    callsWanted: kCalls,
    keyEvents: times.length,
    keyEventsMissing: expected - times.length,
    desksBroken: broken,
    keyToDeskP50Ms: rounded(percentile(sorted, 0.5)),
    keyToDeskP99Ms: rounded(percentile(sorted, 0.99)),
    keyToDeskMaxMs: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

async function measurePages(server: ServerProcess): Promise<Readonly<Record<string, unknown>>> {
  const browser = await openBrowser();
  try {
    const figures: Record<string, number> = {};
    for (const [name, path] of Object.entries({
      desk: '/desk',
      wallboard: '/wallboard',
      call: '/calls/none',
    })) {
      const times: number[] = [];
      for (let load = 0; load < kLoads; load++)
        times.push(await interactiveMs(browser, server.httpUrl + path));
      figures[`${name}InteractiveMs`] = rounded(median(times));
    }
    return { slowLink: kSlowLink, ...figures };
  } finally {
    await browser.close();
  }
}

/** From the navigation to the field that takes the key, handlers and all; nothing is in the cache. */
async function interactiveMs(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const devTools = await context.newCDPSession(page);
    await devTools.send('Network.enable');
    await devTools.send('Network.emulateNetworkConditions', kSlowLink);
    await page.addInitScript(`new MutationObserver((_, observer) => {
      if (!document.getElementById('key')) return;
      observer.disconnect();
      globalThis.interactiveMs = performance.now();
    }).observe(document, { childList: true, subtree: true })`);
    await page.goto(url);
    await page.locator('#key').waitFor();
    return await page.evaluate<number>('interactiveMs');
  } finally {
    await context.close();
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message');
  return message;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
