import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/payment/payments.ts';
import { cloudPolicyOf, kApproved, kDeclined, policyOf } from '../../support/dialog.ts';
import { on, reach, reachDeclined, type Walk } from '../../support/dialog-walk.ts';

const commandsOf = (walk: Walk) => walk.commands.map((command) => command.do);
const kEveryField = ['pan', 'expiry', 'start', 'issue', 'cvv', 'postal'];

/** Keys a card again, up to the wait for its verdict. */
function again(walk: Walk): Walk {
  return walk
    .pan()
    .send(on.field('expiry'), on.field('cvv'), on.key(1), on.flushed(walk.state.facts.attempts + 1));
}

describe('S22 SUBMIT', () => {
  it('forgets all keys, stops the clock of the session, speaks, and sends', () => {
    const walk = reach('SUBMIT');
    expect(commandsOf(walk)).toEqual([
      'stopCollecting',
      'forgetKeys',
      'sessionTimer',
      'say',
      'startTimer',
      'submit',
    ]);
    expect(walk.command('submit')).toMatchObject({ attempt: 1, brand: 'visa', amount: { minor: 1050 } });
    expect([walk.said, walk.bargeIn]).toEqual([['wait.processing'], false]);
  });

  it('waits from the first byte on', () => {
    expect(reach('SUBMIT').send(on.flushed()).name).toBe('WAIT');
  });

  it('hears no keys', () => {
    const walk = reach('SUBMIT');
    const { state } = walk;
    expect(walk.send(on.key(1), on.escape, on.silence, on.restarted).state).toBe(state);
  });

  it.each<[Verdict, string, string]>([
    [{ kind: 'unavailable' }, 'GATEWAY_UNAVAILABLE', 'gw.down'],
    [{ kind: 'misconfigured' }, 'GATEWAY_CONFIG_ERROR', 'gw.down'],
  ])('fails when the verdict is %o', (verdict, code, prompt) => {
    const walk = reach('SUBMIT').send(on.verdict(verdict));
    expect(walk.ending).toEqual([code, 'agent', 'SUBMIT']);
    expect(walk.said[0]).toBe(prompt);
    expect(commandsOf(walk).indexOf('wipe')).toBeLessThan(commandsOf(walk).indexOf('secureMode'));
  });
});

describe('S23 WAIT', () => {
  it('sounds a comfort tone three seconds after it last spoke', () => {
    const walk = reach('WAIT').send(on.said);
    expect(walk.command('startTimer')).toEqual({ do: 'startTimer', timer: 'tone', ms: 3000 });
    expect(walk.send(on.timer('tone')).said).toEqual(['wait.tone']);
    expect(walk.send(on.said).command('startTimer')).toMatchObject({ timer: 'tone' });
  });

  it('says every ten seconds that it is still working', () => {
    expect(reach('SUBMIT').command('startTimer')).toEqual({ do: 'startTimer', timer: 'still', ms: 10_000 });
    const walk = reach('WAIT').send(on.timer('still'));
    expect(walk.said).toEqual(['wait.still']);
    expect(commandsOf(walk)).toEqual(['stopTimers', 'say', 'startTimer']);
  });

  it('ignores answers to an earlier attempt', () => {
    const walk = reach('WAIT');
    const { state } = walk;
    expect(walk.send(on.verdict(kApproved, 0), on.verdict(kDeclined, 2), on.unanswered(0)).state).toBe(state);
  });

  it('looks the payment up when no answer comes', () => {
    expect(reach('WAIT').send(on.unanswered()).name).toBe('RESOLVE');
    expect(reach('SUBMIT').send(on.unanswered()).name).toBe('RESOLVE');
  });
});

describe('S24 RESOLVE', () => {
  it('keeps the caller company', () => {
    expect(reach('RESOLVE').send(on.timer('still')).said).toEqual(['wait.still']);
  });

  it('goes on as if the answer had come in time', () => {
    expect(reach('RESOLVE').send(on.verdict(kApproved)).name).toBe('APPROVED');
    expect(reach('RESOLVE').send(on.verdict(kDeclined)).name).toBe('DECLINED');
  });

  it('tells the caller not to pay again when nobody knows, and cannot be cut short', () => {
    const walk = reach('RESOLVE').send(on.verdict({ kind: 'unresolved' }));
    expect(walk.ending).toEqual(['UNKNOWN', 'agent', 'RESOLVE']);
    expect(walk.said).toEqual(['unknown.before', '{reference}', 'unknown.after', 'fail.agent']);
    expect(walk.phrase[1]).toEqual({ say: 'reference', text: 'R4K7Z2M9QX3TB8VA' });
    expect([walk.bargeIn, walk.does('wipe')]).toEqual([false, true]);
    expect(walk.send(on.said).state.facts.announced).toBe(true);
  });
});

