import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { openBrowser, openPage, signIn, type View, type WatchedPage } from './browser.ts';
import { freePort } from './free-port.ts';
import { RoomLab } from './room-lab.ts';

/** Who may do what one role may, by a key of its own. */
type Holder = 'agent' | 'supervisor' | 'operator';
const kHolders: readonly Holder[] = ['agent', 'supervisor', 'operator'];
const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kRules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Rows of a long table, which are as those before them. */
const kMoreOfTheSame = '.ladder tbody tr:nth-child(n + 13)';

/** What axe found wrong: the rule, and where. */
export type Finding = `${string}: ${string}`;

/** A server whose desk has a phone, and a browser; stop() ends both. */
export class DeskLab {
  readonly rooms: RoomLab;
  readonly browser: Browser;

  /** @param embedIn - origins of pages that may frame the desk. */
  static async start(embedIn: readonly string[] = []): Promise<DeskLab> {
    // The phone's server must know the origin of the page, and the page the port of the phone's server.
    const [http, webSocket] = [await freePort(), await freePort()];
    const rooms = await RoomLab.start({
      HUSHPAY_HTTP_PORT: String(http),
      HUSHPAY_SIP_TRANSPORTS: JSON.stringify(['udp', 'tcp', 'ws']),
      HUSHPAY_SIP_WEB_SOCKET_PORT: String(webSocket),
      HUSHPAY_SIP_WEB_SOCKET_ORIGINS: JSON.stringify([`http://127.0.0.1:${http}`]),
      HUSHPAY_PAGES_SOFTPHONE_SERVER: `ws://127.0.0.1:${webSocket}/`,
      HUSHPAY_PAGES_EMBED_IN: JSON.stringify(embedIn),
      HUSHPAY_API_KEY: 'everything-key',
      HUSHPAY_API_KEYS: JSON.stringify(
        kHolders.map((role) => ({
          ...{ name: role, roles: [role] },
          sha256: createHash('sha256').update(keyOf(role)).digest('hex'),
        })),
      ),
    });
    return new DeskLab(rooms, await openBrowser());
  }

  private constructor(rooms: RoomLab, browser: Browser) {
    this.rooms = rooms;
    this.browser = browser;
  }

  get url(): string {
    return this.rooms.lab.setting.server.httpUrl;
  }

  /** One that may do everything. */
  get key(): string {
    return this.rooms.lab.setting.server.apiKey ?? '';
  }

  /** A page somebody has signed in to. @param holder - of which role; left out: of all. */
  async open(path: string, view: View, holder?: Holder): Promise<WatchedPage> {
    const watched = await openPage(this.browser, view);
    await watched.page.goto(this.url + path);
    await signIn(watched.page, holder ? keyOf(holder) : this.key);
    await watched.page.getByRole('button', { name: 'Sign out' }).waitFor();
    return watched;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.rooms.stop();
  }
}

function keyOf(holder: Holder): string {
  return `key-of-the-${holder}`;
}

/** Runs axe over what a page shows now, by the rules of WCAG 2.2 AA. */
export async function findingsOf(page: Page): Promise<readonly Finding[]> {
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(kAxe);
  const options = JSON.stringify({
    runOnly: { type: 'tag', values: kRules },
    resultTypes: ['violations'], // of all that is well it need not tell every place
    preload: false, // style sheets are those of the page
  });
  const context = `{ exclude: [${JSON.stringify(kMoreOfTheSame)}] }`;
  const { violations } = await page.evaluate<AxeReport>(`axe.run(${context}, ${options})`);
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}` as const,
  );
}

interface AxeReport {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly target: readonly string[] }[];
  }[];
}

/** Dark and wide; light and as narrow as the pages promise to be, where nothing may stick out either (WCAG 1.4.10). */
export async function findingsEverywhere(page: Page): Promise<readonly Finding[]> {
  const size = page.viewportSize();
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const dark = await findingsOf(page);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 360, height: 760 });
  const narrow = await findingsOf(page);
  const overflowPx = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  if (size) await page.setViewportSize(size);
  const overflow: readonly Finding[] =
    overflowPx > 0 ? [`overflow: ${overflowPx} px at a width of 360 px`] : [];
  return [...dark, ...narrow, ...overflow];
}
