import { expect, test } from 'vitest';
import { EdgeProcessUnderTest, kEdgeSecret } from '../../support/edge-process.ts';
import { figures } from '../../support/figures.ts';
import { Flood } from '../../support/flood.ts';
import { fuzzSeeds } from '../../support/fuzz-seeds.ts';
import { pick, randomFrom } from '../../support/mutation.ts';
import { kSdp } from '../../support/raw-sip-peer.ts';
import { WireApp, type WireRequest } from '../../support/wire-app.ts';

const kDatagrams = Number(process.env['HUSHPAY_FUZZ_DATAGRAMS'] ?? 1_000_000);
const kSeed = Number(process.env['HUSHPAY_FUZZ_SEED'] ?? 20_261_122);
/** From here on the application takes no new call: one that is never acknowledged lives for 64*T1, and its BYE after it. */
const kCallsUntil = 0.9;
const kCalmMs = 40_000;
const kReapMs = 35_000; // 64*T1 and a little
/** With as many transactions as the edge holds at all, and the collector's slack. */
const kMaxRssMb = 1_536;

/** An application that answers everything, now and then not at once, and hangs up what was acknowledged. */
function answer(app: WireApp, request: WireRequest, takesCalls: boolean, random: () => number): void {
  const { method } = request.message;
  if (method === 'ACK') app.sendIn(request.dialogId, 'BYE');
  else if (method !== 'INVITE') app.respond(request, '200 OK');
  else if (takesCalls && random() < 0.02) app.respond(request, '200 OK', kSdp);
  else app.respond(request, pick(['486 Busy Here', '404 Not Found', '480 Temporarily Unavailable'], random));
}

test(`${kDatagrams} mutated datagrams (seed ${kSeed}): alive, bounded, and nothing is left 35 s later`, async () => {
  const random = randomFrom(kSeed);
  const it = await EdgeProcessUnderTest.launch();
  const app = await WireApp.connect(it.edge.appPort, kEdgeSecret, ['invite']);
  const flood = await Flood.open(it, fuzzSeeds(), random);
  let takesCalls = true;
  app.onRequest = (request) => answer(app, request, takesCalls, random);
  const rss: number[] = [];
  const startedMs = Date.now();
  const sendShare = async (share: number): Promise<void> => {
    const parts = Math.max(1, Math.round(share * 20));
    for (let part = 0; part < parts; part++) {
      await flood.send(Math.round((kDatagrams * share) / parts));
      rss.push(Math.round(it.rssMb));
    }
  };

  await sendShare(kCallsUntil);
  takesCalls = false;
  await pause(kCalmMs); // the last calls run off
  await sendShare(1 - kCallsUntil);
  const perSecond = Math.round(flood.sent / ((Date.now() - startedMs - kCalmMs) / 1000));
  console.log(JSON.stringify({ datagrams: flood.sent, perSecond, rssMb: rss, stats: it.edge.stats() }));
  expect(Math.max(...rss)).toBeLessThan(kMaxRssMb);

  await pause(kReapMs);
  await flood.probe();
  const isEmpty = (): unknown => {
    const { transactions, dialogs, timers } = it.edge.stats() ?? {};
    return { transactions, dialogs, timers };
  };
  // the probe's own transaction is there for 64*T1 more
  await expect.poll(isEmpty, { timeout: 5_000 }).toEqual({ transactions: 1, dialogs: 0, timers: 1 });
  expect(it.isUnharmed).toBe(true);
  figures(`${flood.sent} datagrams, ${perSecond} a second, at most ${Math.max(...rss)} MB`);
  flood.close();
  app.close();
  await it.edge.stop();
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
