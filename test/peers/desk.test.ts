import { readFileSync } from 'node:fs';
import type { Download, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeskLab, findingsEverywhere } from '../support/desk-lab.ts';
import { heardSince } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, until } from '../support/payment-lab.ts';
import { openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';
import { describeFrame, type FrameHosts, openFrameHosts, originOf } from './desk-frame.ts';
import { hasProgram } from './requirements.ts';

const kHasChromium = hasProgram('chromium');
const kCard = '4242424242424242';
/** What A4 has between its margins, landscape, in CSS pixels. */
const kPaper = { width: 1032, height: 703 };
const kCsvHeads = {
  'by period': /^period,entered,successful,unsuccessful,.*\r\n20\d\d-/,
  results: /^result,outcome,sessions,.*\r\nAPPROVED,success,1,/,
  'duration by outcome': /^outcome,p50_ms,p95_ms\r\nsuccess,\d+,\d+/,
  steps: /^stage,sessions,visits,lost,average_ms,p50_ms,p95_ms\r\n(.*\r\n)*PAN_ENTRY,1,/,
};
const kView = { width: 1200, height: 820, colorScheme: 'light' } as const;
const kMarkup = '<img src=x onerror=alert(1)>';

/** Every way by which text could become code, and a word home. Says which of them worked. */
const kIntrusion = `(async () => {
  const marks = [];
  globalThis.mark = (name) => marks.push(name);
  const attempt = async (work) => { try { await work(); } catch { /* refused */ } };
  await attempt(() => {
    const script = document.createElement('script');
    script.textContent = 'mark("inline script")';
    document.body.append(script);
  });
  await attempt(() => {
    const button = document.createElement('button');
    button.setAttribute('onclick', 'mark("handler")');
    button.click();
  });
  await attempt(() => {
    document.body.insertAdjacentHTML('beforeend', '<p>html</p>');
    mark('html');
  });
  // Later: what DevTools run themselves may evaluate text.
  await new Promise((resolve) => setTimeout(() => attempt(() => new Function('mark("function")')()).then(resolve)));
  await attempt(async () => {
    await fetch('https://example.invalid/', { mode: 'no-cors' });
    mark('fetch');
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  return marks;
})()`;

let lab: DeskLab;
let hosts: FrameHosts;

beforeAll(async () => {
  if (!kHasChromium) return;
  hosts = await openFrameHosts();
  lab = await DeskLab.start([originOf(hosts.crm)]);
}, 60_000);
afterAll(async () => {
  await lab?.stop();
  hosts?.close();
});

describe.skipIf(!kHasChromium)('the pages in a browser (needs chromium)', () => {
  it('take a whole payment at the desk of an agent, on the phone of the page, without a flaw for axe', async () => {
    const { page, problems } = await lab.open('/desk', kView, 'agent');
    expect(await findingsEverywhere(page)).toEqual([]);
    await page.getByLabel('Customer', { exact: true }).fill('C-1001');
    await page.getByLabel('Reference').fill('INV-2041');
    await page.getByLabel('Amount in USD').fill('50.25');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Waiting for the customer' }).waitFor();
    const roomUri = (await page.locator('.address .code').textContent()) ?? '';

    await page.getByLabel('Extension').fill('agent-7');
    await page.getByRole('button', { name: 'Switch on' }).click();
    await page.getByRole('button', { name: 'Join this payment' }).click();
    await page.getByRole('button', { name: 'Mute' }).waitFor();
    const customer = await lab.rooms.lab.caller({ carrier: 'event+tone' });
    await customer.dial(roomUri, { 'X-Pay-Role': 'caller' });
    await page.getByRole('heading', { name: 'Ready to begin' }).waitFor();
    // A second pair of ears, whose sound can be searched for keys.
    const monitor = await lab.rooms.lab.caller();
    await monitor.dial(roomUri, { 'X-Pay-Role': 'monitor' });
    await page.locator('.parties').getByText('Monitor').waitFor();

    await page.locator('body').press('s');
    await page.getByRole('heading', { name: 'keys the card number' }).waitFor();
    await page.getByText('Secure mode: keys hidden from you').waitFor();
    const since = monitor.rtp.packets.length;
    await customer.press(kCard.slice(0, 9));
    await expect.poll(() => page.locator('.now .dot:not(.ahead)').count()).toBe(9);
    expect(await findingsEverywhere(page)).toEqual([]);
    await customer.press('*');
    await expect.poll(() => page.locator('.now .dot:not(.ahead)').count()).toBe(0);
    for (const step of hurriedKeys(kCard)) await customer.follow([step]);
    await page.getByText('Visa ending 4242').first().waitFor();
    await page.getByRole('heading', { name: 'hears the reference' }).waitFor();
    await until(() => lab.rooms.lab.prompts.includes('ref.menu'), 'the menu behind the reference');
    await customer.press('2');
    await page.getByRole('heading', { name: 'Paid' }).waitFor();

    const id = new URL(page.url()).hash.slice(1);
    const record = await lab.rooms.lab.setting.session(id);
    expect(record).toMatchObject({ result: 'APPROVED', amountCharged: '50.25', last4: '4242' });
    expect(await page.locator('.reference .code').textContent()).toBe(record?.['transactionId']);
    expect(await findingsEverywhere(page)).toEqual([]);
    expect((await leaksIn(heardSince(monitor, since))).keys).toBe(0);
    expect(await page.content()).not.toContain(kCard.slice(0, 6));
    await page.getByRole('button', { name: 'Hang up' }).click();
    await customer.hangUp();
    expect(problems).toEqual([]);
  }, 180_000);

  it('show the payment on the wallboard and in the view of the call, without a flaw for axe', async () => {
    const { page, problems } = await lab.open('/wallboard', kView, 'supervisor');
    await page.getByRole('heading', { name: 'Latest payments' }).waitFor();
    const tile = (name: string) => page.locator(`.tile:has(h2:text-is("${name}")) .figure`);
    expect(await tile('Entered').textContent()).toBe('1');
    expect(await tile('Successful').textContent()).toBe('1');
    expect(await findingsEverywhere(page)).toEqual([]);
    await page.getByRole('button', { name: 'History' }).click();
    await page.getByRole('heading', { name: 'Results' }).waitFor();
    const tables = page.getByRole('button', { name: /^Export .* as CSV$/ });
    const exported = await tables.evaluateAll((all) =>
      all.map((each) => each.getAttribute('aria-label') ?? ''),
    );
    expect(exported).toEqual(
      ['by period', 'results', 'duration by outcome', 'steps'].map((name) => `Export ${name} as CSV`),
    );
    for (const [name, head] of Object.entries(kCsvHeads)) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Export ${name} as CSV` }).click(),
      ]);
      expect(await textOf(download)).toMatch(head);
    }
    expect(await findingsEverywhere(page)).toEqual([]);
    await page.getByRole('button', { name: 'Now' }).click();
    const link = await page.getByRole('table').getByRole('link').first().getAttribute('href');
    expect(problems).toEqual([]);

    const call = await lab.open(String(link), kView, 'operator');
    await call.page.getByRole('heading', { name: 'Ladder' }).waitFor();
    const lanes = await call.page
      .locator('.ladder td.here')
      .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-lane')));
    const legs = ['Agent SIP', 'Customer SIP', 'Monitor SIP'];
    expect(new Set(lanes)).toEqual(new Set([...legs, 'Media', 'Dialog', 'Gateway', 'Audit']));
    const figures = call.page.getByRole('region', { name: 'Quality', exact: true });
    await figures.getByRole('columnheader', { name: 'Monitor' }).waitFor();
    const codecs = await figures.getByRole('row', { name: 'Codec' }).getByRole('cell').allTextContents();
    expect(codecs).toEqual(['PCMU', 'PCMU', 'PCMU']);
    await call.page.getByText('Worst trace let through').waitFor();
    expect(await call.page.content()).not.toContain(kCard.slice(0, 6));
    expect(await findingsEverywhere(call.page)).toEqual([]);
    await expectPrintable(call.page);
    expect(call.problems).toEqual([]);
  }, 120_000);

  it('show markup of a caller as what it is: text', async () => {
    const { sip } = lab.rooms.lab.setting;
    const peer = await openUdpPeer(sip);
    const call = new RawCall(peer, `sip:pay@${sip.host}:${sip.port}`);
    await call.establish({
      From: `"${kMarkup}" <sip:%3Cimg%20src%3Dx%3E@127.0.0.1>;tag=${call.fromTag}`,
      'X-Pay-Customer-Id': kMarkup,
      'X-Pay-Merchant-Id': kMarkup,
      'X-Pay-Reference': '"><script>alert(2)</script>',
      'X-Pay-Amount': '12.00',
      'X-Pay-Currency': 'USD',
    });
    const dialogs: string[] = [];
    const path = `/calls/${await sessionOf(kMarkup)}`;
    for (const each of ['/desk', '/wallboard', path]) {
      const { page, problems, context } = await lab.open(each, kView);
      page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      await page.getByText(kMarkup).first().waitFor();
      expect(await page.locator('img[src="x"], #page script').count()).toBe(0);
      expect(problems).toEqual([]);
      await context.close();
    }
    expect(dialogs).toEqual([]);
    call.send('BYE');
    await peer.next('200 BYE');
    peer.close();
  }, 120_000);

  it('run nothing that is put into them', async () => {
    const { page, problems } = await lab.open('/desk', kView);
    const ran = await page.evaluate<string[]>(kIntrusion);
    expect(ran).toEqual([]);
    expect(problems.some((problem) => problem.includes('Content Security Policy'))).toBe(true);
  });
});

describe.skipIf(!kHasChromium)('the desk in a frame (needs chromium)', () => {
  describeFrame(() => ({ lab, hosts }));
});

/** Every part is on the paper, light whatever the screen shows, and nothing sticks out of it. */
async function expectPrintable(page: Page): Promise<void> {
  const screen = page.viewportSize();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await page.setViewportSize(kPaper);
  const cut = await page.evaluate<string[]>(`[...document.querySelectorAll('main, .scroll, .overview svg')]
    .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth)
    .map((each) => each.getAttribute('aria-label') ?? each.className)`);
  expect(cut).toEqual([]);
  expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(21, 32, 43)');
  expect(await page.locator('.bar').isVisible()).toBe(false);
  const pdf = (await page.pdf({ preferCSSPageSize: true, outline: true, tagged: true })).toString('latin1');
  const headings = ['Course', 'Ladder', 'Quality', 'Clamp', 'Audit', 'C-1001'];
  expect(headings.filter((heading) => !pdf.includes(`/Title (${heading})`))).toEqual([]);
  expect(pdf).toMatch(/\/MediaBox \[0 0 84[12](\.\d+)? 59[45]/); // A4, landscape, in points
  await page.emulateMedia({ media: 'screen', colorScheme: 'light' });
  if (screen) await page.setViewportSize(screen);
}

async function textOf(download: Download): Promise<string> {
  return readFileSync((await download.path()) ?? '', 'utf8');
}

/** The name of a customer's session, once its row is there: a call is answered before. */
async function sessionOf(customerId: string): Promise<string> {
  let id: string | undefined;
  await until(async () => {
    const query = new URLSearchParams({ customerId, limit: '1' });
    const answer = await fetch(`${lab.url}/v1/sessions?${query}`, {
      headers: { authorization: `Bearer ${lab.key}` },
    });
    const { sessions } = (await answer.json()) as { sessions: { id: string }[] };
    id = sessions[0]?.id;
    return id !== undefined;
  }, `a session of ${customerId}`);
  return String(id);
}
