import { describe, expect, it } from 'vitest';
import type { CardCheck } from '../../../src/ports/payment-gateway.ts';
import { kMastercard, kVisa, Rig } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { FakePayments } from '../../support/fake-payments.ts';

/** Payments whose gateway is asked about every card; the test answers. */
class AskingPayments extends FakePayments {
  readonly answers: ((check: CardCheck) => void)[] = [];

  checkCard(): Promise<CardCheck> {
    return new Promise((resolve) => void this.answers.push(resolve));
  }
}

describe('a gateway that is asked about the card', () => {
  async function keyed(): Promise<{ rig: Rig; payments: AskingPayments }> {
    const payments = new AskingPayments();
    const rig = new Rig({ parts: { payments } });
    void rig.conversation.run();
    await settle();
    await (await rig.listen()).press(`${kVisa}#`);
    expect([rig.stage, payments.answers.length]).toEqual(['PAN_CHECK', 1]);
    return { rig, payments };
  }

  it.each(['taken', 'unknown'] as const)('and says %s lets the caller go on', async (check) => {
    const { rig, payments } = await keyed();
    payments.answers[0]?.(check);
    await settle();
    expect(rig.stage).toBe('EXPIRY_ENTRY');
  });

  it('and refuses it has the caller told at once', async () => {
    const { rig, payments } = await keyed();
    payments.answers[0]?.('refused');
    await settle();
    expect(rig.stage).toBe('PAN_ENTRY');
    expect(rig.heard).toContain('card.not_accepted');
    await (await rig.listen()).press(`${kMastercard}#`);
    payments.answers[1]?.('taken');
    await settle();
    expect(rig.stage).toBe('EXPIRY_ENTRY');
  });

  it('is not asked about a card that is wrong anyway', async () => {
    const payments = new AskingPayments();
    const rig = new Rig({ parts: { payments } });
    void rig.conversation.run();
    await settle();
    await (await rig.listen()).press('4242424242424241#');
    expect([rig.stage, payments.answers.length]).toEqual(['PAN_ENTRY', 0]);
  });

  it('and answers after the caller has gone is not heard', async () => {
    const { rig, payments } = await keyed();
    rig.conversation.hangUp();
    payments.answers[0]?.('refused');
    await settle();
    expect(rig.conversation.end).toMatchObject({ result: 'HANGUP_BEFORE_AUTH', stageReached: 'PAN_CHECK' });
    expect(rig.clock.pending).toBe(0);
  });
});
