import { expect, it } from 'vitest';
import { AmountKeys } from '../../../src/dialog/amount-keys.ts';

function keysOf(text: string): AmountKeys {
  const keys = new AmountKeys();
  for (const key of text) {
    if (key === '*') keys.decimal();
    else keys.append(Number(key));
  }
  return keys;
}

it.each<[keys: string, exponent: number, entry: 'star' | 'implied', minor: number | null]>([
  ['25', 2, 'star', 2500],
  ['25*', 2, 'star', 2500],
  ['25*50', 2, 'star', 2550],
  ['25*5', 2, 'star', null],
  ['25*505', 2, 'star', null],
  ['*50', 2, 'star', 50],
  ['0*05', 2, 'star', 5],
  ['0', 2, 'star', 0],
  ['', 2, 'star', null],
  ['*', 2, 'star', null],
  ['12345678', 2, 'star', 1_234_567_800],
  ['25', 0, 'star', 25],
  ['1*234', 3, 'star', 1234],
  ['1*23', 3, 'star', null],
  ['2550', 2, 'implied', 2550],
  ['7', 2, 'implied', 7],
])('%s with %i decimals (%s) is %s', (text, exponent, entry, minor) => {
  expect(keysOf(text).minor(exponent, entry)).toBe(minor);
});

it('knows one decimal point', () => {
  const keys = keysOf('1');
  expect([keys.decimal(), keys.decimal()]).toEqual([true, false]);
});

it('forgets digits and point', () => {
  const keys = keysOf('1*5');
  keys.clear();
  expect([keys.length, keys.minor(2, 'star')]).toEqual([0, null]);
  keys.append(3);
  expect(keys.minor(2, 'star')).toBe(300);
});

it('takes no more digits than a number can hold', () => {
  expect(keysOf('1234567890123456').length).toBe(15);
});