describe('S25 DECLINED', () => {
  it('wipes all card data and starts the clock of the session again', () => {
    const walk = reachDeclined();
    expect(walk.name).toBe('DECLINED');
    expect(walk.command('clearFields')).toEqual({ do: 'clearFields', fields: kEveryField });
    expect(walk.command('sessionTimer')).toEqual({ do: 'sessionTimer', run: true });
    expect(walk.state.facts).toMatchObject({
      card: null,
      done: [],
      declines: 1,
      lastDecline: { class: 'soft', code: '51' },
    });
  });

  it.each([
    ['hard', '43', 'now'],
    ['reenter', '14', 'now'], // no such number
    ['reenter', '54', 'second_decline'],
    ['soft', '51', 'second_decline'],
    ['auth_required', '1A', 'second_decline'],
  ] as const)('remembers a card declined as %s (%s), to refuse it: %s', (declineClass, code, from) => {
    const walk = reachDeclined({}, { kind: 'declined', class: declineClass, code });
    expect(walk.command('refuseCard')).toEqual({ do: 'refuseCard', from });
    const steps = commandsOf(walk);
    expect(steps.indexOf('refuseCard')).toBeLessThan(steps.indexOf('clearFields'));
  });

  it.each([
    ['generic', 'reenter', 'declined'],
    ['generic', 'hard', 'declined'],
    ['actionable', 'reenter', 'declined.reenter'],
    ['actionable', 'hard', 'declined.other'],
    ['actionable', 'auth_required', 'declined.other'],
    ['actionable', 'soft', 'declined'],
  ] as const)('with %s wording a %s decline is told as %s', (wording, declineClass, prompt) => {
    const policy = policyOf({ declines: { wording } });
    expect(reachDeclined({ policy }, { kind: 'declined', class: declineClass, code: 'x' }).said).toEqual([
      prompt,
    ]);
  });

  it('asks whether to try again, or goes straight to the card where policy says so', () => {
    expect(reachDeclined().send(on.said).name).toBe('RETRY_MENU');
    const policy = policyOf({ declines: { autoRetry: true } });
    const walk = reachDeclined({ policy }).send(on.said);
    expect([walk.name, walk.does('flushTypeAhead')]).toEqual(['PAN_ENTRY', true]);
  });
});

describe('S26 RETRY_MENU', () => {
  const menu = () => reachDeclined().send(on.said);

  it('takes a card again with 1 and submits it as the next attempt', () => {
    const walk = menu().send(on.key(1));
    expect(walk.name).toBe('PAN_ENTRY');
    walk.pan('mastercard', '4444').send(on.field('expiry'), on.field('cvv'), on.key(1));
    expect(walk.command('submit')).toMatchObject({ attempt: 2, brand: 'mastercard' });
  });

  it('leaves with 2', () => {
    const walk = menu().send(on.key(2));
    expect(walk.ending).toEqual(['DECLINED_LEFT', 'agent', 'RETRY_MENU']);
    expect(walk.said).toEqual(['not.charged', 'fail.agent']);
  });

  it('takes silence for leaving the second time', () => {
    const walk = menu().send(on.silence);
    expect([walk.name, walk.said]).toEqual(['RETRY_MENU', ['noinput', 'retry.menu']]);
    expect(walk.send(on.silence).ending?.[0]).toBe('DECLINED_LEFT');
  });

  it('does not know other keys', () => {
    expect(menu().send(on.key(5)).said[0]).toBe('invalid.key');
    expect(menu().send(on.restarted).said).toEqual(['retry.menu']);
  });

  it('is asked without keys typed ahead', () => {
    expect(commandsOf(menu())).toEqual(['flushTypeAhead', 'collect', 'say']);
  });
});

describe('S27 MAX_DECLINES', () => {
  const thirdDecline = (policy = policyOf()) => {
    const walk = reachDeclined({ policy });
    for (let attempt = 2; attempt <= 3; attempt++) {
      again(walk.send(on.said, on.key(1))).send(on.verdict(kDeclined, attempt));
    }
    return walk.send(on.said);
  };

  it('wipes the card, opens the line, and says so', () => {
    const walk = thirdDecline();
    expect(walk.name).toBe('MAX_DECLINES');
    expect(commandsOf(walk).indexOf('wipe')).toBeLessThan(commandsOf(walk).indexOf('secureMode'));
    expect(walk.said).toEqual(['declined.max', 'fail.agent']);
  });

  it('ends with the configured result and route', () => {
    const onReached = { result: 'NO_MORE_TRIES', route: 'sip:desk@pbx' } as const;
    const walk = thirdDecline(policyOf({ declines: { onReached } })).send(on.said);
    expect(walk.result).toBe('NO_MORE_TRIES');
    expect(walk.ending).toEqual(['DECLINED_MAX', 'sip:desk@pbx', 'MAX_DECLINES']);
    expect(walk.state.facts).toMatchObject({ attempts: 3, declines: 3, announced: true });
  });

  it('comes after the number of declines policy allows', () => {
    const policy = policyOf({ declines: { max: 1 } });
    expect(reachDeclined({ policy }).send(on.said).name).toBe('MAX_DECLINES');
  });
});

