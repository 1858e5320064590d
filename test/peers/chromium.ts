import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { pause } from './baresip.ts';

const kPage = fileURLToPath(new URL('./browser-phone.html', import.meta.url));
const kSipJs = fileURLToPath(new URL('../../node_modules/sip.js/lib', import.meta.url));
const kPatienceMs = 100_000;
const kOptions = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--ignore-certificate-errors',
  '--remote-debugging-port=0',
];

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

/** A browser with one page, whose functions are called over the DevTools protocol. Made with openChromium(), ended with stop(). */
export class Chromium {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: DevToolsReply) => void>();
  #lastId = 0;

  constructor(child: ChildProcess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as DevToolsReply;
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
  }

  /** Calls a function of the page and waits for what it resolves with. */
  async call<T>(name: string, ...args: readonly string[]): Promise<T> {
    const expression = `${name}(${args.map((each) => JSON.stringify(each)).join(', ')})`;
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<DevToolsReply>();
    this.#waiting.set(id, resolve);
    const params = { expression, awaitPromise: true, returnByValue: true };
    this.#socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
    const { result } = await promise;
    const { text, exception } = result.exceptionDetails ?? {};
    // The first line: a stack of the page's means nothing here.
    if (text !== undefined) throw new Error(exception?.description?.split('\n')[0] ?? text);
    return result.result.value as T;
  }

  async stop(): Promise<void> {
    this.#socket.terminate();
    await end(this.#child, this.#folder);
  }
}

interface DevToolsReply {
  readonly id: number;
  readonly result: {
    readonly result: { readonly value?: unknown };
    readonly exceptionDetails?: {
      readonly text: string;
      readonly exception?: { readonly description?: string };
    };
  };
}

/** @param page - address of the page; resolves when its script has run. */
export async function openChromium(page: string): Promise<Chromium> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-chromium-'));
  const child = spawn('chromium', [...kOptions, `--user-data-dir=${folder}`, page], { stdio: 'ignore' });
  try {
    const port = await eventually(() => portOf(folder));
    const url = await eventually(() => pageOf(port, page));
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const chromium = new Chromium(child, folder, socket);
    await eventually(
      async () => (await chromium.call<boolean>("(() => typeof dial === 'function')")) || undefined,
    );
    return chromium;
  } catch (error) {
    await end(child, folder);
    throw error;
  }
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  const ended = child.exitCode === null ? once(child, 'close') : undefined;
  child.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** The browser writes where it listens. */
function portOf(folder: string): string | undefined {
  const file = join(folder, 'DevToolsActivePort');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n')[0] : undefined;
}

async function pageOf(port: string, page: string): Promise<string | undefined> {
  const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    url: string;
    webSocketDebuggerUrl: string;
  }[];
  return pages.find(({ url }) => url.startsWith(page))?.webSocketDebuggerUrl;
}

async function eventually<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const giveUpAtMs = Date.now() + kPatienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > giveUpAtMs) throw new Error('the browser does not come up');
    await pause(50);
  }
}
