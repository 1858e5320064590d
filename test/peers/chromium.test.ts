import { readFileSync } from 'node:fs';
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from './baresip.ts';
import { type Chromium, openChromium, servePhonePage } from './chromium.ts';
import { hasProgram } from './requirements.ts';
import { type SecureServer, startSecureServer } from './secure-server.ts';

const kHasChromium = hasProgram('chromium');
const kCard = '4242424242424242';

interface Look {
  readonly received: number;
  readonly energy: number;
  readonly sent: number;
  readonly dtls: string;
  readonly cipher: string;
  readonly roundTrips: number;
}

let page: Awaited<ReturnType<typeof servePhonePage>>;
let server: SecureServer;
let browser: Chromium;

beforeAll(async () => {
  if (!kHasChromium) return;
  page = await servePhonePage();
  server = await startSecureServer({ encryption: 'required' }, [page.origin]);
  browser = await openChromium(page.origin);
}, 60_000);

afterAll(async () => {
  await browser?.stop();
  await server?.stop();
  page?.close();
});

async function until(isSo: (look: Look) => boolean): Promise<Look> {
  for (let asked = 0; asked < 200; asked++) {
    const look = await browser.call<Look>('look');
    if (isSo(look)) return look;
    await pause(100);
  }
  throw new Error(`waited in vain; the browser says ${JSON.stringify(await browser.call('look'))}`);
}

/** The process that carries the packets. */
function mediaWorker(): number {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ');
  const isWorker = (pid: string) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'hushpay-media';
  return Number(children.find(isWorker));
}

describe.skipIf(!kHasChromium)('SIP.js with the WebRTC of Chromium (needs chromium)', () => {
  it('calls over WSS, hears the prompt, and pays by its keys', async () => {
    const uri = 'sip:pay@hushpay.test;amount=50.25;customer-id=C-1001;currency=USD';
    const callId = await browser.call<string>('dial', `wss://127.0.0.1:${server.sipPorts.wss}/`, uri);
    // It has a round trip when it understood our encrypted reports.
    const look = await until(({ energy, roundTrips }) => energy > 0.001 && roundTrips > 0);
    expect(look.dtls).toBe('connected');
    expect(look.cipher).not.toBe('');
    expect(look.sent).toBeGreaterThan(0);

    await browser.call('press', `${kCard}#1230123`);
    const [sessionId = ''] = server.sessionsOf(callId);
    await pause(1500); // the summary has begun
    await browser.call('press', '1');
    await until(() => server.charges() === 1);
    await browser.call('hangUp');
    const session = await server.ended(sessionId);
    expect(session).toMatchObject({ result: 'APPROVED', amountCharged: '50.25', last4: '4242' });
    expect(server.tracesOf([kCard])).toEqual([]);
  }, 120_000);

  it('goes on when the media worker is killed in the middle of its card number', async () => {
    const before = server.charges();
    const uri = 'sip:pay@hushpay.test;amount=50.25;customer-id=C-1002;currency=USD';
    const callId = await browser.call<string>('dial', `wss://127.0.0.1:${server.sipPorts.wss}/`, uri);
    await until(({ energy }) => energy > 0.001);
    await browser.call('press', kCard.slice(0, 9));
    const worker = mediaWorker();
    kill(worker, 'SIGKILL');
    const { received } = await browser.call<Look>('look');
    await until((look) => look.received > received + 25); // heard from the next one, under the keys of the first
    expect(mediaWorker()).not.toBe(worker);
    await browser.call('press', `${kCard.slice(9)}#1230123`);
    await pause(1500); // the summary has begun
    await browser.call('press', '1');
    await until(() => server.charges() === before + 1);
    await browser.call('hangUp');
    const [sessionId = ''] = server.sessionsOf(callId);
    expect(await server.ended(sessionId)).toMatchObject({ result: 'APPROVED', last4: '4242' });
    expect(server.tracesOf([kCard])).toEqual([]);
  }, 120_000);
});
