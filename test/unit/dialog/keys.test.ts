import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { Key } from '../../../src/ports/media.ts';
import { cloudPolicyOf, kAmex, kApproved, kVisa, orderOf, policyOf, Rig } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';

describe('keys', () => {
  it('typed ahead answer the questions before they are asked, but never the summary', async () => {
    const rig = new Rig();
    void rig.conversation.run();
    await settle();
    for (const key of `${kVisa}#0330#123#1`) rig.media.press('0123456789*#'.indexOf(key) as Key);
    await rig.listen();
    expect(rig.stage).toBe('SUMMARY');
    expect(rig.heard.slice(0, 2)).toEqual(['greet', 'sum.pay']);
    expect(rig.payments.submissions).toHaveLength(0);
  });

  it('pressed in one go never confirm the summary, and do not cost the caller a word of it', async () => {
    const rig = new Rig();
    void rig.conversation.run();
    await settle();
    await rig.pressOnly(`${kVisa}#0330#123#1`);
    expect(rig.stage).toBe('SUMMARY');
    await rig.listen();
    expect(rig.payments.submissions).toHaveLength(0);
    expect(rig.media.plays.at(-1)?.result).toBe('finished');
    await rig.press('1');
    expect(rig.payments.submissions).toHaveLength(1);
  });

  it('by tone, event and INFO for each press make one card number', async () => {
    const rig = await new Rig().start();
    for (const key of kVisa) {
      rig.media.press(Number(key) as 4, 'tone', rig.clock.now());
      rig.media.press(Number(key) as 4, 'event', rig.clock.now() + 40);
      rig.conversation.infoKey({ key: Number(key) as 4, carrier: 'info', onsetMs: rig.clock.now() + 90 });
      await rig.clock.advance(160);
    }
    expect(rig.conversation.snapshot).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 16 });
    expect(rig.presses).toBe(16);
    await rig.press('#');
    expect(rig.stage).toBe('EXPIRY_ENTRY');
  });

  it('by INFO cut a prompt short as well', async () => {
    const rig = await new Rig().start();
    await rig.press('*'); // asks again
    await rig.wait(20_000);
    await rig.clock.advance(10);
    rig.conversation.infoKey({ key: 4, carrier: 'info', onsetMs: rig.clock.now() });
    await settle();
    expect(rig.media.playing).toBe(false);
  });

  it('are not waited for where the number is complete: fifteen digits of an Amex', async () => {
    const rig = await new Rig().start();
    await rig.press(kAmex);
    expect(rig.stage).toBe('EXPIRY_ENTRY');
    await rig.press('0330');
    expect(rig.heard).toContain('cvv.enter.4front');
  });

  it('are waited for three seconds where longer numbers exist', async () => {
    const rig = await new Rig().start();
    await rig.press(kVisa);
    expect(rig.stage).toBe('PAN_ENTRY');
    await rig.wait(3000);
    expect(rig.stage).toBe('EXPIRY_ENTRY');
  });

  it('star clears the entry', async () => {
    const rig = await new Rig().start();
    await rig.press(`1111*${kVisa}#`);
    expect(rig.stage).toBe('EXPIRY_ENTRY');
  });

  it('two stars open the escape menu: slower, and out', async () => {
    const rig = await new Rig().start();
    await rig.press('4242**');
    expect(rig.stage).toBe('ESCAPE');
    await rig.press('2');
    expect(rig.stage).toBe('PAN_ENTRY');
    expect(rig.heard).toContain('pace.on');
    await rig.wait(39_000);
    expect(rig.fieldErrors).toEqual([]); // twice the time
    await rig.press('*');
    await rig.wait(1500);
    await rig.press('*');
    expect(rig.stage).toBe('ESCAPE'); // stars may be further apart, too
    await rig.press('3');
    expect(rig.end).toMatchObject({
      result: 'CALLER_CANCELLED',
      outcome: 'abandoned',
      stageReached: 'PAN_ENTRY',
    });
  });

  it.each(['SUMMARY', 'PAN_ENTRY'])('two stars work in %s as well', async (stage) => {
    const rig = await new Rig().start();
    if (stage === 'SUMMARY') for (const keys of [`${kVisa}#`, '0330', '123']) await rig.press(keys);
    await rig.pressOnly('*');
    expect(rig.stage).toBe(stage);
    await rig.pressOnly('*');
    expect(rig.stage).toBe('ESCAPE');
    await rig.wait(1000);
    await rig.press('1');
    expect(rig.stage).toBe(stage);
  });

  it('pound out of habit does not cost the caller the next question', async () => {
    const rig = await new Rig().start();
    await rig.press(`${kAmex}#0330#`);
    expect(rig.stage).toBe('CVV_ENTRY');
    expect(rig.media.plays.at(-1)?.result).toBe('finished');
    expect(rig.fieldErrors).toEqual([]);
  });

  it('missing three times end it', async () => {
    const rig = await new Rig().start();
    await rig.wait(20_000);
    await rig.wait(20_000);
    expect(rig.stage).toBe('PAN_ENTRY');
    await rig.wait(20_000);
    expect(rig.end).toMatchObject({ result: 'MAX_INPUT', outcome: 'abandoned', stageReached: 'PAN_ENTRY' });
    expect(rig.fieldErrors).toEqual(['pan: no_input', 'pan: no_input', 'pan: no_input']);
  });

  it('do not cut short what must be heard', async () => {
    const rig = new Rig({ policy: policyOf({ consent: true }) });
    void rig.conversation.run();
    await rig.clock.advance(1700);
    expect(rig.heard).toContain('consent');
    await rig.pressOnly('4');
    expect(rig.media.playing).toBe(true);
  });
});

describe('amounts', () => {
  const entered = async (keys: string, options: ConstructorParameters<typeof Rig>[0] = {}) => {
    const rig = await new Rig({
      policy: cloudPolicyOf(),
      order: orderOf({ amount: null }),
      ...options,
    }).start();
    await rig.press(keys);
    return rig.stage === 'AMOUNT_CONFIRM' ? rig.prompts.said.find((part) => part.say === 'money') : rig.heard;
  };

  it.each([
    ['25#', 2500],
    ['25*50#', 2550],
    ['25*#', 2500],
    ['*5*25#', 2500], // the second star starts again
    ['12345678', 1_234_567_800],
  ])('%s is understood', async (keys, minor) => {
    const policy = cloudPolicyOf({ amount: { max: null } });
    expect(await entered(keys, { policy })).toEqual({ say: 'money', amount: money(minor, 'EUR') });
  });

  it.each(['25*5#', '25*505#'])('%s is not', async (keys) => {
    expect(await entered(keys)).toContain('amount.invalid');
  });

  it('are minor units where policy says so', async () => {
    const policy = cloudPolicyOf({ amount: { entry: 'implied' } });
    expect(await entered('2550#', { policy })).toEqual({ say: 'money', amount: money(2550, 'EUR') });
  });
});

describe('what the caller hears', () => {
  it('of the card is pulled clip by clip where digits are spelled, and not otherwise', async () => {
    const policy = cloudPolicyOf({ confirm: { card: 'full' } });
    const rig = await new Rig({ policy }).start();
    await rig.press(`${kVisa}#`);
    expect(rig.stage).toBe('PAN_CONFIRM');
    expect(rig.media.plays.at(-1)?.options.lookahead).toBe(2);
    await rig.press('1');
    expect(rig.media.plays.at(-1)?.options.lookahead).toBe(64);
  });

  it('has no card any more once it is wiped', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    await rig.answer(kApproved);
    expect(rig.prompts.asked.at(-1)?.hasCard).toBe(false);
  });
});
