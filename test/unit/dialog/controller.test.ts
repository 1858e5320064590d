import { describe, expect, it } from 'vitest';
import { cloudPolicyOf, kApproved, kDeclined, kVisa, orderOf, policyOf, Rig } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';

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
