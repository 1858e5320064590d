import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';

const kPage = fileURLToPath(new URL('./browser-phone.html', import.meta.url));
const kSipJs = fileURLToPath(new URL('../../node_modules/sip.js/lib', import.meta.url));

/** The page of the softphone and SIP.js itself, on a free port. */
export async function servePhonePage(): Promise<{ origin: string; close: () => void }> {
  const server: Server = createServer((request, response) => {
    const path = normalize(request.url ?? '/');
    const file = path === '/' ? kPage : join(kSipJs, path.replace(/^\/sip\.js\//, ''));
    if (!existsSync(file)) return void response.writeHead(404).end();
    const type = file.endsWith('.html') ? 'text/html' : 'text/javascript';
    response.writeHead(200, { 'content-type': type }).end(readFileSync(file));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A browser with one page, whose functions are called. Made with openChromium(), ended with stop(). */
export class Chromium {
  readonly #browser: Browser;
  readonly #page: Page;

  constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  /** Calls a function of the page and waits for what it resolves with. */
  call<T>(name: string, ...args: readonly string[]): Promise<T> {
    return this.#page.evaluate<T>(`${name}(${args.map((each) => JSON.stringify(each)).join(', ')})`);
  }

  stop(): Promise<void> {
    return this.#browser.close();
  }
}

/** @param address - of the page; resolves when its script has run. */
export async function openChromium(address: string): Promise<Chromium> {
  const browser = await openBrowser(['--ignore-certificate-errors']);
  try {
    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForFunction("typeof dial === 'function'");
    return new Chromium(browser, page);
  } catch (error) {
    await browser.close();
    throw error;
  }
}
