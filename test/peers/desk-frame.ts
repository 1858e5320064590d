import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { openPage } from '../support/browser.ts';
import type { DeskLab } from '../support/desk-lab.ts';
import { until } from '../support/payment-lab.ts';

const kView = { width: 900, height: 700, colorScheme: 'light' } as const;
const kProtocol = 'hushpay.desk/1';

/** A CRM: a page with a frame, which keeps what it is told and sends what it is asked to. */
const kHost = `<!doctype html><title>CRM</title><iframe width="860" height="640" allow="microphone"></iframe><script>
  const heard = [];
  addEventListener('message', ({ data, origin }) => heard.push({ ...data, origin }));
  const frame = document.querySelector('iframe');
  const show = (url) => { frame.src = url; };
  const say = (message, origin) => frame.contentWindow.postMessage(message, origin);
</script>`;

/** The CRM the desk is configured for, and a site it is not; close() ends both. */
export interface FrameHosts {
  readonly crm: Server;
  readonly stranger: Server;
  close(): void;
}

export async function openFrameHosts(): Promise<FrameHosts> {
  const [crm, stranger] = await Promise.all([serveHost(), serveHost()]);
  const close = () => {
    for (const server of [crm, stranger]) server.close();
  };
  return { crm, stranger, close };
}

function serveHost(): Promise<Server> {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(kHost));
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

export function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Heard {
  readonly type: string;
  readonly origin: string;
  readonly [field: string]: unknown;
}

/** The CRM's page with the desk in its frame. */
async function openCrm(lab: DeskLab, server: Server): Promise<Page> {
  const { page } = await openPage(lab.browser, kView);
  await page.goto(originOf(server));
  await page.evaluate(`show(${JSON.stringify(`${lab.url}/desk`)})`);
  return page;
}

const heard = (page: Page) => page.evaluate<Heard[]>('heard');
const say = (page: Page, lab: DeskLab, message: object) =>
  page.evaluate(`say(${JSON.stringify({ protocol: kProtocol, ...message })}, ${JSON.stringify(lab.url)})`);

async function hears(page: Page, type: string): Promise<Heard> {
  await until(async () => (await heard(page)).some((message) => message.type === type), `${type} at the CRM`);
  return (await heard(page)).findLast((message) => message.type === type) as Heard;
}

/** What the desk does in a frame. @param started - the server whose desk the CRM may frame. */
export function describeFrame(started: () => { readonly lab: DeskLab; readonly hosts: FrameHosts }): void {
  it('is signed in, given a payment and followed by the CRM it is configured for', async () => {
    const { lab, hosts } = started();
    const page = await openCrm(lab, hosts.crm);
    expect((await hears(page, 'ready')).origin).toBe(lab.url);
    await say(page, lab, { type: 'sign-in', key: lab.key });
    await hears(page, 'signed-in');
    await say(page, lab, {
      type: 'prepare',
      payment: { topology: 'conference', customerId: 'C-9', amount: '7.50' },
    });
    const { sessionId, roomUri } = await hears(page, 'prepared');
    expect(roomUri).toContain(String(sessionId));
    await until(
      async () => (await heard(page)).some(({ type }) => type === 'payment'),
      'the payment at the CRM',
    );
    await say(page, lab, { type: 'action', action: { action: 'amount', amount: '8.75' } });
    expect((await hears(page, 'problem'))['detail']).toContain('nobody is on the line');
    await say(page, lab, { type: 'action', action: { action: 'cancel' } });
    await until(
      async () => (await lab.rooms.lab.setting.session(String(sessionId))) === undefined,
      'the end of it',
    );
    const told = await heard(page);
    expect(told.every(({ protocol }) => protocol === kProtocol)).toBe(true);
    expect(JSON.stringify(told)).not.toContain(lab.key);
    await page.context().close();
  }, 90_000);

  it('is shown in no page that is not configured, and hears none', async () => {
    const { lab, hosts } = started();
    const page = await openCrm(lab, hosts.stranger);
    const frame = page.frames().at(1);
    await until(() => (page.frames().at(1)?.url() ?? '') !== 'about:blank', 'what the browser shows instead');
    expect(frame?.url()).toMatch(/^chrome-error:/);
    expect(await heard(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('takes no word of a window that is not around it', async () => {
    const { lab, hosts } = started();
    const { page } = await openPage(lab.browser, kView);
    await page.goto(originOf(hosts.stranger));
    const opened = page.waitForEvent('popup');
    await page.evaluate(`globalThis.desk = open(${JSON.stringify(`${lab.url}/desk`)}, 'desk')`);
    const desk = await opened;
    await desk.getByLabel('Key').waitFor();
    const message = JSON.stringify({ protocol: kProtocol, type: 'sign-in', key: lab.key });
    await page.evaluate(`desk.postMessage(${message}, '*')`);
    await desk.evaluate('new Promise((resolve) => setTimeout(resolve, 200))');
    expect(await desk.getByRole('button', { name: 'Sign in' }).isVisible()).toBe(true);
    await page.context().close();
  }, 60_000);

  it('gives another site nothing to use: no cookie, no answer it could read, no action without the key', async () => {
    const { lab, hosts } = started();
    const { page, context } = await openPage(lab.browser, kView);
    await page.goto(`${lab.url}/desk`);
    await page.getByLabel('Key').fill(lab.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    expect(await context.cookies()).toEqual([]);
    expect(
      await page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])'),
    ).not.toContain(lab.key);
    const other = await context.newPage();
    await other.goto(originOf(hosts.stranger));
    const attempts = await other.evaluate<string[]>(`(async () => {
      const url = ${JSON.stringify(lab.url)};
      const tried = [];
      const attempt = async (name, init) => {
        try { const { status, type } = await fetch(url + '/v1/sessions', init); tried.push(name + ' ' + type + ' ' + status); }
        catch { tried.push(name + ' refused'); }
      };
      await attempt('read', { credentials: 'include' });
      await attempt('simple post', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"topology":"ivr"}' });
      await attempt('json post', { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body: '{}' });
      return tried;
    })()`);
    expect(attempts).toEqual(['read refused', 'simple post opaque 0', 'json post refused']);
    // What was sent blindly did nothing.
    const answer = await fetch(`${lab.url}/v1/sessions`, { method: 'POST', body: '{"topology":"ivr"}' });
    expect([401, 415]).toContain(answer.status);
    await context.close();
  }, 60_000);
}
