import { describe, expect, it } from 'vitest';
import { checkExpiry, checkStart } from '../../../src/card/card-dates.ts';
import { CardSecret } from '../../../src/card/card-secret.ts';
import { cardOf } from '../../support/payment-request.ts';
import { ascii } from './ascii.ts';

const kNow = '2026-11-21T12:00:00Z';

function expiry(keys: string, now = kNow): string {
  return checkExpiry(cardOf({ pan: '4242424242424242', expiry: keys }), new Date(now));
}

function start(keys: string, now = kNow): string {
  const card = new CardSecret();
  for (const key of keys) card.append('start', Number(key));
  return checkStart(card, new Date(now));
}

describe('an expiry date', () => {
  it.each([
    ['1126', 'ok'],
    ['1026', 'past'],
    ['1226', 'ok'],
    ['0127', 'ok'],
    ['327', 'ok'],
    ['1146', 'ok'],
    ['1246', 'invalid'],
    ['1125', 'past'],
    ['0000', 'invalid'],
    ['0030', 'invalid'],
    ['1330', 'invalid'],
    ['030', 'invalid'],
    ['12', 'invalid'],
    ['', 'invalid'],
    ['1299', 'past'],
  ])('%s is %s in November 2026', (keys, verdict) => {
    expect(expiry(keys)).toBe(verdict);
  });

  it.each([
    ['2026-12-01T11:59:59Z', 'ok'],
    ['2026-12-01T12:00:00Z', 'past'],
    ['2026-11-01T00:00:00Z', 'ok'],
  ])('is good to the end of its month anywhere on earth: at %s it is %s', (now, verdict) => {
    expect(expiry('1126', now)).toBe(verdict);
  });

  it('goes past the turn of a century', () => {
    expect([expiry('0105', '2090-06-01T00:00:00Z'), expiry('0189', '2090-06-01T00:00:00Z')]).toEqual([
      'ok',
      'past',
    ]);
  });

  it('keyed as three digits stands as four afterwards', () => {
    const card = cardOf({ pan: '4242424242424242', expiry: '330' });
    expect(checkExpiry(card, new Date(kNow))).toBe('ok');
    expect(card.lend('expiry', (digits) => Buffer.compare(digits, ascii('0330')))).toBe(0);
    expect(checkExpiry(card, new Date(kNow))).toBe('ok');
  });
});

describe('a start date', () => {
  it.each([
    ['', 'ok'],
    ['1126', 'ok'],
    ['1226', 'invalid'],
    ['198', 'ok'],
    ['1318', 'invalid'],
    ['11', 'invalid'],
  ])('%s is %s in November 2026', (keys, verdict) => {
    expect(start(keys)).toBe(verdict);
  });

  it('may have begun already where it is tomorrow', () => {
    expect([start('1226', '2026-11-30T11:59:59Z'), start('1226', '2026-11-30T12:00:00Z')]).toEqual([
      'invalid',
      'ok',
    ]);
  });
});
