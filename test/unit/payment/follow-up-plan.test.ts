import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FollowUpRig, kRef, stateOf } from '../../support/follow-up-rig.ts';

let directory: string;
let rig: FollowUpRig;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-follow-ups-'));
  rig = new FollowUpRig(directory);
});
afterEach(async () => {
  await rig.close();
  rmSync(directory, { recursive: true });
});

describe('what may be done about a payment', () => {
  it('refunds all of a sale, or parts of it, and never more than was paid', async () => {
    await rig.pay();
    expect(stateOf(await rig.request('refund', '0.50'))).toBe('DONE');
    expect(await rig.request('refund', '10.01')).toEqual({
      kind: 'not_possible',
      reason: 'amount: at most 10.00 EUR can be refunded',
    });
    expect(stateOf(await rig.request('refund'))).toBe('DONE');
    expect(rig.net).toBe(0);
    expect(await rig.request('refund', '0.01')).toMatchObject({ reason: 'all of it is refunded already' });
    expect(await rig.request('void')).toMatchObject({ kind: 'not_possible' });
  });

  it('captures an authorization once, and then refunds it', async () => {
    await rig.pay('authorize');
    expect(await rig.request('refund')).toMatchObject({
      reason: 'it is not captured: what is only authorized is voided',
    });
    expect(await rig.request('capture', '10.51')).toMatchObject({ kind: 'not_possible' });
    expect(stateOf(await rig.request('capture', '10.00'))).toBe('DONE');
    expect(await rig.request('capture')).toMatchObject({ reason: 'it is captured already' });
    expect(await rig.request('void')).toMatchObject({
      reason: 'it is captured: what is captured is refunded',
    });
    expect(await rig.request('refund', '10.01')).toMatchObject({ kind: 'not_possible' });
    expect(stateOf(await rig.request('refund'))).toBe('DONE');
    expect(rig.net).toBe(0);
  });

  it('voids an authorization, and nothing after it', async () => {
    await rig.pay('authorize');
    expect(await rig.request('void', '1.00')).toMatchObject({
      reason: 'amount: a void takes back all of it',
    });
    expect(stateOf(await rig.request('void'))).toBe('DONE');
    for (const kind of ['capture', 'void', 'refund'] as const)
      expect(await rig.request(kind)).toMatchObject({ reason: 'it is voided already' });
  });

  it('refunds no more than the part that was approved', async () => {
    await rig.pay('sale', 600);
    expect(await rig.request('refund', '6.01')).toMatchObject({
      reason: 'amount: at most 6.00 EUR can be refunded',
    });
  });

  it.each([
    ['verify', 'nothing was charged: it is of type verify'],
    ['tokenize', 'nothing was charged: it is of type tokenize'],
  ] as const)('does nothing about a payment of type %s', async (operation, reason) => {
    await rig.pay(operation);
    expect(await rig.request('refund')).toEqual({ kind: 'not_possible', reason });
  });

  it.each(['0', '0.00', '1.001', 'all', '-1'])('takes no amount of %s', async (amount) => {
    await rig.pay();
    expect(await rig.request('refund', amount)).toMatchObject({ kind: 'not_possible' });
  });

  it('knows no payment that is not there', async () => {
    expect(await rig.request('refund')).toEqual({ kind: 'no_such_payment' });
  });

  it('refunds what no other hand plans: the file refuses it as well', async () => {
    await rig.pay();
    const record = {
      key: 'K1',
      requestKey: 'another-hand',
      sessionId: 'S1',
      attempt: 1,
      paymentRef: kRef,
      kind: 'refund',
      state: 'SUBMITTING',
      amount: { minor: 1051, currency: 'EUR', exponent: 2 },
      gateway: 'simulator',
      transactionId: null,
      reason: null,
      actor: 'test',
      note: 'test',
      sentAt: '2026-11-21T12:00:00.000Z',
      doneAt: null,
    } as const;
    const begun = rig.store.followUps.begin(kRef, () => ({ record }));
    await expect(begun).rejects.toThrow('more than the payment was');
  });
});
