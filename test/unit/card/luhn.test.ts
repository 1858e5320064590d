import { describe, expect, it } from 'vitest';
import { luhn, luhnInText } from '../../../src/card/luhn.ts';

/** Seeded, so that a failure comes again. */
function digitsOf(count: number, seed: number): string {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % 10;
  }).join('');
}

describe('the check digit', () => {
  it('is the same in bytes, in text, and in every stretch of a longer text', () => {
    const digits = digitsOf(400, 7);
    const verdicts = new Set<boolean>();
    for (let length = 1; length <= 19; length++) {
      for (let start = 0; start + length <= digits.length; start++) {
        const text = digits.slice(start, start + length);
        const isZeros = /^0+$/.test(text);
        const isValid = luhn(Buffer.from(text)) && !isZeros;
        verdicts.add(isValid);
        expect([text, luhnInText(text), luhnInText(digits, start, start + length)]).toEqual([
          text,
          isValid,
          isValid,
        ]);
      }
    }
    expect(verdicts).toEqual(new Set([true, false]));
  });

  it('is no check of nothing, nor of zeros in text', () => {
    expect(luhn(Buffer.alloc(0))).toBe(false);
    expect(luhn(Buffer.from('000'))).toBe(true);
    expect([luhnInText(''), luhnInText('000')]).toEqual([false, false]);
  });
});