describe('S28 APPROVED', () => {
  it('wipes the card before the line opens, and tells the amount', () => {
    const walk = reach('APPROVED');
    expect(commandsOf(walk)).toEqual(['forgetKeys', 'stopTimers', 'wipe', 'secureMode', 'say']);
    expect(walk.said).toEqual(['approved.before', '{money}', 'approved.after']);
  });

  it('counts as told once it was heard', () => {
    expect(reach('APPROVED').state.facts.announced).toBe(false);
    const walk = reach('APPROVED').send(on.said);
    expect([walk.name, walk.state.facts.announced]).toEqual(['REFERENCE', true]);
  });
});

describe('S29 REFERENCE', () => {
  const referenceOf = (changes: Partial<typeof kApproved>) =>
    reach('WAIT')
      .send(on.verdict({ ...kApproved, ...changes } as Verdict), on.said)
      .phrase.at(-1);

  it.each([
    ['the spoken reference', {}, 'A1B2'],
    ['else the authorisation code', { spokenReference: null }, '123ABC'],
    ['else our own reference', { spokenReference: null, authCode: null }, 'R4K7Z2M9QX3TB8VA'],
  ])('spells %s', (_name, changes, text) => {
    expect(referenceOf(changes)).toEqual({ say: 'reference', text });
  });

  it('cannot be cut short the first time, only when it is repeated', () => {
    const walk = reach('REFERENCE');
    expect([walk.said, walk.bargeIn]).toEqual([['ref.is', '{reference}'], false]);
    expect(walk.send(on.said, on.key(1)).bargeIn).toBe(true);
  });

  it('is repeated with 1, three times in all', () => {
    const walk = reach('REFERENCE').send(on.said, on.key(1), on.said, on.key(1));
    expect(walk.name).toBe('REFERENCE');
    expect(walk.send(on.said).result).toBe('APPROVED');
  });

  it.each([
    ['2', on.key(2)],
    ['any other key', on.key(7)],
    ['silence', on.silence],
  ])('goes on with %s', (_name, event) => {
    const walk = reach('REFERENCE').send(on.said, event);
    expect(walk.ending).toEqual(['APPROVED', 'return', 'REFERENCE']);
  });

  it('offers the menu without keys typed ahead', () => {
    expect(commandsOf(reach('REFERENCE').send(on.said))).toEqual(['flushTypeAhead', 'collect', 'say']);
  });

  it('hears no answer before the menu', () => {
    expect(reach('REFERENCE').send(on.key(2), on.silence).name).toBe('REFERENCE');
  });
});

describe('S32 FAIL and S33 END', () => {
  it.each([
    ['agent', ['fail.agent']],
    ['queue', ['fail.queue']],
    ['hangup', ['fail.hangup', 'bye']],
    ['return', []],
    ['sip:desk@pbx', ['fail.agent']],
  ] as const)('says where the call goes: %s', (failRoute, said) => {
    const walk = reach('PAN_ENTRY', { policy: cloudPolicyOf({ failRoute }) }).send({ type: 'agentCancel' });
    expect(walk.said.slice(2)).toEqual(['fail.agent']);
    const escaped = reach('PAN_ENTRY', { policy: cloudPolicyOf({ failRoute }) }).send(on.escape, on.key(3));
    expect(escaped.said.slice(2)).toEqual(said);
  });

  it('cleans up on the way: nothing collects, keys and card are gone, then the line opens', () => {
    const walk = reach('PAN_ENTRY').send(on.escape, on.key(3));
    expect(commandsOf(walk)).toEqual([
      'stopCollecting',
      'forgetKeys',
      'stopTimers',
      'sessionTimer',
      'wipe',
      'secureMode',
      'say',
    ]);
  });

  it('ends when that was said, once', () => {
    const walk = reach('PAN_ENTRY').send(on.escape, on.key(3), on.said);
    expect(walk.name).toBe('END');
    expect(commandsOf(walk).filter((command) => command === 'finish')).toHaveLength(1);
    const { state } = walk;
    expect(walk.send(on.said, on.hangUp, on.start, on.verdict(kApproved)).state).toBe(state);
  });
});
