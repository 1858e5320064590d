import { describe, expect, it } from 'vitest';
import type { StateName } from '../../../src/dialog/states.ts';
import { cloudPolicyOf, policyOf } from '../../support/dialog.ts';
import { on, reach, type Walk } from '../../support/dialog-walk.ts';

const kPerField = { policy: cloudPolicyOf({ cards: { postalCode: 'required' } }) };
const kSummary = { policy: policyOf({ cards: { postalCode: 'required' } }) };
const kLegacy = { policy: policyOf({ cards: { legacyFields: true } }) };

const commandsOf = (walk: Walk) => walk.commands.map((command) => command.do);

describe('S09 CARD_INTRO', () => {
  it('turns secure mode on before it says a word', () => {
    const walk = reach('CARD_INTRO');
    expect(walk.commands[0]).toEqual({ do: 'secureMode', on: true });
    expect([walk.said, walk.bargeIn]).toEqual([['card.intro'], true]);
  });

  it('cannot be cut short where it asks for consent', () => {
    const walk = reach('CARD_INTRO', { policy: policyOf({ consent: true }) });
    expect([walk.said, walk.bargeIn]).toEqual([['consent', 'card.intro'], false]);
  });

  it('goes on to the card number', () => {
    expect(reach('CARD_INTRO').send(on.said).name).toBe('PAN_ENTRY');
  });
});

describe('S10 PAN_ENTRY', () => {
  it('clears the field, collects, and only then speaks, so that keys typed ahead are not held up', () => {
    const walk = reach('PAN_ENTRY');
    expect(commandsOf(walk)).toEqual(['clearFields', 'collect', 'say']);
    expect(walk.command('collect')).toMatchObject({
      target: 'pan',
      spec: { minDigits: 12, maxDigits: 19, firstDigitMs: 20_000, interDigitMs: 8000, star: 'restart' },
    });
  });

  it('has the number checked', () => {
    const walk = reach('PAN_ENTRY').send(on.panKeyed);
    expect([walk.name, commandsOf(walk)]).toEqual(['PAN_CHECK', ['checkPan']]);
  });

  it('says more each time it is asked again, and offers the way out the third time', () => {
    const walk = reach('PAN_ENTRY');
    expect(walk.said).toEqual(['card.enter']);
    expect(walk.send(on.silence).said).toEqual(['noinput', 'card.enter', 'card.enter.help']);
    expect(walk.send(on.tooShort).said).toEqual(['card.short', 'card.enter', 'card.enter.help', 'noinput.2']);
    expect(walk.send(on.silence).ending).toEqual(['MAX_INPUT', 'agent', 'PAN_ENTRY']);
  });

  it('forgets what was typed ahead, and notes the error, when it is asked again', () => {
    const walk = reach('PAN_ENTRY').send(on.silence);
    expect(walk.command('noteFieldError')).toEqual({
      do: 'noteFieldError',
      field: 'pan',
      reason: 'no_input',
    });
    expect(commandsOf(walk).indexOf('flushTypeAhead')).toBeLessThan(commandsOf(walk).indexOf('collect'));
  });

  it('takes a pound alone for no input', () => {
    expect(reach('PAN_ENTRY').send(on.poundAlone).said[0]).toBe('noinput');
  });
});

describe('S11 PAN_CHECK', () => {
  it.each([
    ['invalid', ['card.invalid']],
    ['short', ['card.short']],
    ['not_accepted', ['card.not_accepted', 'card.accepted_list', '{brands}']],
    ['use_other', ['card.use_other']],
  ] as const)('asks again when the number is %s', (reason, said) => {
    const walk = reach('PAN_ENTRY').refusedPan(reason);
    expect(walk.name).toBe('PAN_ENTRY');
    expect(walk.said.slice(0, said.length)).toEqual(said);
  });

  it('names the brands that are accepted', () => {
    const part = reach('PAN_ENTRY')
      .refusedPan('not_accepted')
      .phrase.find(({ say }) => say === 'brands');
    expect(part).toEqual({ say: 'brands', brands: ['visa', 'mastercard', 'amex', 'maestro'] });
  });

  it('counts refused numbers together with missing ones', () => {
    const walk = reach('PAN_ENTRY').refusedPan('invalid').send(on.silence).refusedPan('not_accepted');
    expect(walk.ending).toEqual(['MAX_INPUT', 'agent', 'PAN_ENTRY']);
  });

  it('keeps brand, last four and the questions this card needs', () => {
    expect(reach('PAN_ENTRY').pan('amex', '0005').state.facts.card).toEqual({
      brand: 'amex',
      last4: '0005',
      plan: [
        { field: 'expiry', skippable: false },
        { field: 'cvv', skippable: false },
      ],
    });
  });

  it('goes on to the expiry, or reads the number back where each field is confirmed', () => {
    expect(reach('PAN_ENTRY', kSummary).pan().name).toBe('EXPIRY_ENTRY');
    expect(reach('PAN_ENTRY', kPerField).pan().name).toBe('PAN_CONFIRM');
  });
});

