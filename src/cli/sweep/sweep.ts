import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { searchAudio, searchPress } from './agents-audio.ts';
import { kMark } from './marked-card.ts';
import {
  kCarriers,
  kCourses,
  kTopologies,
  type PaymentOrder,
  type PaymentTrace,
  pay,
  ruleFor,
} from './payment.ts';
import { type Place, searchAnswers, searchFiles, searchProcesses } from './places.ts';
import { type Site, startSite } from './site.ts';
import { spellingsOf } from './spellings.ts';
import { StageFeed } from './stage-feed.ts';

export interface SweepOptions {
  readonly sessions: number;
  /** Payments at a time. */
  readonly atOnce: number;
  /** Told what is being done. */
  readonly say: (sentence: string) => void;
}

export interface SweepResult {
  readonly sessions: number;
  /** Where something was put on purpose: each has to be found. */
  readonly controls: readonly Place[];
  /** Where nothing may be found. */
  readonly places: readonly Place[];
}

const kSpellings = spellingsOf(kMark);
const kSettleMs = 5_000; // what is promised: nothing is left 5 s after the end

/**
 * Runs payments with marked cards through a server in processes of its own, every topology, carrier and ending in turn, and searches all that
 * it could have left a card number in. Needs Linux and the right to read the memory of other processes.
 */
export async function sweep({ sessions, atOnce, say }: SweepOptions): Promise<SweepResult> {
  const orders = ordersOf(sessions);
  const site = await startSite(orders.filter(({ topology }) => topology === 'inline').length, ruleFor);
  try {
    const feed = await StageFeed.open(site.httpUrl, site.key);
    say('controls: what is there on purpose has to be found');
    const controls = [
      await searchCardInHand(site, feed),
      searchMarkedFile(site),
      await searchPress(site.dataDir),
    ];
    const traces = await payAll(site, feed, orders, atOnce, say);
    say(`searching ${kSettleMs / 1000} s after the last payment has ended`);
    await later(kSettleMs);
    const ids = traces.map(({ sessionId }) => sessionId);
    const places = [
      ...searchProcesses(site, kSpellings),
      ...(await searchAnswers(site, ids, feed, kSpellings)),
      ...searchFiles(site, kSpellings),
      ...(await searchAudio(
        traces.map(({ agentHeard }) => agentHeard).filter(({ length }) => length > 0),
        site.dataDir,
      )),
    ];
    feed.close();
    return { sessions, controls, places };
  } finally {
    await site.stop();
  }
}

/** Each course, topology and carrier comes with each other one in the long run: their numbers have no common divisor but for carriers. */
function ordersOf(sessions: number): readonly PaymentOrder[] {
  let phones = 0;
  return Array.from({ length: sessions }, (_, index) => {
    const topology = kTopologies[index % kTopologies.length] ?? 'ivr';
    return {
      topology,
      course: kCourses[index % kCourses.length] ?? 'approved',
      carrier: kCarriers[(index + Math.floor(index / kCourses.length)) % kCarriers.length] ?? 'event',
      phone: topology === 'inline' ? phones++ : -1,
    };
  });
}

async function payAll(
  site: Site,
  feed: StageFeed,
  orders: readonly PaymentOrder[],
  atOnce: number,
  say: SweepOptions['say'],
): Promise<readonly PaymentTrace[]> {
  const waiting = [...orders];
  const traces: PaymentTrace[] = [];
  const payer = async () => {
    for (let order = waiting.shift(); order; order = waiting.shift()) {
      traces.push(await pay(site, feed, order));
      say(
        `${traces.length} of ${orders.length}: ${order.topology}, ${order.course}, keys by ${order.carrier}`,
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, payer));
  return traces;
}

/** A card that is being keyed is in control's memory, once, until its payment ends. */
async function searchCardInHand(site: Site, feed: StageFeed): Promise<Place> {
  let found: Place | undefined;
  const order = { topology: 'ivr', course: 'hangs up at the code', carrier: 'event', phone: -1 } as const;
  await pay(site, feed, order, (stage) => {
    if (stage === 'EXPIRY_ENTRY')
      found ??= searchProcesses(site, kSpellings).find(({ where }) => where === 'control: memory');
  });
  return {
    where: 'control: memory, while a card is keyed',
    bytes: found?.bytes ?? 0,
    found: found?.found ?? new Map(),
  };
}

/** Every spelling, in a file of the data folder. */
function searchMarkedFile(site: Site): Place {
  const file = join(site.dataDir, 'control');
  writeFileSync(file, Buffer.concat([...kSpellings.values()].flatMap((bytes) => [bytes, Buffer.from('\n')])));
  const found = searchFiles(site, kSpellings).find(({ where }) => where === 'file control');
  rmSync(file);
  const isWhole = found?.found.size === kSpellings.size;
  return {
    where: `a file with all ${kSpellings.size} spellings`,
    bytes: found?.bytes ?? 0,
    found: isWhole ? found.found : new Map(),
  };
}
