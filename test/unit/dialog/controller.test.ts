import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import { cloudPolicyOf, kApproved, kVisa, orderOf, Rig } from '../../support/dialog.ts';

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
