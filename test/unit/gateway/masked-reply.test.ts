import { describe, expect, it } from 'vitest';
import { maskCard } from '../../../src/gateway/masked-reply.ts';

const kPan = '4242424242424242';

function written(form: (digit: string, index: number) => string): string {
  return [...kPan].map(form).join('');
}

describe('maskCard', () => {
  it.each([
    [`{"id":"${kPan}"}`, '{"id":"9999999999999999"}'],
    [`{"id":${kPan}}`, '{"id":9999999999999999}'],
    ['4242 4242 4242 4242', '9999 9999 9999 9999'],
    ['4242-4242-4242-4242', '9999-9999-9999-9999'],
    [`7${kPan}7`, '799999999999999997'],
    [`${kPan}42${kPan}`, `${'9'.repeat(32)}42`],
    ['4242  4242  4242  4242', '9999  9999  9999  9999'],
    ['4242   4242   4242   4242', '4242   4242   4242   4242'],
    ['id=4242+4242+4242+4242&x=1', 'id=9999+9999+9999+9999&x=1'],
    ['4242%204242%204242%204242', '9999%209999%209999%209999'],
    [written((digit) => `\\u003${digit}`), '\\u0039'.repeat(16)],
    [written((digit) => `%3${digit}`), '%39'.repeat(16)],
    [written((digit) => `&#5${Number(digit) - 2};`), '&#57;'.repeat(16)],
    [written((digit) => `&#x3${digit};`), '&#x39;'.repeat(16)],
    [written((digit) => `&#X003${digit};`), '&#X0039;'.repeat(16)],
    [written((digit, at) => (at % 2 === 0 ? digit : `\\u003${digit}`)), '9\\u0039'.repeat(8)],
    ['&#;&#52&#x;&#0000000000052;', '&#;&#52&#x;&#0000000000052;'],
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
