import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import { cloudPolicyOf, orderOf, policyOf } from '../../support/dialog.ts';
import { on, reach, Walk } from '../../support/dialog-walk.ts';

const kEur = (minor: number) => money(minor, 'EUR');

/** A walk to the state after the greeting. */
function afterGreeting(
  policy: 'fixed' | 'full_or_other' | 'enter',
  minor: number | null,
  limits: { min?: number | null; max?: number | null; allowOverpay?: boolean } = {},
): Walk {
  const order = orderOf({ amount: minor === null ? null : kEur(minor) });
  return new Walk({ policy: cloudPolicyOf({ amount: { policy, ...limits } }), order }).send(
    on.start,
    on.said,
  );
}

describe('S04, which amount', () => {
  it('tells a fixed amount between the limits', () => {
    const walk = afterGreeting('fixed', 1050);
    expect([walk.name, walk.said]).toEqual(['AMOUNT_TELL', ['amount.is', '{money}']]);
    expect(walk.state.facts).toMatchObject({ amount: kEur(1050), amountKeyed: false });
  });

  it('asks for another amount when the fixed one is below the minimum', () => {
    const walk = afterGreeting('fixed', 50);
    expect(walk.name).toBe('AMOUNT_ENTRY');
    expect(walk.said.slice(0, 3)).toEqual(['amount.below_min', 'amount.limits.between', '{money}']);
  });

  it('refuses a fixed amount above the maximum', () => {
    const walk = afterGreeting('fixed', 500_001);
    expect(walk.ending).toEqual(['AMOUNT_REJECTED', 'queue', 'GREETING']);
    expect(walk.said[0]).toBe('amount.above_max');
  });

  it('offers a balance', () => {
    const walk = afterGreeting('full_or_other', 8000);
    expect([walk.name, walk.said]).toEqual(['AMOUNT_MENU', ['amount.balance', '{money}', 'amount.menu']]);
  });

  it.each(['fixed', 'full_or_other', 'enter'] as const)(
    'asks when the call brings no amount (%s)',
    (policy) => {
      const walk = afterGreeting(policy, null);
      expect([walk.name, walk.said]).toEqual(['AMOUNT_ENTRY', ['amount.enter']]);
    },
  );

  it('refuses when nothing between the limits could be entered', () => {
    const walk = afterGreeting('full_or_other', 50);
    expect(walk.ending?.[0]).toBe('AMOUNT_REJECTED');
    expect(walk.said[0]).toBe('amount.below_min');
  });
});

describe('S05 AMOUNT_TELL', () => {
  it('goes on to the card', () => {
    expect(reach('AMOUNT_TELL').send(on.said).name).toBe('CARD_INTRO');
  });
});

describe('S06 AMOUNT_MENU', () => {
  const menu = () => afterGreeting('full_or_other', 8000);

  it('takes the balance with 1', () => {
    const walk = menu().send(on.key(1));
    expect(walk.name).toBe('CARD_INTRO');
    expect(walk.state.facts).toMatchObject({ amount: kEur(8000), amountKeyed: false });
  });

  it('asks for another amount with 2', () => {
    expect(menu().send(on.key(2)).name).toBe('AMOUNT_ENTRY');
  });

  it('asks for less when the balance is above the maximum', () => {
    const walk = afterGreeting('full_or_other', 900_000).send(on.key(1));
    expect(walk.name).toBe('AMOUNT_ENTRY');
    expect(walk.said[0]).toBe('amount.limits.between');
  });

  it('asks for more when the balance is below the minimum and may be overpaid', () => {
    const walk = afterGreeting('full_or_other', 50, { allowOverpay: true }).send(on.key(1));
    expect(walk.name).toBe('AMOUNT_ENTRY');
  });

  it('fails after three answers of no use', () => {
    const walk = menu().send(on.key(7));
    expect(walk.said[0]).toBe('invalid.key');
    expect(walk.send(on.silence).said[0]).toBe('noinput');
    expect(walk.send(on.key(0)).ending).toEqual(['MAX_INPUT', 'queue', 'AMOUNT_MENU']);
  });

  it('repeats itself at a star', () => {
    expect(menu().send(on.restarted).said).toContain('amount.menu');
  });
});

