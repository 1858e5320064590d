import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { EventReader } from '../support/event-reader.ts';
import { FakeLog } from '../support/fake-log.ts';
import { hurriedKeys, PaymentLab, resultOf, until } from '../support/payment-lab.ts';
import { attemptOf, sessionOf } from '../support/records.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const kCard = '4242424242424242';

describe('the events of a payment', () => {
  it('tell a page every step and how many keys, and never a digit', async () => {
    const lab = await PaymentLab.start();
    try {
      const { httpUrl, apiKey } = lab.setting.server;
      await using reader = await EventReader.open(`${httpUrl}/v1/events`, {
        authorization: `Bearer ${apiKey}`,
      });
      const caller = await lab.answered();
      await caller.follow([...hurriedKeys(kCard), lab.atStage(caller, 'APPROVED')]);
      await caller.hangUp();
      expect(await resultOf(caller)).toMatchObject({ result: 'APPROVED' });
      await until(() => reader.heard.some(({ event }) => event === 'ended'), 'the end');
      const stages = reader.heard.filter(({ event }) => event === 'stage').map(({ data }) => data['stage']);
      expect(stages).toEqual(expect.arrayContaining(['PAN_ENTRY', 'CVV_ENTRY', 'SUBMIT', 'APPROVED']));
      const counts = reader.heard
        .filter(({ data }) => data['field'] === 'pan')
        .map(({ data }) => data['count']);
      expect(counts.at(-1)).toBeGreaterThanOrEqual(15);
      expect(counts).toEqual(counts.toSorted((one, other) => Number(one) - Number(other)));
      const modes = reader.heard.filter(({ event }) => event === 'secure_mode').map(({ data }) => data['on']);
      expect(modes).toEqual([true, false]);
      expect(reader.heard.find(({ event }) => event === 'ended')).toMatchObject({
        data: { result: 'APPROVED' },
      });
      expect(reader.heard.filter(({ event }) => event === 'joined')).toMatchObject([
        { data: { role: 'customer' } },
      ]);
      for (const length of [16, 8, 5]) expect(reader.text).not.toContain(kCard.slice(0, length));
    } finally {
      await lab.stop();
    }
  });

  it('are there behind a restart for a reader who comes back, each once', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'hushpay-events-'));
    leaveRunning(dataDir);
    const first = await startServerProcess({ HUSHPAY_DATA_DIR: dataDir });
    const reader = await open(first, '0');
    await until(() => reader.heard.length > 1, 'the end of the session whose process died');
    expect(reader.heard).toMatchObject([
      { event: 'ended', data: { sessionId: 'S1', result: 'UNKNOWN' } },
      { event: 'resolved', data: { sessionId: 'S1', resolution: 'NOT_CHARGED' } },
    ]);
    await first.stop();
    await reader.ended;
    const second = await startServerProcess({ HUSHPAY_DATA_DIR: dataDir });
    const again = await open(second, reader.lastId);
    await using afresh = await open(second, '0');
    await until(() => afresh.heard.length > 1, 'all events');
    expect(again.heard).toEqual([]);
    expect(afresh.heard).toEqual(reader.heard);
    await again.close();
    await second.stop();
    rmSync(dataDir, { recursive: true });
  });
});

/** As a process that is killed while its gateway works leaves its store. */
function leaveRunning(dataDir: string): void {
  const store = openStore({ file: join(dataDir, 'hushpay.sqlite'), log: new FakeLog() });
  store.open(sessionOf({ gateway: 'simulator' }));
  store.begin(attemptOf({ gateway: 'simulator' }));
  store.close();
}

function open(server: ServerProcess, lastId: string): Promise<EventReader> {
  return EventReader.open(`${server.httpUrl}/v1/events`, {
    authorization: `Bearer ${server.apiKey}`,
    'last-event-id': lastId,
  });
}