describe('read-back of one field', () => {
  it.each<[StateName, StateName, StateName, string[]]>([
    ['PAN_CONFIRM', 'EXPIRY_ENTRY', 'PAN_ENTRY', ['you.entered.card', '{lastFour}']],
    ['EXPIRY_CONFIRM', 'CVV_ENTRY', 'EXPIRY_ENTRY', ['you.entered', '{expiry}']],
    ['CVV_CONFIRM', 'POSTAL_ENTRY', 'CVV_ENTRY', ['you.entered', '{securityCode}']],
    ['POSTAL_CONFIRM', 'SUBMIT', 'POSTAL_ENTRY', ['you.entered', '{postalCode}']],
  ])('%s goes on to %s with 1, back to %s with 2, repeats with 3', (name, next, back, said) => {
    expect(reach(name, kPerField).said.slice(0, said.length)).toEqual(said);
    expect(reach(name, kPerField).send(on.key(1)).name).toBe(next);
    expect(reach(name, kPerField).send(on.key(2)).name).toBe(back);
    expect(reach(name, kPerField).send(on.key(3)).name).toBe(name);
    expect(reach(name, kPerField).send(on.restarted).name).toBe(name);
  });

  it.each(['PAN_CONFIRM', 'EXPIRY_CONFIRM', 'CVV_CONFIRM', 'POSTAL_CONFIRM'] as const)(
    '%s is asked without keys typed ahead, and fails after three answers of no use',
    (name) => {
      const walk = reach(name, kPerField);
      expect(commandsOf(walk)).toEqual(['flushTypeAhead', 'collect', 'say']);
      expect(walk.send(on.silence).said).toContain('confirm.help');
      expect(walk.send(on.key(8), on.silence).ending).toEqual(['MAX_INPUT', 'queue', name]);
    },
  );

  it('reads the whole number where policy says so', () => {
    const policy = cloudPolicyOf({ confirm: { card: 'full' } });
    expect(reach('PAN_CONFIRM', { policy }).said.slice(0, 2)).toEqual(['you.entered', '{cardNumber}']);
  });

  it('counts the security code instead of reading it where policy says so', () => {
    const policy = cloudPolicyOf({ confirm: { cvv: 'count' } });
    expect(reach('CVV_CONFIRM', { policy }).said.slice(0, 3)).toEqual([
      'cvv.count.before',
      '{number}',
      'cvv.count.after',
    ]);
  });

  it('leaves the security code alone where policy says so', () => {
    const policy = cloudPolicyOf({ confirm: { cvv: 'off' } });
    expect(reach('CVV_ENTRY', { policy }).send(on.field('cvv')).name).toBe('SUBMIT');
  });

  it('comes before the summary where both are wanted', () => {
    const policy = policyOf({ confirm: { policy: 'both' } });
    expect(reach('PAN_ENTRY', { policy }).pan().name).toBe('PAN_CONFIRM');
    expect(reach('CVV_ENTRY', { policy }).send(on.field('cvv')).name).toBe('SUMMARY');
  });
});

describe('S13 EXPIRY_ENTRY', () => {
  it('takes four digits, or three and pound', () => {
    expect(reach('EXPIRY_ENTRY').command('collect')).toMatchObject({
      target: 'expiry',
      spec: { minDigits: 3, maxDigits: 4 },
    });
  });

  it.each([
    ['invalid', 'exp.invalid'],
    ['past', 'exp.past'],
  ] as const)('asks again for a date that is %s', (verdict, prompt) => {
    const walk = reach('EXPIRY_ENTRY').send(on.field('expiry', verdict));
    expect(walk.said).toEqual([prompt, 'exp.enter', 'exp.enter.help']);
    expect(walk.send(on.silence, on.tooShort).ending).toEqual(['MAX_INPUT', 'agent', 'EXPIRY_ENTRY']);
  });
});

