import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SimulatorServer, startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import type { Caller } from '../../src/phone/caller.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { openStore } from '../../src/store/store.ts';
import { FakeLog } from '../support/fake-log.ts';
import { hurriedKeys, PaymentLab, resultOf, until } from '../support/payment-lab.ts';

const kCard = '4242424242424242';
const kOldToken = 'worn-out-secret';
const kToken = 'secret-of-shoes';
const kNumber = '+442071234567';

let folder: string;
let tokenFile: string;
let bank: SimulatorServer;
let lab: PaymentLab;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-merchants-'));
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, kOldToken);
  bank = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: kSystemClock, token: kToken });
  const shoes = {
    id: 'shoes',
    dialled: ['+44207*'],
    currency: 'GBP',
    locale: 'en-GB',
    payment: { amount: { max: '60.00' } },
    gateway: { type: 'rest', url: bank.url, tokenFile },
  };
  lab = await PaymentLab.start({ HUSHPAY_MERCHANTS: JSON.stringify([shoes, { id: 'hats' }]) });
});

afterAll(async () => {
  await lab.stop();
  await bank.close();
  rmSync(folder, { recursive: true });
});

/** Calls the number of the merchant. */
async function answered(): Promise<Caller> {
  const { host, port } = lab.setting.sip;
  const caller = await lab.caller();
  const dialled = await caller.dial(`sip:${kNumber}@${host}:${port}`, {
    'X-Pay-Customer-Id': 'C-1',
    'X-Pay-Identified': 'true',
    'X-Pay-Amount': '50.25',
  });
  expect(dialled.kind).not.toBe('refused');
  return caller;
}

it('pays at the gateway of whose number was called, in its currency, and goes on with a new secret while it runs', async () => {
  const unpaid = await answered(); // the gateway does not take the old secret: nobody is asked for a card
  expect(await lab.record(unpaid)).toMatchObject({ result: 'GATEWAY_UNAVAILABLE', merchantId: 'shoes' });

  writeFileSync(tokenFile, kToken);
  lab.setting.server.reload(); // as SIGHUP does
  await until(() => lab.isReady(), 'ready');
  const paying = await answered();
  await paying.follow([...hurriedKeys(kCard), lab.atStage(paying, 'APPROVED')]);
  await paying.hangUp();
  expect(await resultOf(paying)).toMatchObject({ result: 'APPROVED' });
  expect(await lab.record(paying)).toMatchObject({
    merchantId: 'shoes',
    gateway: 'rest:shoes',
    currency: 'GBP',
    amountCharged: '50.25',
    locale: 'en-GB',
  });
  expect(bank.ledger()).toMatchObject([{ amount: { minor: 5025, currency: 'GBP' }, state: 'approved' }]);
  expect(lab.setting.bank.ledger()).toEqual([]);
});

it('tells whose payments they were in metrics, readiness, audit and ledger', async () => {
  const { httpUrl } = lab.setting.server;
  const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
  expect(metrics).toContain('payment_merchant_sessions_ended_total{merchant="shoes",outcome="success"} 1');
  expect(metrics).toContain(
    'payment_merchant_amount_minor_units_total{merchant="shoes",currency="GBP"} 5025',
  );
  expect(metrics).toContain('payment_gateway_up{gateway="rest:shoes"} 1');
  expect(await (await fetch(`${httpUrl}/readyz`)).json()).toMatchObject({
    checks: { gateway: { ok: true }, 'gateway shoes': { ok: true } },
  });
  const store = openStore({
    file: join(lab.setting.config.dataDir, 'hushpay.sqlite'),
    log: new FakeLog(),
  });
  const acts = [...store.audit.entries()].filter(({ action }) => action === 'payment.submitted');
  expect(acts.map(({ detail }) => detail['merchantId'])).toEqual(['shoes']);
  expect(store.list(10)).toMatchObject([{ merchantId: 'shoes' }]);
  store.close();
});

it('refuses a call that names a merchant there is not, before a card is asked for', async () => {
  const caller = await lab.answered({}, { 'X-Pay-Merchant-Id': 'gloves' });
  expect(await lab.record(caller)).toMatchObject({ result: 'INVALID_PARAMETERS', submissions: [] });
});

it('shows no secret to anybody', () => {
  expect(lab.log).not.toContain(kToken);
  expect(lab.log).not.toContain(kOldToken);
});
