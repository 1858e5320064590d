import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import {
  cloudPolicyOf,
  kAmex,
  kApproved,
  kDeclined,
  kMastercard,
  kVisa,
  orderOf,
  policyOf,
  Rig,
} from '../../support/dialog.ts';

describe('a payment that is approved', () => {
  it('goes from greeting to reference with a summary (pureconnect-ivr)', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    expect(rig.stage).toBe('SUBMIT');
    rig.submission.progress.onFlushed();
    expect(rig.stage).toBe('WAIT');
    const { request } = rig.submission;
    expect(request).toMatchObject({ attempt: 1, brand: 'visa', amount: money(1050, 'EUR') });
    expect(request.idempotencyKey).toBe('R4K7Z2M9QX3TB8VA01');
    await rig.answer(kApproved);
    expect(rig.card.wiped).toBe(true);
    await rig.press('2');
    expect(rig.end).toMatchObject({
      result: 'APPROVED',
      outcome: 'success',
      route: 'return',
      amountCharged: money(1050, 'EUR'),
      transactionId: 'txn-1',
      authCode: '123ABC',
      brand: 'visa',
      last4: '4242',
      attempts: 1,
      declines: 0,
      callerPresent: true,
      announced: true,
      stageReached: 'REFERENCE',
    });
    expect(rig.secureModes).toEqual([true, false]);
    expect(rig.heard).toEqual([
      'greet',
      'amount.is',
      'card.intro',
      'card.enter',
      'exp.enter',
      'cvv.enter.3back',
      'sum.pay',
      'sum.card.before',
      'sum.card.after',
      'sum.exp',
      'sum.menu',
      'wait.processing',
      'approved.before',
      'approved.after',
      'ref.is',
      'ref.menu',
    ]);
  });

  it('confirms every field (cloud-ivr)', async () => {
    const rig = new Rig({ policy: cloudPolicyOf(), order: orderOf({ amount: null, customerId: null }) });
    await rig.start();
    await rig.press('25*50#');
    await rig.press('1'); // the amount
    await rig.press(`${kVisa}#`);
    await rig.press('1');
    await rig.press('0330');
    await rig.press('1');
    await rig.press('123');
    expect(rig.stage).toBe('CVV_CONFIRM');
    await rig.press('1');
    expect(rig.stage).toBe('SUBMIT');
    expect(rig.submission.request.amount).toEqual(money(2550, 'EUR'));
    await rig.answer(kApproved);
    await rig.press('2');
    expect(rig.end).toMatchObject({ result: 'APPROVED', amountCharged: money(2550, 'EUR') });
  });
});

describe('a payment that is declined', () => {
  it('is approved with another card', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    await rig.answer(kDeclined);
    expect(rig.stage).toBe('RETRY_MENU');
    for (const field of ['pan', 'expiry', 'cvv'] as const) expect(rig.card.length(field)).toBe(0);
    await rig.press('1');
    await rig.payWith(kMastercard);
    expect(rig.submission.request).toMatchObject({
      attempt: 2,
      idempotencyKey: 'R4K7Z2M9QX3TB8VA02',
      brand: 'mastercard',
    });
    await rig.answer(kApproved);
    await rig.press('2');
    expect(rig.end).toMatchObject({
      result: 'APPROVED',
      attempts: 2,
      declines: 1,
      lastDeclineClass: 'soft',
      lastDeclineCode: '51',
      brand: 'mastercard',
      last4: '4444',
    });
    expect(rig.attempts).toEqual(['declined', 'approved']);
    expect(rig.secureModes).toEqual([true, false]);
  });

  it('ends after the third decline with the configured result', async () => {
    const onReached = { result: 'NO_MORE_TRIES', route: 'queue' } as const;
    const rig = await new Rig({ policy: policyOf({ declines: { onReached } }) }).start();
    for (const pan of [kVisa, kMastercard, kAmex]) {
      await rig.payWith(pan, '0330', pan === kAmex ? '1234' : '123');
      await rig.answer(kDeclined);
      if (rig.stage === 'RETRY_MENU') await rig.press('1');
    }
    expect(rig.end).toMatchObject({
      result: 'NO_MORE_TRIES',
      outcome: 'declined',
      route: 'queue',
      attempts: 3,
      declines: 3,
      announced: true,
      amountCharged: null,
    });
  });

  it('refuses a card at once after a hard decline', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    await rig.answer({ kind: 'declined', class: 'hard', code: '43' });
    await rig.press('1');
    await rig.press(`${kVisa}#`);
    expect(rig.heard).toContain('card.use_other');
    await rig.payWith(kMastercard);
    expect(rig.submission.request.attempt).toBe(2);
  });

  it('lets a softly declined card try once more, not twice', async () => {
    const rig = await new Rig({ policy: policyOf({ declines: { max: 5 } }) }).start();
    for (let attempt = 1; attempt <= 2; attempt++) {
      await rig.payWith();
      await rig.answer(kDeclined);
      await rig.press('1');
    }
    await rig.press(`${kVisa}#`);
    expect(rig.heard).toContain('card.use_other');
    expect(rig.payments.submissions).toHaveLength(2);
  });

  it('is left with 2, or without a word', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    await rig.answer(kDeclined);
    await rig.press('2');
    expect(rig.end).toMatchObject({ result: 'DECLINED_LEFT', outcome: 'declined', route: 'agent' });
  });
});

describe('an outcome nobody knows', () => {
  it('is told once, and no other card is asked for', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    rig.submission.progress.onFlushed();
    rig.submission.progress.onUnknown();
    expect(rig.stage).toBe('RESOLVE');
    expect(rig.card.wiped).toBe(false); // a replay needs it
    await rig.answer({ kind: 'unresolved' });
    expect(rig.heard).toContain('unknown.before');
    expect(rig.end).toMatchObject({
      result: 'UNKNOWN',
      outcome: 'unknown',
      amountCharged: null,
      stageReached: 'RESOLVE',
      announced: true,
    });
    expect(rig.card.wiped).toBe(true);
  });

  it('keeps the caller company until the verdict', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    rig.submission.progress.onFlushed();
    await rig.clock.advance(25_000);
    expect(rig.heard.filter((id) => id === 'wait.still')).toHaveLength(2);
    expect(rig.heard.filter((id) => id === 'wait.tone').length).toBeGreaterThan(3);
    await rig.answer(kApproved);
    await rig.press('2');
    expect(rig.end?.waitMs).toBeGreaterThanOrEqual(25_000);
    expect(rig.end?.durationMs).toBeGreaterThan(rig.end?.waitMs ?? 0);
  });
});
