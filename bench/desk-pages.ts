// How long a page takes over a slow link: from its address to the first key one can type into it, and from the key to what it is for.
import type { Browser } from 'playwright-core';
import { openBrowser, signIn } from '../test/support/browser.ts';
import type { ServerProcess } from '../test/support/server-process.ts';
import { median, rounded } from './figures.ts';

const kLoads = 5;
/** 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back: what browsers call a slow 4G. */
export const kSlowLink = {
  offline: false,
  latency: 150,
  downloadThroughput: 200_000,
  uploadThroughput: 93_750,
};
const kPages = { desk: '/desk', wallboard: '/wallboard', call: '/calls/none' };

interface Load {
  readonly interactiveMs: number;
  /** From the key to the page behind it. */
  readonly signedInMs: number;
}

export async function measurePages(server: ServerProcess): Promise<Readonly<Record<string, unknown>>> {
  const browser = await openBrowser();
  try {
    const figures: Record<string, number> = {};
    for (const [name, path] of Object.entries(kPages)) {
      const loads: Load[] = [];
      for (let count = 0; count < kLoads; count++)
        loads.push(await loadOnce(browser, server.httpUrl + path, server.apiKey));
      figures[`${name}InteractiveMs`] = rounded(median(loads.map(({ interactiveMs }) => interactiveMs)));
      figures[`${name}SignedInMs`] = rounded(median(loads.map(({ signedInMs }) => signedInMs)));
    }
    return { slowLink: kSlowLink, ...figures };
  } finally {
    await browser.close();
  }
}

/** From the navigation to the field that takes the key, handlers and all; nothing is in the cache. */
async function loadOnce(browser: Browser, url: string, key: string): Promise<Load> {
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
    const interactiveMs = await page.evaluate<number>('interactiveMs');
    const startedMs = performance.now();
    await signIn(page, key);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    return { interactiveMs, signedInMs: performance.now() - startedMs };
  } finally {
    await context.close();
  }
}
