import { describe, expect, it } from 'vitest';
import { policyFor } from '../../../src/call/topology-policy.ts';
import type { DialogEvent } from '../../../src/dialog/events.ts';
import { kStateNumbers } from '../../../src/dialog/states.ts';
import { kApproved, kDeclined, policyOf } from '../../support/dialog.ts';
import { kAfterDecline, kBefore, kDecided, kInFlight, reachAmount } from '../../support/dialog-stages.ts';
import { on, reach, type Walk } from '../../support/dialog-walk.ts';

const before = Object.entries(kBefore);
const afterDecline = Object.entries(kAfterDecline);
const inFlight = Object.entries(kInFlight);
/** States in which nothing can be changed any more. */
const tooLate = [
  ...inFlight,
  ...Object.entries(kDecided).map(([name, [reachIt]]): [string, () => Walk] => [name, reachIt]),
];
const decided = Object.entries(kDecided).map(([name, [reachIt, result]]) => [name, reachIt, result] as const);

const kMediaLost: DialogEvent = { type: 'mediaLost', blame: 'server' };
const kPeerSilent: DialogEvent = { type: 'mediaLost', blame: 'caller' };
const kCancel: DialogEvent = { type: 'agentCancel' };
const kLimit: DialogEvent = { type: 'sessionLimit' };

describe('the caller hangs up', () => {
  it.each(before)('in %s: the card is wiped and nothing was paid', (name, reachIt) => {
    const walk = reachIt().send(on.hangUp);
    const stage = name === 'ESCAPE' ? 'PAN_ENTRY' : name;
    expect(walk.ending).toEqual(['HANGUP_BEFORE_AUTH', 'hangup', stage]);
    expect([walk.does('wipe'), walk.does('finish'), walk.does('say')]).toEqual([true, true, false]);
    expect(walk.state.facts.callerPresent).toBe(false);
  });

  it.each(afterDecline)('in %s: the decline is the result', (_name, reachIt) => {
    const walk = reachIt().send(on.hangUp);
    expect(walk.result).toBe('DECLINED_HANGUP');
    expect(walk.does('wipe')).toBe(true);
  });

  it.each(inFlight)('in %s: the verdict is waited for, in silence', (name, reachIt) => {
    const walk = reachIt().send(on.hangUp);
    expect(walk.name).toBe(name);
    expect(walk.commands.map((command) => command.do)).toEqual(['stopPlaying', 'stopTimers']);
    expect(walk.send(on.said, on.timer('still'), on.timer('tone')).commands).toEqual([]);
  });

  it.each(inFlight)('in %s: an approval stands, though nobody heard it', (_name, reachIt) => {
    const walk = reachIt().send(on.hangUp, on.verdict(kApproved));
    expect(walk.result).toBe('APPROVED');
    expect(walk.ending?.[1]).toBe('hangup');
    expect(walk.state.facts).toMatchObject({ callerPresent: false, announced: false });
    expect(walk.does('wipe')).toBe(true);
  });

  it.each(inFlight)(
    'in %s: a decline, an unknown outcome, and a gateway that is down end it',
    (_name, reachIt) => {
      const resultOf = (verdict: Parameters<typeof on.verdict>[0]) =>
        reachIt().send(on.hangUp, on.verdict(verdict)).result;
      expect(resultOf(kDeclined)).toBe('DECLINED_HANGUP');
      expect(resultOf({ kind: 'unresolved' })).toBe('UNKNOWN');
      expect(resultOf({ kind: 'unavailable' })).toBe('GATEWAY_UNAVAILABLE');
      expect(resultOf({ kind: 'misconfigured' })).toBe('GATEWAY_CONFIG_ERROR');
    },
  );

  it.each(decided)('in %s: the result stands', (_name, reachIt, result) => {
    const walk = reachIt().send(on.hangUp);
    expect(walk.result).toBe(result);
    expect(walk.ending?.[1]).toBe('hangup');
    expect(walk.state.facts.callerPresent).toBe(false);
  });

  describe('in flight, where policy takes such payments back', () => {
    const policy = policyOf({ hangup: { inFlight: 'reverse' } });
    const reversing = () => reach('WAIT', { policy }).send(on.hangUp, on.verdict(kApproved));

    it('reverses the approval', () => {
      const walk = reversing();
      expect(walk.name).toBe('REVERSING');
      expect(walk.command('reverse')).toMatchObject({ attempt: 1, amount: { minor: 1050 } });
      expect(walk.does('wipe')).toBe(true);
    });

    it.each([
      ['reversed', 'HANGUP_BEFORE_AUTH'],
      ['unresolved', 'UNKNOWN'],
    ] as const)('ends %s as %s', (result, code) => {
      expect(reversing().send({ type: 'reversal', result }).result).toBe(code);
    });

    it('waits for the reversal, whatever else happens', () => {
      const walk = reversing();
      const { state } = walk;
      expect(walk.send(on.hangUp, kMediaLost, kCancel, kLimit, on.verdict(kApproved), on.escape).state).toBe(
        state,
      );
    });

    it('keeps an approval whose caller is still there', () => {
      expect(reach('WAIT', { policy }).send(on.verdict(kApproved)).name).toBe('APPROVED');
    });
  });
});

