import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { searchAudio, searchPresses, searchRecordings } from './agents-audio.ts';
import { coreFolders, searchCores } from './core-files.ts';
import { searchCrash } from './crash.ts';
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
import { type Place, searchAnswers, searchFiles, searchProcesses, searchSession } from './places.ts';
import { type MemoryScan, scanMemoryBeside } from './process-memory.ts';
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
 * it could have left a card number in. Beside it another server crashes under a card. Needs Linux and the right to read the memory of other processes.
 */
export async function sweep({ sessions, atOnce, say }: SweepOptions): Promise<SweepResult> {
  const sinceMs = Date.now();
  const orders = ordersOf(sessions);
  const site = await startSite(orders.filter(({ topology }) => topology === 'inline').length, ruleFor);
  try {
    const feed = await StageFeed.open(site.httpUrl, site.key);
    const [inHand, crashed, { traces, answers }] = await Promise.all([
      searchCardInHand(site, feed),
      searchCrash(kSpellings),
      payAll(site, feed, orders, atOnce, say),
    ]);
    say('searching');
    const heard = traces.map(({ agentHeard }) => agentHeard).filter(({ length }) => length > 0);
    const audio = await searchAudio(heard, site.dataDir);
    const controls = [inHand, searchMarkedFile(site), ...(await searchPresses(site.dataDir))];
    const places = [
      ...(await searchProcesses(site, kSpellings)),
      ...(await searchAnswers(site, feed, kSpellings)),
      ...answers,
      ...searchFiles(site, kSpellings),
      searchCores([site.dataDir, ...coreFolders()], sinceMs),
      ...audio,
      ...(await searchRecordings(site.recordings)),
      ...crashed,
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

interface Paid {
  readonly traces: readonly PaymentTrace[];
  /** What could be asked of each session, searched {@link kSettleMs} after its end. */
  readonly answers: readonly Place[];
}

/** @returns when everything is paid and {@link kSettleMs} have gone by since the last end. */
async function payAll(
  site: Site,
  feed: StageFeed,
  orders: readonly PaymentOrder[],
  atOnce: number,
  say: SweepOptions['say'],
): Promise<Paid> {
  const waiting = [...orders];
  const traces: PaymentTrace[] = [];
  const searches: Promise<readonly Place[]>[] = [];
  const payer = async () => {
    for (let order = waiting.shift(); order; order = waiting.shift()) {
      const trace = await pay(site, feed, order);
      const search = later(kSettleMs).then(() => searchSession(site, trace.sessionId, kSpellings));
      search.catch(() => {}); // told below
      searches.push(search);
      traces.push(trace);
      say(
        `${traces.length} of ${orders.length}: ${order.topology}, ${order.course}, keys by ${order.carrier}`,
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, payer));
  say(`waiting for ${kSettleMs / 1000} s after the last payment has ended`);
  return { traces, answers: (await Promise.all(searches)).flat() };
}

/** A card that is being keyed is in control's memory until its payment ends. */
async function searchCardInHand(site: Site, feed: StageFeed): Promise<Place> {
  let found: MemoryScan | undefined;
  const order = { topology: 'ivr', course: 'hangs up at the code', carrier: 'event', phone: -1 } as const;
  await pay(site, feed, order, async (stage) => {
    if (stage === 'EXPIRY_ENTRY') found ??= await scanMemoryBeside(site.pid, kSpellings);
  });
  return { where: 'control: memory, while a card is keyed', ...(found ?? { bytes: 0, found: new Map() }) };
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
