import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kBrandIds, kBrandRules } from '../../../src/card/brand-rules.ts';
import { luhn } from '../../../src/card/luhn.ts';
import { checkPan, lastFour, maxLengthFor, panCompletion } from '../../../src/card/pan.ts';
import { cardTable } from '../../support/card-table.ts';
import { cardOf } from '../../support/payment-request.ts';
import { ascii } from './ascii.ts';

describe('the check digit', () => {
  it.each(
    cardTable([
      ['4242424242424242', true],
      ['4242424242424241', false],
      ['378282246310005', true],
      ['0', true],
      ['5', false],
      ['', false],
    ]),
  )('of %s: %s', (_title, valid, digits) => {
    expect(luhn(ascii(digits))).toBe(valid);
  });

  it('finds every single wrong digit', () => {
    const digit = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(
        fc.array(digit, { minLength: 11, maxLength: 18 }),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        (body, at, by) => {
          const valid = [...Array(10).keys()]
            .map((check) => [...body, check])
            .filter((pan) => luhn(ascii(pan.join(''))));
          expect(valid).toHaveLength(1);
          const wrong = [...(valid[0] ?? [])];
          const index = at % wrong.length;
          wrong[index] = ((wrong[index] ?? 0) + by) % 10;
          expect(luhn(ascii(wrong.join('')))).toBe(false);
        },
      ),
    );
  });
});

describe('the judgement of a card number', () => {
  const allowed = kBrandIds.filter((brand) => !['solo', 'switch', 'laser', 'discover'].includes(brand));

  it.each(
    cardTable([
      ['4242424242424242', { kind: 'ok', brand: 'visa' }],
      ['5555555555554444', { kind: 'ok', brand: 'mastercard' }],
      ['2223003122003222', { kind: 'ok', brand: 'mastercard' }],
      ['378282246310005', { kind: 'ok', brand: 'amex' }],
      ['36227206271667', { kind: 'ok', brand: 'diners' }],
      ['3566002020360505', { kind: 'ok', brand: 'jcb' }],
      ['6200000000000005', { kind: 'ok', brand: 'unionpay' }],
      ['6759649826438453', { kind: 'ok', brand: 'maestro' }],
      ['5066991111111118', { kind: 'ok', brand: 'elo' }],
      ['2200770212727079', { kind: 'ok', brand: 'mir' }],
      ['9792030394440796', { kind: 'ok', brand: 'troy' }],
      ['6370950000000005', { kind: 'ok', brand: 'hiper' }],
      ['4222222222222', { kind: 'ok', brand: 'visa' }],
      ['4000000000000002', { kind: 'ok', brand: 'visa' }],
      ['4000000000009995', { kind: 'ok', brand: 'visa' }],
      ['4000000000000069', { kind: 'ok', brand: 'visa' }],
      ['4000000000000127', { kind: 'ok', brand: 'visa' }],
      ['4000000000009987', { kind: 'ok', brand: 'visa' }],
      ['4000000000009979', { kind: 'ok', brand: 'visa' }],
      ['4100000000000019', { kind: 'ok', brand: 'visa' }],
      ['4000002760003184', { kind: 'ok', brand: 'visa' }],
      ['4000000000000119', { kind: 'ok', brand: 'visa' }],
      ['4000000000000804', { kind: 'ok', brand: 'visa' }],
      ['4000000000000812', { kind: 'ok', brand: 'visa' }],
      ['4000000000000820', { kind: 'ok', brand: 'visa' }],
      ['4000000000000838', { kind: 'ok', brand: 'visa' }],
      ['4000000000000846', { kind: 'ok', brand: 'visa' }],
      ['6011111111111117', { kind: 'brand_not_allowed', brand: 'discover' }],
      ['4242424242424241', { kind: 'bad_luhn' }],
      ['6011111111111111', { kind: 'bad_luhn' }],
      ['6200000000000006', { kind: 'ok', brand: 'unionpay' }],
      ['42424242424242', { kind: 'too_short' }],
      ['42424242424242424', { kind: 'too_short' }],
      ['55555555555544440', { kind: 'too_long' }],
      ['3782822463100055', { kind: 'too_long' }],
      ['6900000000000000', { kind: 'bad_luhn' }],
      ['6900000000000008', { kind: 'unknown_brand' }],
      ['69', { kind: 'too_short' }],
      ['', { kind: 'too_short' }],
    ]),
  )('%s: %o', (_title, verdict, pan) => {
    expect(checkPan(cardOf({ pan }), allowed)).toEqual(verdict);
  });

  it('takes a 15- or 16-digit legacy JCB and a 19-digit Hipercard', () => {
    expect(checkPan(cardOf({ pan: '3088000000000017' }), allowed)).toEqual({ kind: 'ok', brand: 'jcb' });
    expect(maxLengthFor(ascii('1800'))).toBe(16);
    expect(maxLengthFor(ascii('384100'))).toBe(19);
    expect(checkPan(cardOf({ pan: '384100000000' }), allowed)).toEqual({ kind: 'too_short' });
  });
});

describe('the end of an entry', () => {
  it.each(
    cardTable([
      ['5555555555554444', 'complete'],
      ['378282246310005', 'complete'],
      ['5555555555554440', 'incomplete'],
      ['555555555555444', 'incomplete'],
      ['4242424242424242', 'wait'],
      ['4242424242424241', 'incomplete'],
      ['4222222222222', 'wait'],
      ['36227206271667', 'wait'],
      ['6200000000000005', 'wait'],
      ['6200000000000006', 'incomplete'],
      ['5895620000000001', 'complete'],
      ['6900000000000008', 'incomplete'],
      ['', 'incomplete'],
    ]),
  )('%s is %s', (_title, completion, digits) => {
    expect(panCompletion(ascii(digits))).toBe(completion);
  });

  it.each([
    ['', 19],
    ['4', 19],
    ['37', 15],
    ['55', 16],
    ['62', 19],
    ['69', 19],
    ['401178', 16],
  ])('%s… has at most %i digits', (digits, most) => {
    expect(maxLengthFor(ascii(digits))).toBe(most);
  });
});

describe('the last four digits', () => {
  it('are all that is shown', () => {
    expect(lastFour(cardOf({ pan: '378282246310005' }))).toBe('0005');
  });

  it('are not shown of what is too short to be a card number', () => {
    expect(lastFour(cardOf({ pan: '42424242424' }))).toBe('');
  });
});

it('has ascending lengths within 12 to 19 for every brand', () => {
  for (const brand of kBrandIds) {
    const { lengths } = kBrandRules[brand];
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect([Math.min(...lengths) >= 12, Math.max(...lengths) <= 19]).toEqual([true, true]);
  }
});
