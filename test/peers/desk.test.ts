import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeskLab, findingsEverywhere } from '../support/desk-lab.ts';
import { heardSince } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, until } from '../support/payment-lab.ts';
import { openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';
import { hasProgram } from './requirements.ts';

const kHasChromium = hasProgram('chromium');
const kCard = '4242424242424242';
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

beforeAll(async () => {
  if (kHasChromium) lab = await DeskLab.start();
}, 60_000);
afterAll(() => lab?.stop());

describe.skipIf(!kHasChromium)('the pages in a browser (needs chromium)', () => {
  it('take a whole payment at the desk, the agent on the phone of the page, without a flaw for axe', async () => {
    const { page, problems } = await lab.open('/desk', kView);
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
    const { page, problems } = await lab.open('/wallboard', kView);
    await page.getByRole('heading', { name: 'Latest payments' }).waitFor();
    const tile = (name: string) => page.locator(`.tile:has(h2:text-is("${name}")) .figure`);
    expect(await tile('Entered').textContent()).toBe('1');
    expect(await tile('Successful').textContent()).toBe('1');
    expect(await findingsEverywhere(page)).toEqual([]);
    await page.getByRole('button', { name: 'History' }).click();
    await page.getByRole('heading', { name: 'Results' }).waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    expect((await download).suggestedFilename()).toMatch(/^payments-.*\.csv$/);
    expect(await findingsEverywhere(page)).toEqual([]);
    await page.getByRole('button', { name: 'Now' }).click();
    const link = await page.getByRole('table').getByRole('link').first().getAttribute('href');
    expect(problems).toEqual([]);

    const call = await lab.open(String(link), kView);
    await call.page.getByRole('heading', { name: 'Ladder' }).waitFor();
    const lanes = await call.page
      .locator('.ladder td.here')
      .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-lane')));
    expect(new Set(lanes)).toEqual(new Set(['SIP', 'Media', 'Dialog', 'Gateway', 'Audit']));
    await call.page.getByText('Worst trace let through').waitFor();
    expect(await findingsEverywhere(call.page)).toEqual([]);
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
