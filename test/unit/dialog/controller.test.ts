import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { Key } from '../../../src/ports/media.ts';
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
import { settle } from '../../support/fake-clock.ts';

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

describe('a caller who hangs up', () => {
  const kStages: readonly (readonly [stage: string, lead: (rig: Rig) => Promise<unknown>])[] = [
    ['GREETING', async () => undefined],
    ['PAN_ENTRY', (rig) => rig.listen()],
    ['PAN_ENTRY', async (rig) => (await rig.listen()).pressOnly('42424')],
    ['EXPIRY_ENTRY', async (rig) => (await rig.listen()).press(`${kVisa}#`)],
    ['CVV_ENTRY', async (rig) => (await (await rig.listen()).press(`${kVisa}#`)).press('0330')],
    [
      'SUMMARY',
      async (rig) => (await (await (await rig.listen()).press(`${kVisa}#`)).press('0330')).press('123'),
    ],
  ];

  it.each(kStages)('in %s has paid nothing, and the end is there at once', async (stage, lead) => {
    const rig = new Rig();
    void rig.conversation.run();
    await settle();
    await lead(rig);
    expect(rig.stage).toBe(stage);
    rig.conversation.hangUp();
    expect(rig.conversation.end).toMatchObject({
      result: 'HANGUP_BEFORE_AUTH',
      outcome: 'abandoned',
      stageReached: stage,
      callerPresent: false,
    });
    expect(rig.card.wiped).toBe(true);
    expect(rig.media.playing).toBe(false);
    await settle();
    expect(rig.clock.pending).toBe(0);
  });

  it('in flight is waited for', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    rig.submission.progress.onFlushed();
    rig.conversation.hangUp();
    expect(rig.conversation.end).toBeUndefined();
    await rig.clock.advance(30_000);
    await rig.answer(kApproved);
    expect(rig.end).toMatchObject({
      result: 'APPROVED',
      route: 'hangup',
      callerPresent: false,
      announced: false,
      transactionId: 'txn-1',
    });
    expect(rig.heard).not.toContain('approved.before');
    expect(rig.clock.pending).toBe(0);
  });

  it('in flight gets the payment back where policy says so', async () => {
    const rig = await new Rig({ policy: policyOf({ hangup: { inFlight: 'reverse' } }) }).start();
    await rig.payWith();
    rig.conversation.hangUp();
    await rig.answer(kApproved);
    expect(rig.payments.reversals[0]?.ref).toMatchObject({
      attempt: 1,
      idempotencyKey: 'R4K7Z2M9QX3TB8VA01',
    });
    rig.payments.reversals[0]?.answer('reversed');
    await settle();
    expect(rig.end).toMatchObject({ result: 'HANGUP_BEFORE_AUTH', amountCharged: null });
  });

  it('after a decline leaves the decline as the result', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    await rig.answer(kDeclined);
    rig.conversation.hangUp();
    expect(rig.conversation.end).toMatchObject({ result: 'DECLINED_HANGUP', stageReached: 'RETRY_MENU' });
  });

  it('after the approval leaves it standing', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    rig.submission.answer(kApproved);
    await settle();
    expect(rig.stage).toBe('APPROVED');
    rig.conversation.hangUp();
    expect(rig.conversation.end).toMatchObject({
      result: 'APPROVED',
      callerPresent: false,
      announced: false,
    });
  });

  it('before the conversation runs ends it, too', async () => {
    const rig = new Rig();
    rig.conversation.hangUp();
    expect((await rig.conversation.run()).result).toBe('HANGUP_BEFORE_AUTH');
    expect(rig.card.wiped).toBe(true);
  });
});

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