describe('S15, start date and issue number', () => {
  const maestro = () => reach('PAN_ENTRY', kLegacy).pan('maestro', '8453').send(on.field('expiry'));

  it('are asked of cards that may have them, where policy wants them', () => {
    expect(maestro().name).toBe('START_ENTRY');
    expect(maestro().send(on.field('start')).name).toBe('ISSUE_ENTRY');
    expect(maestro().send(on.field('start'), on.field('issue')).name).toBe('CVV_ENTRY');
    expect(reach('PAN_ENTRY').pan('maestro', '8453').send(on.field('expiry')).name).toBe('CVV_ENTRY');
    expect(reach('PAN_ENTRY', kLegacy).pan().send(on.field('expiry')).name).toBe('CVV_ENTRY');
  });

  it('can be left out with a pound alone', () => {
    expect(maestro().send(on.poundAlone).name).toBe('ISSUE_ENTRY');
    expect(maestro().send(on.poundAlone, on.poundAlone).name).toBe('CVV_ENTRY');
  });

  it('are asked again when wrong or missing', () => {
    const walk = maestro().send(on.field('start', 'invalid'));
    expect(walk.said).toEqual(['start.invalid', 'start.enter']);
    expect(walk.send(on.silence, on.silence).ending).toEqual(['MAX_INPUT', 'agent', 'START_ENTRY']);
    expect(maestro().send(on.poundAlone, on.field('issue', 'invalid')).said[0]).toBe('issue.invalid');
  });
});

describe('S16 CVV_ENTRY', () => {
  const asked = (brand: 'visa' | 'amex' | 'maestro') =>
    reach('PAN_ENTRY').pan(brand).send(on.field('expiry'));

  it.each([
    ['visa', ['cvv.enter.3back'], 3],
    ['amex', ['cvv.enter.4front'], 4],
    ['maestro', ['cvv.enter.3back', 'cvv.enter.optional'], 3],
  ] as const)('asks a %s for its own code', (brand, said, length) => {
    expect(asked(brand).said).toEqual(said);
    expect(asked(brand).command('collect')).toMatchObject({
      spec: { minDigits: length, maxDigits: length },
    });
  });

  it('can be left out only by cards that may have none', () => {
    expect(asked('maestro').send(on.poundAlone).name).toBe('SUMMARY');
    expect(asked('maestro').send(on.silence).name).toBe('CVV_ENTRY');
    expect(asked('visa').send(on.poundAlone).name).toBe('CVV_ENTRY');
  });

  it('is not asked where policy does without', () => {
    const policy = policyOf({ cards: { cvv: 'off' } });
    expect(reach('EXPIRY_ENTRY', { policy }).send(on.field('expiry')).name).toBe('SUMMARY');
  });

  it('is asked again when it is invalid or too short', () => {
    expect(asked('amex').send(on.tooShort).said[0]).toBe('cvv.invalid');
    const walk = asked('visa').send(on.field('cvv', 'invalid'), on.field('cvv', 'invalid'), on.silence);
    expect(walk.ending).toEqual(['MAX_INPUT', 'agent', 'CVV_ENTRY']);
  });
});

describe('S18 POSTAL_ENTRY', () => {
  it('is asked last, and only where policy wants it', () => {
    expect(reach('POSTAL_ENTRY', kSummary).said).toEqual(['postal.enter']);
    expect(reach('POSTAL_ENTRY', kSummary).send(on.field('postal')).name).toBe('SUMMARY');
  });

  it('is asked again when wrong or missing', () => {
    const walk = reach('POSTAL_ENTRY', kSummary).send(on.field('postal', 'invalid'));
    expect(walk.said).toEqual(['postal.invalid', 'postal.enter', 'postal.enter.help']);
    expect(walk.send(on.silence, on.silence).ending).toEqual(['MAX_INPUT', 'agent', 'POSTAL_ENTRY']);
  });
});

it('ends when the whole session has had too many errors, however they are spread', () => {
  const policy = policyOf({ input: { sessionErrors: 3 } });
  const walk = reach('PAN_ENTRY', { policy }).send(on.silence).pan().send(on.silence);
  expect(walk.name).toBe('EXPIRY_ENTRY');
  expect(walk.send(on.field('expiry'), on.silence).ending).toEqual(['MAX_INPUT', 'agent', 'CVV_ENTRY']);
});

it('ignores the verdict on another field than the one that is asked', () => {
  const walk = reach('EXPIRY_ENTRY');
  const { state } = walk;
  walk.send(on.field('cvv'), on.panKeyed, on.key(1), on.amount(100), on.flushed());
  expect(walk.state).toBe(state);
});

it('doubles every time for a caller who asked for more of it', () => {
  const policy = policyOf({ input: { pace: 'relaxed' } });
  expect(reach('PAN_ENTRY', { policy }).command('collect')).toMatchObject({
    spec: { firstDigitMs: 40_000, interDigitMs: 16_000, soonMs: 6000 },
  });
});
