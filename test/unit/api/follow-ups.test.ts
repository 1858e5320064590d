import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { FollowUps } from '../../../src/payment/follow-ups.ts';
import type { FollowUpResult } from '../../../src/ports/payment-gateway.ts';
import type { FollowUpRecord } from '../../../src/ports/store.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { apiOptions } from '../../support/api-options.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kKey = 'open-sesame';
const kRef = 'R4K7Z2M9QX3TB8VA';
const kGood = { amount: '0.50', note: 'goods came back', by: 'ann' };

/** The simulated bank; `answer` takes the place of what it says, nothing done. */
class ScriptedGateway extends SimulatorGateway {
  answer: FollowUpResult | undefined;

  override async followUp(order: Parameters<SimulatorGateway['followUp']>[0]): Promise<FollowUpResult> {
    return this.answer ?? super.followUp(order);
  }
}

let directory: string;
let store: Store;
let gateway: ScriptedGateway;
let followUps: FollowUps;
let api: Api;
let url: string;
let settled: FollowUpRecord[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-api-'));
  const log = new FakeLog();
  const clock = new FakeClock();
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log });
  gateway = new ScriptedGateway(clock, log);
  const request = requestOf({ idempotencyKey: `${kRef}01` });
  const context = { deadlineMs: 30_000, onFlushed: () => undefined };
  const paid = await gateway.submit(request, cardOf({ pan: '4242424242424242' }), context);
  store.open(sessionOf({ gateway: 'simulator' }));
  await store.begin(attemptOf({ gateway: 'simulator' }));
  const transactionId = paid.kind === 'approved' ? paid.transactionId : null;
  const approved = {
    transactionId,
    declineClass: null,
    declineCode: null,
    doneAt: clock.date().toISOString(),
  };
  await store.settle({ sessionId: 'S1', attempt: 1 }, { state: 'APPROVED', ...approved });
  followUps = new FollowUps({ gateway, journal: store.followUps, clock, log });
  settled = [];
  const onSettled = (record: FollowUpRecord) => void settled.push(record);
  const desk = { request: followUps.request.bind(followUps), journal: store.followUps, onSettled };
  const payments = { ledger: store, resolveNow: () => followUps.resolveNow(), followUps: desk };
  api = createApi(apiOptions({ keys: [kKey], records: store, payments }));
  url = await api.start();
});

afterEach(async () => {
  await api.stop();
  await followUps.stop();
  store.close();
  rmSync(directory, { recursive: true });
});