describe('the media is lost', () => {
  it.each(before)(
    'in %s: our fault is a system error, silence of the peer is a hang-up',
    (_name, reachIt) => {
      expect(reachIt().send(kMediaLost).result).toBe('SYSTEM_ERROR');
      expect(reachIt().send(kPeerSilent).result).toBe('HANGUP_BEFORE_AUTH');
    },
  );

  it.each(inFlight)('in %s: the verdict is waited for', (name, reachIt) => {
    const walk = reachIt().send(kMediaLost);
    expect([walk.name, walk.state.facts.callerPresent]).toEqual([name, false]);
    expect(walk.send(on.verdict(kApproved)).result).toBe('APPROVED');
  });

  it.each(decided)('in %s: the result stands', (_name, reachIt, result) => {
    expect(reachIt().send(kMediaLost).result).toBe(result);
  });
});

describe('an agent cancels', () => {
  it.each([...before, ...afterDecline])('in %s: the card is wiped and the caller told', (_name, reachIt) => {
    const walk = reachIt().send(kCancel);
    expect(walk.ending?.slice(0, 2)).toEqual(['AGENT_CANCELLED', 'agent']);
    expect(walk.does('wipe')).toBe(true);
    expect(walk.said).toEqual(['cancelled', 'not.charged', 'fail.agent']);
  });

  it.each(tooLate)('in %s: it is too late', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    expect(walk.send(kCancel).state).toBe(state);
    expect(walk.commands).toEqual([]);
  });
});

describe('a field is asked for again from outside', () => {
  const reEnter = (field: 'pan' | 'expiry' | 'cvv' | 'postal' | 'amount'): DialogEvent => ({
    type: 'reEnter',
    field,
  });

  it.each([
    ['pan', 'PAN_ENTRY'],
    ['expiry', 'EXPIRY_ENTRY'],
    ['cvv', 'CVV_ENTRY'],
  ] as const)('%s: jumps to its entry and comes back to what is missing', (field, name) => {
    const walk = reach('SUMMARY').send(reEnter(field));
    expect(walk.name).toBe(name);
    if (field !== 'pan') expect(walk.send(on.field(field)).name).toBe('SUMMARY');
  });

  it('works in the middle of that very entry and from the escape menu', () => {
    expect(reach('PAN_ENTRY').send(on.silence, reEnter('pan')).state).toMatchObject({
      name: 'PAN_ENTRY',
      tries: 0,
    });
    expect(reach('SUMMARY').send(on.escape, reEnter('expiry')).name).toBe('EXPIRY_ENTRY');
  });

  it('takes an amount the caller has entered, no other', () => {
    const walk = reachAmount('enter').send(on.amount(2000), on.key(1), on.said);
    expect(walk.send(reEnter('amount')).name).toBe('AMOUNT_ENTRY');
    const fixed = reach('PAN_ENTRY');
    const { state } = fixed;
    expect(fixed.send(reEnter('amount')).state).toBe(state);
  });

  it('is refused for what was not asked yet', () => {
    const walk = reach('EXPIRY_ENTRY');
    const { state } = walk;
    expect(walk.send(reEnter('cvv'), reEnter('postal')).state).toBe(state);
    const early = reach('GREETING');
    expect(early.send(reEnter('pan')).name).toBe('GREETING');
  });

  it.each(tooLate)('is refused in %s', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    expect(walk.send(reEnter('pan'), reEnter('expiry')).state).toBe(state);
  });
});

