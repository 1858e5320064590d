import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { openBrowser } from '../support/browser.ts';
import { CurlReader } from '../support/curl-reader.ts';
import type { HeardEvent } from '../support/event-reader.ts';
import { FakeLog } from '../support/fake-log.ts';
import { until } from '../support/payment-lab.ts';
import { attemptOf, sessionOf } from '../support/records.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;
const hasChromium = existsSync('/usr/bin/chromium');

let dataDir: string;
let server: ServerProcess;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'hushpay-clients-'));
  leaveRunning('before');
  server = await startServerProcess({ HUSHPAY_DATA_DIR: dataDir });
});
afterAll(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true });
});

/** As a process that is killed while its gateway works leaves its store: its end is told by the next one. */
function leaveRunning(sessionId: string): void {
  const store = openStore({ file: join(dataDir, 'hushpay.sqlite'), log: new FakeLog() });
  const names = { sessionId, paymentRef: sessionId, gateway: 'simulator' };
  store.open(sessionOf(names));
  void store.begin(attemptOf({ ...names, idempotencyKey: `${sessionId}-1` })).catch(() => undefined);
  store.close();
}

/** The server goes, something ends while nobody listens, and it is back at the same address. */
async function restart(sessionId: string): Promise<void> {
  const port = new URL(server.httpUrl).port;
  await server.stop();
  leaveRunning(sessionId);
  server = await startServerProcess({ HUSHPAY_DATA_DIR: dataDir, HUSHPAY_HTTP_PORT: port });
}

function resultsOf(heard: readonly HeardEvent[], sessionId: string): unknown[] {
  return heard
    .filter(({ data }) => data['sessionId'] === sessionId)
    .map(({ event, data }) => [event, data['result'] ?? data['resolution']]);
}

const kAll = [
  ['ended', 'UNKNOWN'],
  ['resolved', 'NOT_CHARGED'],
];

describe('a reader of events over a restart of the server', () => {
  it.skipIf(!hasCurl)('misses no result with curl, and hears none twice (needs curl)', async () => {
    await using reader = new CurlReader(`${server.httpUrl}/v1/events`, server.apiKey);
    await until(() => resultsOf(reader.heard, 'before').length === 2, 'what happened before');
    await restart('over-curl');
    await until(() => resultsOf(reader.heard, 'over-curl').length === 2, 'what happened in between');
    expect(resultsOf(reader.heard, 'before')).toEqual(kAll);
    expect(resultsOf(reader.heard, 'over-curl')).toEqual(kAll);
    expect(reader.tries).toBeGreaterThan(1);
    const ids = reader.heard.map(({ id }) => Number(id));
    expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
  });

  it.skipIf(!hasChromium)('misses none with the EventSource of a browser (needs chromium)', async () => {
    const browser = await openBrowser();
    try {
      const page = await (await browser.newContext({ bypassCSP: true })).newPage();
      await page.goto(`${server.httpUrl}/livez`);
      await page.evaluate(follow, server.apiKey);
      await until(async () => resultsOf(await heardBy(page), 'before').length === 2, 'what happened before');
      await restart('over-browser');
      await until(
        async () => resultsOf(await heardBy(page), 'over-browser').length === 2,
        'what happened in between',
      );
      const heard = await heardBy(page);
      expect(resultsOf(heard, 'before')).toEqual(kAll);
      expect(resultsOf(heard, 'over-browser')).toEqual(kAll);
      const ids = heard.map(({ id }) => Number(id));
      expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
    } finally {
      await browser.close();
    }
  });
});

function heardBy(page: Page): Promise<HeardEvent[]> {
  return page.evaluate(() => (globalThis as unknown as { heard: HeardEvent[] }).heard);
}

/** Runs in the page: as docs/api.md shows it, a ticket for each connection. */
function follow(key: string): void {
  const heard: HeardEvent[] = [];
  (globalThis as unknown as { heard: HeardEvent[] }).heard = heard;
  const again = () => void setTimeout(() => void connect().catch(again), 100);
  const connect = async () => {
    const answer = await fetch('/v1/event-tickets', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
    });
    const { ticket } = (await answer.json()) as { ticket: string };
    const events = new EventSource(`/v1/events?after=${heard.at(-1)?.id ?? 0}&ticket=${ticket}`);
    for (const event of ['ended', 'resolved']) {
      events.addEventListener(event, (message) => {
        const { lastEventId: id, data } = message as Event & { lastEventId: string; data: string };
        heard.push({ id, event, data: JSON.parse(data) });
      });
    }
    events.addEventListener('error', () => {
      events.close();
      again();
    });
  };
  again();
}
