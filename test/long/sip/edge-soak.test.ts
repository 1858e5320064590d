import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EdgeProcessUnderTest, kEdgeSecret } from '../../support/edge-process.ts';
import { kSdp } from '../../support/raw-sip-peer.ts';
import { WireApp } from '../../support/wire-app.ts';

const kScenario = fileURLToPath(new URL('../../fixtures/sipp/edge-uac.xml', import.meta.url));
const kMinutes = Number(process.env['HUSHPAY_SOAK_MINUTES'] ?? 30);
const kCallsPerSecond = 50;
const kSampleMs = 5_000;
/**
 * Growth from the lowest of the second third to the lowest of the last: memory goes up and down with the garbage collector, and what it
 * never gets back shows where it is lowest. 30 minutes are 90 000 calls: 300 bytes kept of each are seen.
 */
const kMaxGrowthMb = 12;
/** At this rate the collector takes its time: only thirds of several minutes each have a low to compare. */
const kJudgedMinutes = 15;
const kMaxRssMb = 400;

const hasSipp = spawnSync('sipp', ['-v']).error === undefined;

test.skipIf(!hasSipp)(
  `${kMinutes} min at ${kCallsPerSecond} calls/s leave memory flat (SIPp not installed when skipped)`,
  async () => {
    const it = await EdgeProcessUnderTest.launch();
    const app = await WireApp.connect(it.edge.appPort, kEdgeSecret, ['invite']);
    app.onRequest = (request) => {
      if (request.message.method === 'INVITE') app.respond(request, '200 OK', kSdp);
      else if (request.message.method !== 'ACK') app.respond(request, '200 OK');
    };
    const calls = Math.round(kMinutes * 60 * kCallsPerSecond);
    const sipp = spawn(
      'sipp',
      [
        `127.0.0.1:${it.udp.port}`,
        '-sf',
        kScenario,
        '-i',
        '127.0.0.1',
        '-r',
        String(kCallsPerSecond),
        '-m',
        String(calls),
        '-nostdin',
      ],
      { stdio: 'ignore' },
    );
    const samples: number[] = [];
    const sampling = setInterval(() => samples.push(it.rssMb), kSampleMs);
    const [exit] = await once(sipp, 'close');
    clearInterval(sampling);
    const third = Math.floor(samples.length / 3);
    const lowest = {
      second: Math.min(...samples.slice(third, 2 * third)),
      last: Math.min(...samples.slice(-third)),
    };
    console.log(
      JSON.stringify({
        calls,
        minutes: kMinutes,
        rssMb: samples.map(Math.round),
        lowest,
        stats: it.edge.stats(),
      }),
    );
    expect(exit).toBe(0); // no call failed
    if (kMinutes >= kJudgedMinutes) expect(lowest.last - lowest.second).toBeLessThan(kMaxGrowthMb);
    expect(Math.max(...samples)).toBeLessThan(kMaxRssMb);
    await expect.poll(() => it.edge.stats()?.dialogs, { timeout: 10_000 }).toBe(0);
    await expect.poll(() => it.edge.stats()?.timers, { timeout: 40_000, interval: 1_000 }).toBe(0);
    expect(it.isUnharmed).toBe(true);
    app.close();
    await it.edge.stop();
  },
);