describe('S07 AMOUNT_ENTRY', () => {
  const entry = () => afterGreeting('enter', null);

  it('collects at most eight keys with star for the decimal point', () => {
    expect(entry().command('collect')).toMatchObject({
      target: 'amount',
      spec: { minDigits: 1, maxDigits: 8, star: 'decimal', firstDigitMs: 8000, interDigitMs: 5000 },
    });
  });

  it('uses star to start again where there are no decimals', () => {
    const order = orderOf({ amount: null, currency: 'JPY' });
    const walk = new Walk({ policy: cloudPolicyOf({ amount: { min: 1, currency: 'JPY' } }), order }).send(
      on.start,
      on.said,
    );
    expect(walk.command('collect')).toMatchObject({ spec: { star: 'restart' } });
    expect(walk.said).toEqual(['amount.enter.whole']);
  });

  it('reads a valid amount back', () => {
    const walk = entry().send(on.amount(2550));
    expect(walk.name).toBe('AMOUNT_CONFIRM');
    expect(walk.said.slice(0, 2)).toEqual(['you.entered', '{money}']);
  });

  it.each([
    ['keys that make no amount', null, 'amount.invalid'],
    ['less than the minimum', 99, 'amount.limits.between'],
    ['more than the maximum', 500_001, 'amount.limits.between'],
  ])('asks again after %s', (_name, minor, prompt) => {
    const walk = entry().send(on.amount(minor));
    expect([walk.name, walk.said[0]]).toEqual(['AMOUNT_ENTRY', prompt]);
    expect(walk.does('flushTypeAhead')).toBe(true);
  });

  it.each([
    ['a balance', 'full_or_other', false, 'AMOUNT_ENTRY'],
    ['a balance that may be overpaid', 'full_or_other', true, 'AMOUNT_CONFIRM'],
  ] as const)('compares with %s', (_name, policy, allowOverpay, next) => {
    const walk = afterGreeting(policy, 8000, { allowOverpay }).send(on.key(2), on.amount(8001));
    expect(walk.name).toBe(next);
    if (!allowOverpay) expect(walk.said[0]).toBe('amount.over_balance');
  });

  it.each([
    [{ min: null, max: 5000 }, 5001, ['amount.limits.max', '{money}']],
    [{ min: 200, max: null }, 199, ['amount.limits.min', '{money}']],
    [{ min: null, max: null }, 0, ['amount.limits.min', '{money}']],
  ])('names the limits there are: %o', (limits, minor, said) => {
    expect(afterGreeting('enter', null, limits).send(on.amount(minor)).said.slice(0, 2)).toEqual(said);
  });

  it('fails after three errors, missing and wrong ones together', () => {
    const walk = entry().send(on.amount(null), on.silence, on.amount(1));
    expect(walk.ending).toEqual(['MAX_INPUT', 'queue', 'AMOUNT_ENTRY']);
    expect(walk.said.slice(0, 2)).toEqual(['tries.used', 'not.charged']);
  });

  it('only repeats the question at a star, the entry goes on', () => {
    const walk = entry().send(on.restarted);
    expect([walk.does('collect'), walk.said]).toEqual([false, ['amount.enter']]);
  });
});

describe('S08 AMOUNT_CONFIRM', () => {
  const confirm = () => afterGreeting('enter', null).send(on.amount(2550));

  it('flushes what was typed ahead before it asks', () => {
    const steps = confirm().commands.map((command) => command.do);
    expect(steps.indexOf('flushTypeAhead')).toBeLessThan(steps.indexOf('collect'));
  });

  it('takes the amount with 1', () => {
    const walk = confirm().send(on.key(1));
    expect(walk.name).toBe('CARD_INTRO');
    expect(walk.state.facts).toMatchObject({ amount: kEur(2550), amountKeyed: true });
  });

  it('asks again with 2', () => {
    expect(confirm().send(on.key(2)).name).toBe('AMOUNT_ENTRY');
  });

  it('repeats with 3 and at a star', () => {
    for (const event of [on.key(3), on.restarted]) {
      const walk = confirm().send(event);
      expect([walk.name, walk.said[0]]).toEqual(['AMOUNT_CONFIRM', 'you.entered']);
    }
  });

  it('fails after three answers of no use', () => {
    expect(confirm().send(on.silence, on.key(4), on.silence).ending?.[0]).toBe('MAX_INPUT');
  });
});

it('uses the words for minor units where amounts are keyed that way', () => {
  const policy = policyOf({ amount: { policy: 'enter', entry: 'implied' } });
  const walk = new Walk({ policy }).send(on.start, on.said);
  expect(walk.said).toEqual(['amount.enter.implied']);
  expect(walk.command('collect')).toMatchObject({ spec: { star: 'restart' } });
  expect(walk.send(on.silence).said).toEqual([
    'noinput',
    'amount.enter.implied',
    'amount.enter.help.implied',
  ]);
});