describe('from outside', () => {
  it('an agent may cancel before the payment is sent, not after', async () => {
    const rig = await new Rig().start();
    expect(rig.conversation.cancel('agent-7')).toBe(true);
    await rig.listen();
    expect(rig.end).toMatchObject({ result: 'AGENT_CANCELLED', route: 'agent' });
    expect(rig.conversation.cancel('agent-7')).toBe(false);
    const paying = await new Rig().start();
    await paying.payWith();
    expect(paying.conversation.cancel('agent-7')).toBe(false);
    expect(paying.stage).toBe('SUBMIT');
  });

  it('a field may be asked for again', async () => {
    const rig = await new Rig().start();
    await rig.press(`${kVisa}#`);
    expect(rig.conversation.reEnter('cvv')).toBe(false);
    expect(rig.conversation.reEnter('pan')).toBe(true);
    expect(rig.stage).toBe('PAN_ENTRY');
  });

  it('hold stops the clock of the question for two minutes', async () => {
    const rig = await new Rig().start();
    rig.conversation.hold(true);
    rig.conversation.hold(true);
    await rig.clock.advance(100_000);
    expect(rig.fieldErrors).toEqual([]);
    rig.conversation.hold(false);
    await rig.listen();
    expect(rig.stage).toBe('PAN_ENTRY');
    rig.conversation.hold(true);
    await rig.clock.advance(120_000);
    expect(rig.fieldErrors).toEqual(['pan: no_input']);
  });

  it('the session ends after ten minutes, not counting the time in flight', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    await rig.clock.advance(590_000);
    await rig.answer(kDeclined);
    expect(rig.stage).toBe('RETRY_MENU');
    await rig.press('1');
    for (let count = 0; count < 40 && !rig.end; count++) await rig.press('1*').then(() => rig.wait(15_000));
    expect(rig.end).toMatchObject({ result: 'SESSION_TIMEOUT', stageReached: 'PAN_ENTRY' });
  });

  it('lost media ends it: silence of the peer as a hang-up, our own fault as an error', async () => {
    for (const [end, result] of [
      ['timeout', 'HANGUP_BEFORE_AUTH'],
      ['worker_lost', 'SYSTEM_ERROR'],
    ] as const) {
      const rig = await new Rig().start();
      rig.media.end(end);
      rig.conversation.mediaLost(end);
      expect(rig.conversation.end).toMatchObject({ result, callerPresent: false });
    }
  });

  it('identification decides whether it goes on', async () => {
    const policy = policyOf({ idv: { required: true, target: 'sip:idv@pbx' } });
    const order = orderOf({ identified: 'unknown' });
    const asked: string[] = [];
    const handOffToIdv = async (target: string) => {
      asked.push(target);
      return 'verified' as const;
    };
    const rig = await new Rig({ policy, order, parts: { handOffToIdv } }).start();
    expect([rig.stage, asked]).toEqual(['PAN_ENTRY', ['sip:idv@pbx']]);
    const nobody = await new Rig({ policy, order }).start();
    expect(nobody.end).toMatchObject({ result: 'IDV_UNAVAILABLE', stageReached: 'IDV_HANDOFF' });
  });

  it('a gateway that is down is told before anything is asked', async () => {
    const rig = await new Rig({ parts: { admission: 'gateway_down' } }).start();
    expect(rig.end).toMatchObject({ result: 'GATEWAY_UNAVAILABLE', stageReached: 'ACCEPT', attempts: 0 });
  });
});

