import { describe, expect, it } from 'vitest';
import { cleanId, cleanText } from '../../../src/gateway/reply-text.ts';

const kPan = '4242424242424242';

describe('cleanId', () => {
  it.each([
    ['pi_3Nx-7:a/b=c+#.', 'pi_3Nx-7:a/b=c+#.'],
    ['  T-1 ', 'T-1'],
    ['a\r\nset-cookie: x', 'a__set-cookie:_x'],
    ['<script>', '_script_'],
    ['x'.repeat(65), 'x'.repeat(64)],
    ['', undefined],
    [' \t', undefined],
  ])('%j becomes %j', (text, expected) => {
    expect(cleanId(text, true)).toBe(expected);
  });

  it('masks a possible card unless the card is known and has been masked', () => {
    expect(cleanId(`T${kPan}`, true)).toBe(`T${kPan}`);
    expect(cleanId(`T${kPan}`, false)).not.toContain('4242');
  });
});

describe('cleanText', () => {
  it.each([
    ['keeps words', 'declined by issuer', 'declined by issuer'],
    ['masks a card number', `card ${kPan}`, /^card [^0-9]+$/],
    ['masks it with what follows', 'card 4242 4242 4242 4242 cvv 123', /^card [^0-9]+ cvv \*\*\*$/],
    ['keeps short numbers', 'code 51 after 2 tries', 'code 51 after 2 tries'],
    ['makes a line of it', 'two\nlines\u2028three\u0000\u202e', 'two lines three  '],
    ['shortens it', 'x'.repeat(500), 'x'.repeat(120)],
  ])('%s', (_title, text, expected) => {
    expect(cleanText(text)).toEqual(expected instanceof RegExp ? expect.stringMatching(expected) : expected);
  });
});
