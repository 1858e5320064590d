import { describe, expect, it } from 'vitest';
import { cleanId, cleanText, maskCard } from '../../../src/gateway/reply-text.ts';

const kPan = '4242424242424242';

describe('maskCard', () => {
  it.each([
    [`{"id":"${kPan}"}`, '{"id":"9999999999999999"}'],
    [`{"id":${kPan}}`, '{"id":9999999999999999}'],
    ['4242 4242 4242 4242', '9999 9999 9999 9999'],
    ['4242-4242-4242-4242', '9999-9999-9999-9999'],
    [`7${kPan}7`, '799999999999999997'],
    [`${kPan}42${kPan}`, `${'9'.repeat(32)}42`],
    ['4242  4242  4242  4242', '4242  4242  4242  4242'],
    ['424242424242424', '424242424242424'],
    ['', ''],
  ])('%j becomes %j', (text, expected) => {
    const reply = Buffer.from(text);
    maskCard(reply, Buffer.from(kPan));
    expect(reply.toString()).toBe(expected);
  });

  it('leaves a reply alone when there is no card number', () => {
    const reply = Buffer.from('{"id":"1"}');
    maskCard(reply, Buffer.alloc(0));
    expect(reply.toString()).toBe('{"id":"1"}');
  });
});

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
    ['declined by issuer', 'declined by issuer'],
    [`card ${kPan}`, /^card [^0-9]+$/],
    ['card 4242 4242 4242 4242 cvv 123', /^card [^0-9]+ cvv \*\*\*$/],
    ['code 51 after 2 tries', 'code 51 after 2 tries'],
    ['two\nlines\u2028three\u0000\u202e', 'two lines three  '],
    ['x'.repeat(500), 'x'.repeat(120)],
  ])('%j', (text, expected) => {
    expect(cleanText(text)).toEqual(expected instanceof RegExp ? expect.stringMatching(expected) : expected);
  });
});
