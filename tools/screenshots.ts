// `npm run screenshots`: plays payments on a server of its own and writes what its pages look like meanwhile to docs/img. Real calls;
// the days before, which the wallboard compares with, are made up.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { Caller } from '../src/phone/caller.ts';
import { openBrowser, openPage, signIn, type View } from '../test/support/browser.ts';
import { makeUpSessions } from '../test/support/made-up-day.ts';
import { hurriedKeys } from '../test/support/payment-lab.ts';
import { RoomLab } from '../test/support/room-lab.ts';

const kFolder = fileURLToPath(new URL('../docs/img', import.meta.url));
const kCard = '4242424242424242';
const kDeclinedCard = '4000000000009995';
const kWide: View = { width: 1280, height: 820, colorScheme: 'light' };
const kDark: View = { ...kWide, colorScheme: 'dark' };
const kNarrow: View = { width: 360, height: 760, colorScheme: 'light' };
const kDaysBefore = 8;
const kSettleMs = 900; // animations and the plot

mkdirSync(kFolder, { recursive: true });
const rooms = await RoomLab.start();
const { httpUrl, apiKey: madeUpKey } = rooms.lab.setting.server;
const apiKey = madeUpKey ?? '';
const browser = await openBrowser();
try {
  makeUpSessions(rooms.lab.setting.config.dataDir, Date.now(), kDaysBefore);
  const desk = await openDesk(browser);
  const { id, customer } = await deskPictures(desk);
  await Promise.all([declined(), parked()]);
  await customer.hangUp();
  await wallboardPictures(browser);
  await callPictures(browser, id);
} finally {
  await browser.close();
  await rooms.stop();
}

async function openDesk(browser: Browser): Promise<Page> {
  const { page } = await openPage(browser, kWide, 2);
  await page.goto(`${httpUrl}/desk`);
  await signIn(page, apiKey);
  await page.getByRole('button', { name: 'Prepare payment' }).waitFor();
  return page;
}

async function shoot(page: Page, name: string, fullPage = false): Promise<void> {
  await page.waitForTimeout(kSettleMs);
  await page.screenshot({ path: `${kFolder}/${name}.png`, fullPage });
}

/** An agent takes a payment; the customer's and the agent's telephones are real SIP calls. */
async function deskPictures(page: Page): Promise<{ readonly id: string; readonly customer: Caller }> {
  await page.getByLabel('Customer', { exact: true }).fill('C-1001');
  await page.getByLabel('Reference').fill('INV-2041');
  await page.getByLabel('Amount in USD').fill('50.25');
  await page.getByRole('button', { name: 'Prepare payment' }).click();
  const uri = (await page.locator('.address .code').textContent()) ?? '';
  const id = new URL(page.url()).hash.slice(1);
  const customer = await rooms.lab.caller({ carrier: 'event+tone' });
  await customer.dial(uri, { 'X-Pay-Role': 'caller' });
  const agent = await rooms.lab.caller();
  await agent.dial(uri, { 'X-Pay-Role': 'agent' });
  await page.getByText('Ready to begin').waitFor();
  await page.keyboard.press('s');
  await page.getByText('keys the card number').waitFor();
  await customer.press(kCard.slice(0, 9));
  await shoot(page, 'desk');
  await page.setViewportSize(kNarrow);
  await shoot(page, 'desk-narrow');
  await page.setViewportSize(kWide);
  await customer.press(`${kCard.slice(9, 15)}1#`);
  await page.getByText('is not valid').first().waitFor();
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(page, 'desk-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  for (const step of hurriedKeys(kCard)) await customer.follow([step]);
  await customer.follow([
    { when: () => page.getByText('hears the reference').waitFor() },
    { hear: 'prompt' },
    { key: '2' },
  ]);
  await page.getByRole('heading', { name: 'Paid' }).waitFor();
  await shoot(page, 'desk-paid');
  return { id, customer };
}

/** Sessions that are in the middle of something when the wallboard is looked at. */
async function declined(): Promise<void> {
  const session = await rooms.prepare({ customerId: 'C-1188', reference: 'INV-2044', amount: '18.00' });
  const customer = await session.join('caller');
  await session.join('agent');
  await session.act('start');
  await customer.follow([...hurriedKeys(kDeclinedCard), session.at('RETRY_MENU')]);
}

async function parked(): Promise<void> {
  const session = await rooms.prepare({
    topology: 'secure_transfer',
    customerId: 'C-1204',
    amount: '120.00',
  });
  const customer = await session.join('caller');
  await session.join('agent');
  await session.act('start');
  await customer.follow([{ speakOver: `${kCard}#` }, session.at('EXPIRY_ENTRY')]);
}

async function wallboardPictures(browser: Browser): Promise<void> {
  for (const [view, name] of [
    [kWide, 'wallboard'],
    [kDark, 'wallboard-dark'],
    [kNarrow, 'wallboard-narrow'],
  ] as const) {
    const { page, context } = await openPage(browser, view, 2);
    await page.goto(`${httpUrl}/wallboard`);
    await signIn(page, apiKey);
    await page.getByRole('heading', { name: 'Active by step' }).waitFor();
    await shoot(page, name, true);
    if (view === kWide) {
      await page.getByRole('button', { name: 'History' }).click();
      await page.getByRole('heading', { name: 'Results' }).waitFor();
      await shoot(page, 'history', true);
    }
    await context.close();
  }
}

async function callPictures(browser: Browser, id: string): Promise<void> {
  for (const [view, name] of [
    [kWide, 'call'],
    [kNarrow, 'call-narrow'],
  ] as const) {
    const { page, context } = await openPage(browser, view, 2);
    await page.goto(`${httpUrl}/calls/${id}`);
    await signIn(page, apiKey);
    await page.getByRole('heading', { name: 'Ladder' }).waitFor();
    await shoot(page, name, true);
    await context.close();
  }
}