describe('something that breaks', () => {
  const broken = () => {
    throw new Error('broken');
  };

  it('in the prompts ends the call with an error, the card wiped', async () => {
    const rig = await new Rig().start();
    await rig.press(`${kVisa}#`);
    rig.prompts.items = broken;
    await rig.press('0330');
    expect(rig.end).toMatchObject({ result: 'SYSTEM_ERROR', outcome: 'failed' });
    expect(rig.card.wiped).toBe(true);
    expect(rig.log.lines.some(({ level }) => level === 'error')).toBe(true);
  });

  it('once is apologised for', async () => {
    const rig = await new Rig().start();
    const items = rig.prompts.items.bind(rig.prompts);
    rig.prompts.items = () => {
      rig.prompts.items = items;
      return broken();
    };
    await rig.press(`${kVisa}#`);
    expect(rig.heard).toContain('sorry.system');
    expect(rig.end).toMatchObject({ result: 'SYSTEM_ERROR', route: 'agent', stageReached: 'EXPIRY_ENTRY' });
  });

  it('in an observer does not touch the payment', async () => {
    const observer = {
      onStage: broken,
      onAttempt: broken,
      onSecureMode: broken,
      onFieldError: broken,
      onPress: broken,
    };
    const rig = await new Rig({ parts: { observer } }).start();
    await rig.payWith();
    await rig.answer(kApproved);
    await rig.press('2');
    expect(rig.end).toMatchObject({ result: 'APPROVED' });
  });

  it('on the payment side before anything was sent is an error', async () => {
    const rig = await new Rig().start();
    rig.payments.submit = async () => broken();
    await rig.payWith();
    expect(rig.end).toMatchObject({ result: 'SYSTEM_ERROR', stageReached: 'SUBMIT' });
  });

  it('on the payment side after bytes may have left is an unknown outcome, never a failure', async () => {
    const rig = await new Rig().start();
    rig.payments.submit = async (_session, _request, _card, progress) => {
      progress.onFlushed();
      return broken();
    };
    await rig.payWith();
    expect(rig.end).toMatchObject({ result: 'UNKNOWN' });
  });

  it('in flight is waited out, and the verdict counts', async () => {
    const rig = await new Rig().start();
    await rig.payWith();
    rig.prompts.items = broken;
    await rig.clock.advance(12_000); // "we are still working" cannot be said
    expect(rig.end).toBeUndefined();
    await rig.answer(kApproved);
    expect(rig.end).toMatchObject({ result: 'APPROVED', transactionId: 'txn-1' });
    expect(rig.card.wiped).toBe(true);
  });

  it('in the card rules ends the call, not the process', async () => {
    const rig = await new Rig().start();
    rig.card.wipe(); // every use of it throws from now on
    await rig.press('4');
    expect(rig.end).toMatchObject({ result: 'SYSTEM_ERROR' });
  });

  it('in the identification service ends the call', async () => {
    const policy = policyOf({ idv: { target: 'sip:idv@pbx' } });
    const handOffToIdv = async () => broken();
    const rig = await new Rig({
      policy,
      order: orderOf({ identified: 'unknown' }),
      parts: { handOffToIdv },
    }).start();
    expect(rig.end).toMatchObject({ result: 'SYSTEM_ERROR' });
  });
});

describe('nothing leaks', () => {
  it('no card digit is in the log, the snapshot or the end, and no timer or listener is left', async () => {
    const rig = await new Rig({ policy: cloudPolicyOf({ confirm: { card: 'full' } }) }).start();
    const seen: unknown[] = [];
    const look = () => seen.push(rig.conversation.snapshot);
    for (const keys of [`${kVisa}#`, '1', '0330', '1', '123', '1']) {
      await rig.press(keys);
      look();
    }
    await rig.answer(kApproved);
    await rig.press('2');
    const text = rig.log.text + JSON.stringify([seen, rig.end, rig.stages, rig.fieldErrors, rig.attempts]);
    expect(rig.end).toMatchObject({ result: 'APPROVED' });
    expect(text).not.toContain(kVisa);
    expect(text).not.toMatch(/\d{12,}/);
    expect(text).not.toContain('0330');
    expect(rig.clock.pending).toBe(0);
    const presses = rig.presses;
    rig.media.press(1);
    expect(rig.presses).toBe(presses);
  });

  it('tells the stages in order, from nowhere to nowhere', async () => {
    const rig = await new Rig().start();
    rig.conversation.hangUp();
    expect(rig.stages).toEqual(['ACCEPT', 'GREETING', 'AMOUNT_TELL', 'CARD_INTRO', 'PAN_ENTRY', null]);
  });

  it('tells of leaving every stage it told of entering', async () => {
    const moves: (string | null)[][] = [];
    const observer = {
      onStage: (from: string | null, to: string | null) => void moves.push([from, to]),
      onAttempt: () => undefined,
      onSecureMode: () => undefined,
      onFieldError: () => undefined,
      onPress: () => undefined,
    };
    const rig = await new Rig({ parts: { observer } }).start();
    await rig.press('**');
    await rig.wait(1000);
    await rig.press('3');
    expect(rig.end).toMatchObject({ result: 'CALLER_CANCELLED' });
    expect(moves[0]?.[0]).toBeNull();
    expect(moves.at(-1)).toEqual(['FAIL', null]);
    for (let index = 1; index < moves.length; index++) expect(moves[index]?.[0]).toBe(moves[index - 1]?.[1]);
  });

  it('gives the same promise twice', () => {
    const rig = new Rig();
    expect(rig.conversation.run()).toBe(rig.conversation.run());
  });
});