describe('the caller holds us', () => {
  const waits = [...before, ...afterDecline].filter(([name]) => name !== 'ACCEPT' && name !== 'IDV_HANDOFF');

  it.each(waits)('in %s: nothing plays, nothing is collected, for two minutes at most', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    walk.send(on.held);
    expect(walk.state).toEqual(state);
    expect(walk.commands).toEqual([
      { do: 'stopPlaying' },
      { do: 'stopCollecting' },
      { do: 'startTimer', timer: 'hold', ms: 120_000 },
    ]);
  });

  it.each(waits)('in %s: the question is asked anew when the caller is back', (_name, reachIt) => {
    const walk = reachIt();
    const { name } = walk;
    walk.send(on.held, on.unheld);
    expect([walk.name, walk.does('stopTimers')]).toEqual([name, true]);
    expect(walk.does(name === 'PAN_CHECK' ? 'checkPan' : 'say')).toBe(true);
  });

  it('counts as no input after two minutes', () => {
    const walk = reach('PAN_ENTRY').send(on.held, on.timer('hold'));
    expect(walk.said[0]).toBe('noinput');
    expect(walk.state).toMatchObject({ name: 'PAN_ENTRY', tries: 1 });
  });

  it('repeats a message after two minutes', () => {
    expect(reach('CARD_INTRO').send(on.held, on.timer('hold')).said).toEqual(['card.intro']);
  });

  it.each(tooLate)('has no effect in %s', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    expect(walk.send(on.held, on.unheld, on.timer('hold')).state).toBe(state);
  });

  it.each(['ACCEPT', 'IDV_HANDOFF'])('has no effect in %s', (name) => {
    const walk = kBefore[name]?.();
    const state = walk?.state;
    expect(walk?.send(on.held, on.unheld).state).toBe(state);
  });
});

describe('the session takes too long', () => {
  it.each([...before, ...afterDecline])('in %s: it ends, and the card is wiped', (_name, reachIt) => {
    const walk = reachIt().send(kLimit);
    expect(walk.ending?.[0]).toBe('SESSION_TIMEOUT');
    expect(walk.does('wipe')).toBe(true);
    expect(walk.said.slice(0, 2)).toEqual(['sorry.timeout', 'not.charged']);
  });

  it.each(tooLate)('in %s: that is ignored', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    expect(walk.send(kLimit).state).toBe(state);
  });
});

describe('the agent hangs up', () => {
  const lost = (policy: 'continue' | 'abort'): DialogEvent => ({ type: 'agentLost', policy });

  it.each([...before, ...afterDecline])(
    'in %s: it goes on, or ends where policy says so',
    (_name, reachIt) => {
      const walk = reachIt();
      const { name } = walk;
      walk.send(lost('continue'));
      expect([walk.name, walk.commands, walk.state.facts.agentLost]).toEqual([name, [], true]);
      expect(reachIt().send(lost('abort')).ending?.[0]).toBe('AGENT_LOST');
    },
  );

  it.each(tooLate)('in %s: it goes on', (_name, reachIt) => {
    const walk = reachIt();
    const { name } = walk;
    expect(walk.send(lost('abort')).name).toBe(name);
    expect(walk.state.facts.agentLost).toBe(true);
  });

  it('leads to the queue instead of an agent who has left', () => {
    const policy = policyFor('conference', policyOf());
    const walk = reach('APPROVED', { policy }).send(lost('continue'), on.said, on.said, on.key(2));
    expect(walk.ending).toEqual(['APPROVED', 'queue', 'REFERENCE']);
    const failed = reach('PAN_ENTRY', { policy }).send(lost('continue'), on.escape, on.key(3));
    expect([failed.ending?.[1], failed.said.at(-1)]).toEqual(['queue', 'fail.queue']);
  });

  it.each([...before, ...afterDecline, ...inFlight])(
    'in %s: another one takes that place',
    (_name, reachIt) => {
      const walk = reachIt();
      const { name } = walk;
      walk.send(lost('continue'), { type: 'agentBack' });
      expect([walk.name, walk.commands, walk.state.facts.agentLost]).toEqual([name, [], false]);
    },
  );

  it('leads a customer who has paid beside a parked agent to where that is configured, and who has not back', () => {
    const policy = policyFor('secure_transfer', policyOf({ agent: { onPaid: 'return' } }));
    expect(reach('APPROVED', { policy }).send(on.said, on.said, on.key(2)).ending?.[1]).toBe('return');
    expect(reach('APPROVED', { policy }).send(lost('continue'), on.hangUp).ending?.[1]).toBe('hangup');
    expect(reach('PAN_ENTRY', { policy }).send(on.escape, on.key(3)).ending?.[1]).toBe('back');
  });
});