async function ask(
  path: string,
  body?: object,
  headers: Record<string, string> = { 'idempotency-key': 'letter-77' },
) {
  const response = await fetch(`${url}/v1/payments/${path}`, {
    headers: {
      authorization: `Bearer ${kKey}`,
      ...(body && { 'content-type': 'application/json', ...headers }),
    },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('POST /v1/payments/{ref}/refund', () => {
  it('refunds, says so, and shows it with the payment', async () => {
    const { status, body } = await ask(`${kRef}/refund`, kGood);
    expect([status, body]).toMatchObject([
      200,
      {
        kind: 'refund',
        state: 'DONE',
        amount: '0.50',
        currency: 'EUR',
        actor: expect.stringMatching(/^api:\S+ for ann$/),
        key: `${kRef}01F1`,
      },
    ]);
    expect(gateway.bank.netMinor(kRef)).toBe(1000);
    const shown = await ask(kRef);
    expect(shown.body).toMatchObject({
      attempts: [{ state: 'APPROVED' }],
      changes: [{ kind: 'refund', state: 'DONE', amount: '0.50', note: 'goods came back' }],
    });
  });

  it('gives the first answer again to the same key, and refunds once', async () => {
    expect((await ask(`${kRef}/refund`, kGood)).status).toBe(200);
    expect((await ask(`${kRef}/refund`, kGood)).status).toBe(200);
    expect(gateway.bank.netMinor(kRef)).toBe(1000);
    const other = await ask(`${kRef}/refund`, { ...kGood, amount: '0.60' });
    expect([other.status, other.body['detail']]).toEqual([
      409,
      'the request key was used for something else',
    ]);
  });

  it('refunds what is left where no amount is named', async () => {
    await ask(`${kRef}/refund`, kGood);
    const { body } = await ask(
      `${kRef}/refund`,
      { note: 'n', by: 'ann' },
      { 'idempotency-key': 'letter-78' },
    );
    expect(body).toMatchObject({ amount: '10.00', state: 'DONE' });
    expect(gateway.bank.netMinor(kRef)).toBe(0);
  });

  it.each([
    ['no key', kGood, {}, 400, /^Idempotency-Key: /],
    ['a short key', kGood, { 'idempotency-key': 'short' }, 400, /^Idempotency-Key: /],
    ['no note', { by: 'ann' }, undefined, 422, /^note: /],
    ['an odd amount', { ...kGood, amount: '-1' }, undefined, 422, /^amount: /],
    ['something else in it', { ...kGood, card: '4242424242424242' }, undefined, 422, /card/],
    ['more than was paid', { ...kGood, amount: '10.51' }, undefined, 409, /^amount: at most 10\.50 EUR/],
  ])('refuses %s', async (_title, body, headers, status, detail) => {
    const answer = await ask(`${kRef}/refund`, body, headers);
    expect([answer.status, answer.body['detail']]).toEqual([status, expect.stringMatching(detail)]);
    expect(answer.body['detail']).not.toContain('4242424242424242');
    expect(gateway.bank.netMinor(kRef)).toBe(1050);
  });

  it.each<[FollowUpResult, number, object]>([
    [{ kind: 'accepted', transactionId: 'M1' }, 202, { state: 'ACCEPTED' }],
    [{ kind: 'unknown', reason: 'ECONNRESET' }, 202, { state: 'UNKNOWN' }],
    [
      { kind: 'refused', reason: 'reason code 54' },
      409,
      { detail: 'the gateway refused the refund: reason code 54' },
    ],
    [
      { kind: 'not_sent', reason: 'ECONNREFUSED' },
      503,
      { detail: 'nothing was changed (ECONNREFUSED); ask again with another Idempotency-Key' },
    ],
  ])('tells what %j means', async (answer, status, body) => {
    gateway.answer = answer;
    expect(await ask(`${kRef}/refund`, kGood)).toMatchObject({ status, body });
    if (status === 202)
      expect(
        (await ask(`${kRef}/refund`, { ...kGood, amount: '0.10' }, { 'idempotency-key': 'letter-79' }))
          .status,
      ).toBe(answer.kind === 'unknown' ? 409 : 202);
  });

  it('knows no other payment, and nobody without the key', async () => {
    expect((await ask('R000000000000000/refund', kGood)).status).toBe(404);
    const response = await fetch(`${url}/v1/payments/${kRef}/refund`, { method: 'POST' });
    expect(response.status).toBe(401);
  });
});

describe('what is beside refunds', () => {
  it('a sale is voided, and not captured', async () => {
    const capture = await ask(`${kRef}/capture`, { note: 'n', by: 'ann' });
    expect([capture.status, capture.body['detail']]).toEqual([409, 'a sale is captured by itself']);
    expect((await ask(`${kRef}/void`, { note: 'n', by: 'ann' })).status).toBe(200);
    expect(gateway.bank.ledger()).toMatchObject([{ state: 'reversed' }]);
  });

  it('only what a person has to look up is settled by hand', async () => {
    gateway.answer = { kind: 'unknown', reason: 'ECONNRESET' };
    await ask(`${kRef}/refund`, kGood);
    const settle = `${kRef}/changes/${kRef}01F1/settle`;
    const hand = { state: 'DONE', note: 'seen at the bank', by: 'ann' };
    expect((await ask(settle, hand)).status).toBe(409);
    store.followUps.settle(`${kRef}01F1`, {
      state: 'MANUAL',
      transactionId: null,
      reason: null,
      doneAt: null,
    });
    expect((await ask(settle, { ...hand, state: 'APPROVED' })).status).toBe(422);
    expect(settled).toEqual([]);
    expect(await ask(settle, hand, { 'idempotency-key': 'hand-0002' })).toMatchObject({
      status: 200,
      body: { state: 'DONE' },
    });
    expect(settled).toMatchObject([{ key: `${kRef}01F1`, state: 'DONE' }]);
    const elsewhere = await ask(`${kRef}/changes/K/settle`, hand, { 'idempotency-key': 'hand-0003' });
    expect(elsewhere.status).toBe(404);
  });
});
