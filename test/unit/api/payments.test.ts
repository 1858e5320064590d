import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { apiOptions } from '../../support/api-options.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kKey = 'open-sesame';
const kRef = 'R4K7Z2M9QX3TB8VA';
const kSettle = `/v1/payments/${kRef}/attempts/1/settle`;
const kGood = { state: 'REVERSED', note: 'voided at the bank', by: 'op' };
const kManual = {
  state: 'MANUAL',
  transactionId: null,
  declineClass: null,
  declineCode: null,
  doneAt: '2026-11-22T12:01:00.000Z',
} as const;

let directory: string;
let store: Store;
let api: Api;
let url: string;
let looks = 0;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-api-'));
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log: new FakeLog() });
  store.open(sessionOf({ reference: 'card 4242424242424242' }));
  store.begin(attemptOf());
  looks = 0;
  const payments = { ledger: store, resolveNow: async () => void looks++ };
  api = createApi(apiOptions({ keys: [kKey], records: store, payments }));
  url = await api.start();
});

afterEach(async () => {
  await api.stop();
  store.close();
  rmSync(directory, { recursive: true });
});

interface Answer {
  readonly payments?: readonly { readonly reference: string }[];
  readonly attempts?: readonly object[];
  readonly open?: readonly object[];
  readonly detail?: string;
}

async function ask(path: string, body?: object, key = kKey) {
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

describe('payments over HTTP', () => {
  it('are listed and shown, with amounts in major units and nothing of a card a peer wrote', async () => {
    const { body } = await ask('/v1/payments?open=true');
    expect(body.payments).toMatchObject([
      { paymentRef: kRef, amount: '10.50', currency: 'EUR', state: 'SUBMITTING' },
    ]);
    expect(body.payments?.[0]?.reference).toBe('card [digits]');
    expect((await ask(`/v1/payments/${kRef}`)).body.attempts).toHaveLength(1);
    expect((await ask('/v1/payments/nobody')).status).toBe(404);
  });

  it('are all looked at when somebody asks for it', async () => {
    const { status, body } = await ask('/v1/payments/reconcile', {});
    expect([status, looks, body.open?.length]).toEqual([200, 1, 1]);
  });

  it('are settled by hand once nobody else can, and the audit has the name', async () => {
    const early = await ask(kSettle, kGood);
    expect([early.status, early.body.detail]).toEqual([
      409,
      'the attempt is SUBMITTING; only one in state MANUAL is settled by hand',
    ]);
    store.settle({ sessionId: 'S1', attempt: 1 }, kManual);
    expect(await ask(kSettle, kGood)).toMatchObject({ status: 200, body: { state: 'REVERSED' } });
    expect((await ask(kSettle, kGood)).status).toBe(409);
    expect([...store.audit.entries()].at(-1)).toMatchObject({
      actor: expect.stringMatching(/^api:\S+ for op$/),
      object: 'S1/1',
    });
  });

  it.each([
    ['a state there is none of', { ...kGood, state: 'LOST' }, 'state'],
    ['no note', { ...kGood, note: ' ' }, 'note'],
    ['no name', { state: 'REVERSED', note: 'x' }, 'by'],
    ['what it does not know', { ...kGood, card: 'x' }, 'card'],
  ])('are not settled with %s', async (_name, body, place) => {
    store.settle({ sessionId: 'S1', attempt: 1 }, kManual);
    const answer = await ask(kSettle, body);
    expect(answer.status).toBe(422);
    expect(answer.body.detail).toContain(place);
    expect(store.payment(kRef)).toMatchObject([{ state: 'MANUAL' }]);
  });

  it('are for those who have a key', async () => {
    for (const path of ['/v1/payments', `/v1/payments/${kRef}`]) {
      expect((await ask(path, undefined, 'wrong')).status).toBe(401);
    }
    expect((await ask(kSettle, kGood, 'wrong')).status).toBe(401);
    expect((await ask('/v1/payments/reconcile', {}, 'wrong')).status).toBe(401);
  });
});