describe('a recording does not stop', () => {
  it.each(before)('in %s: no card is asked for', (_name, reachIt) => {
    expect(reachIt().send({ type: 'recordingNotStopped' }).ending?.[0]).toBe('SYSTEM_ERROR');
  });

  it.each(tooLate)('in %s: that is ignored', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    expect(walk.send({ type: 'recordingNotStopped' }).state).toBe(state);
  });
});

describe('something breaks inside', () => {
  const fault = (pending: boolean): DialogEvent => ({ type: 'fault', pending });

  it.each([...before, ...afterDecline])('in %s: the card is wiped and the caller told', (_name, reachIt) => {
    const walk = reachIt().send(fault(false));
    expect(walk.ending?.[0]).toBe('SYSTEM_ERROR');
    expect([walk.said[0], walk.does('wipe')]).toEqual(['sorry.system', true]);
  });

  it.each(inFlight)('in %s: a verdict that will come is waited for', (_name, reachIt) => {
    const walk = reachIt();
    const { state } = walk;
    expect(walk.send(fault(true)).state).toBe(state);
    expect(reachIt().send(fault(false)).ending?.[0]).toBe('SYSTEM_ERROR');
  });

  it.each(decided)('in %s: the result stands', (_name, reachIt, result) => {
    expect(reachIt().send(fault(false)).result).toBe(result);
  });
});

it('covers every state of the machine', () => {
  // REVERSING has its own tests above; nothing happens after END.
  const covered = [...before, ...afterDecline, ...inFlight, ...decided].map(([name]) => name);
  const states = Object.keys(kStateNumbers).filter((name) => name !== 'REVERSING' && name !== 'END');
  expect(covered).toEqual(expect.arrayContaining(states));
});

describe('somebody else is on the line in the place of the caller', () => {
  const isSecret = ([, reachIt]: (typeof before)[number]) => reachIt().state.facts.secure;

  it.each([...before.filter(isSecret), ...afterDecline.filter(isSecret)])(
    'in %s: the card is forgotten and asked for anew',
    (_name, reachIt) => {
      const walk = reachIt().send({ type: 'moved' });
      expect([walk.name, walk.state.facts.card, walk.state.facts.done]).toEqual(['PAN_ENTRY', null, []]);
      expect(walk.command('clearFields')).toMatchObject({ fields: expect.arrayContaining(['pan', 'cvv']) });
      expect(walk.does('say')).toBe(true);
    },
  );

  it('before the card: what was asked is asked again', () => {
    const walk = reachAmount('full_or_other').send({ type: 'moved' });
    expect([walk.name, walk.does('say'), walk.does('flushTypeAhead')]).toEqual(['AMOUNT_MENU', true, true]);
  });

  it.each(tooLate)('in %s: it goes on', (name, reachIt) => {
    const walk = reachIt().send({ type: 'moved' });
    expect(walk.name).toBe(name.split(' ')[0]);
    expect(walk.commands).toEqual([]);
  });
});
