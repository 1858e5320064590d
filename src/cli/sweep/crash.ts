import { setTimeout as later } from 'node:timers/promises';
import { coreFolders, searchCores } from './core-files.ts';
import { pay, ruleFor } from './payment.ts';
import { type Place, searchFiles } from './places.ts';
import { processesOf, startSite } from './site.ts';
import type { Spellings } from './spellings.ts';
import { StageFeed } from './stage-feed.ts';

const kLastWordsMs = 500; // in which control says what became of its children
const kStartsAfterMs = 1_000; // file systems round times

/** What a server leaves whose processes crash one after the other while a card is in hand: log, database, core files. */
export async function searchCrash(spellings: Spellings): Promise<readonly Place[]> {
  const sinceMs = Date.now() - kStartsAfterMs;
  const site = await startSite(0, ruleFor);
  try {
    const feed = await StageFeed.open(site.httpUrl, site.key);
    const order = { course: 'approved', topology: 'ivr', carrier: 'event', phone: -1 } as const;
    const crashed = new Error('the server was crashed on purpose');
    await pay(site, feed, order, async (stage) => {
      if (stage !== 'EXPIRY_ENTRY') return;
      await crash(site.pid);
      await site.ended;
      throw crashed;
    }).catch((error: unknown) => {
      if (error !== crashed) throw error;
    });
    feed.close();
    const files = searchFiles(site, spellings).map((place) => ({ ...place, where: 'what a crash left' }));
    return [...files, searchCores([site.dataDir, ...coreFolders()], sinceMs)];
  } finally {
    await site.stop();
  }
}

async function crash(pid: number): Promise<void> {
  const [control = pid, ...children] = processesOf(pid);
  for (const child of children) process.kill(child, 'SIGSEGV');
  await later(kLastWordsMs);
  process.kill(control, 'SIGABRT');
}
