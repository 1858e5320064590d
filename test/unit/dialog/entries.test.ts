import { describe, expect, it } from 'vitest';
import { CardSecret, type SecretField } from '../../../src/card/card-secret.ts';
import { Entries } from '../../../src/dialog/entries.ts';
import type { DialogEvent } from '../../../src/dialog/events.ts';
import type { CardFacts } from '../../../src/dialog/states.ts';
import type { CollectSpec } from '../../../src/dtmf/collector.ts';
import { Keypad } from '../../../src/dtmf/keypad.ts';
import type { Key } from '../../../src/ports/media.ts';
import { cardTable } from '../../support/card-table.ts';
import { kAmex, kMastercard, kVisa, policyOf } from '../../support/dialog.ts';
import { contextOf } from '../../support/dialog-walk.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kSpec: CollectSpec = {
  minDigits: 1,
  maxDigits: 19,
  firstDigitMs: 8000,
  interDigitMs: 5000,
  soonMs: 3000,
  star: 'restart',
};
const kVisaFacts: CardFacts = { brand: 'visa', last4: '4242', plan: [] };

/** Entries of a caller whose cards may be Visa, Mastercard or Amex, on 21 November 2026. */
function entriesOf() {
  const clock = new FakeClock();
  const card = new CardSecret();
  const events: DialogEvent[] = [];
  const quiet = { onPress: () => undefined, onStray: () => undefined, onDoubleStar: () => undefined };
  const keypad = new Keypad(clock, 1200, quiet);
  const policy = policyOf({ cards: { allowed: ['visa', 'mastercard', 'amex'] } });
  const onEvent = (event: DialogEvent) => void events.push(event);
  const entries = new Entries({ context: contextOf({ policy }), card, keypad, clock, onEvent });
  const press = (keys: string) => {
    for (const key of keys) {
      keypad.report({ key: '0123456789*#'.indexOf(key) as Key, carrier: 'event', onsetMs: clock.now() });
    }
  };
  return { entries, card, events, press };
}

describe('a card number', () => {
  const verdictOn = (pan: string) => {
    const { entries, card } = entriesOf();
    for (const digit of pan) card.append('pan', Number(digit));
    return entries.checkPan();
  };

  it.each(
    cardTable([
      [kVisa, 'visa', '4242'],
      [kMastercard, 'mastercard', '4444'],
      [kAmex, 'amex', '0005'],
    ]),
  )('%s is accepted with brand and last four', (_title, brand, last4, pan) => {
    expect(verdictOn(pan)).toMatchObject({ kind: 'accepted', brand, last4 });
  });

  it.each(
    cardTable([
      ['4242424242424241', 'invalid'], // check digit
      ['37828224631000512', 'invalid'], // too long for an Amex
      ['4242424242', 'short'],
      ['6011111111111117', 'not_accepted'], // Discover
      ['9999999999999995', 'not_accepted'], // no brand, though the check digit holds
    ]),
  )('%s is refused: %s', (_title, reason, pan) => {
    expect(verdictOn(pan)).toEqual({ kind: 'refused', reason });
  });

  it('is refused at once, or after its second decline, for this session only', () => {
    const { entries, card } = entriesOf();
    for (const digit of kVisa) card.append('pan', Number(digit));
    entries.refused.add(card, 'second_decline');
    expect(entries.checkPan().kind).toBe('accepted');
    entries.refused.add(card, 'second_decline');
    expect(entries.checkPan()).toEqual({ kind: 'refused', reason: 'use_other' });
    expect(verdictOn(kVisa).kind).toBe('accepted');
    card.clear('pan');
    for (const digit of kAmex) card.append('pan', Number(digit));
    entries.refused.add(card, 'now');
    expect(entries.checkPan()).toEqual({ kind: 'refused', reason: 'use_other' });
  });
});

describe('what was keyed', () => {
  it.each<[SecretField, string, DialogEvent]>([
    ['expiry', '1126#', { type: 'fieldKeyed', field: 'expiry', verdict: 'ok' }],
    ['expiry', '330#', { type: 'fieldKeyed', field: 'expiry', verdict: 'ok' }], // 0330
    ['expiry', '1026#', { type: 'fieldKeyed', field: 'expiry', verdict: 'past' }],
    ['expiry', '1330#', { type: 'fieldKeyed', field: 'expiry', verdict: 'invalid' }],
    ['start', '0120#', { type: 'fieldKeyed', field: 'start', verdict: 'ok' }],
    ['start', '1226#', { type: 'fieldKeyed', field: 'start', verdict: 'invalid' }],
    ['issue', '12#', { type: 'fieldKeyed', field: 'issue', verdict: 'ok' }],
    ['cvv', '123#', { type: 'fieldKeyed', field: 'cvv', verdict: 'ok' }],
    ['cvv', '1234#', { type: 'fieldKeyed', field: 'cvv', verdict: 'invalid' }],
    ['postal', '90210#', { type: 'fieldKeyed', field: 'postal', verdict: 'ok' }],
    ['postal', '90#', { type: 'fieldKeyed', field: 'postal', verdict: 'invalid' }],
    ['cvv', '#', { type: 'noInput', skip: true }],
    ['cvv', '1*', { type: 'restarted' }],
  ])('into %s as %s', (field, keys, event) => {
    const { entries, events, press } = entriesOf();
    entries.open(field, kSpec, kVisaFacts);
    press(keys);
    expect(events).toEqual([event]);
  });

  it('into pan with a whole number is that', () => {
    const { entries, events, press } = entriesOf();
    entries.open('pan', kSpec, kVisaFacts);
    press(`${kVisa}#`);
    expect(events).toEqual([{ type: 'panKeyed' }]);
  });

  it.each([
    ['menu', '7', { ...kSpec, maxDigits: 1 }, { type: 'choice', key: 7 }],
    ['menu', '#', { ...kSpec, maxDigits: 1 }, { type: 'noInput', skip: true }],
    ['amount', '25*50#', { ...kSpec, star: 'decimal' }, { type: 'amountKeyed', minor: 2550 }],
    ['amount', '25*5#', { ...kSpec, star: 'decimal' }, { type: 'amountKeyed', minor: null }],
  ] as const)('into a %s as %s', (target, keys, spec, event) => {
    const { entries, events, press } = entriesOf();
    entries.open(target, spec, null);
    press(keys);
    expect(events).toEqual([event]);
  });

  it('as too few digits is too short', () => {
    const { entries, events, press } = entriesOf();
    entries.open('cvv', { ...kSpec, minDigits: 3 }, kVisaFacts);
    press('12#');
    expect(events).toEqual([{ type: 'tooShort' }]);
  });

  it('ahead of the question answers it at once', () => {
    const { entries, press } = entriesOf();
    press('123');
    expect(entries.open('cvv', { ...kSpec, maxDigits: 3 }, kVisaFacts)).toBe(true);
    expect(entries.open('postal', kSpec, kVisaFacts)).toBe(false);
  });

  it('goes nowhere once the entry is closed', () => {
    const { entries, card, events, press } = entriesOf();
    entries.open('pan', kSpec, null);
    entries.close();
    press('42#');
    expect([card.length('pan'), events]).toEqual([0, []]);
  });
});
