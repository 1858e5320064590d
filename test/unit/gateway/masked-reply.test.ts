import { describe, expect, it } from 'vitest';
import { maskCard } from '../../../src/gateway/masked-reply.ts';

const kPan = '4242424242424242';

function written(form: (digit: string, index: number) => string): string {
  return [...kPan].map(form).join('');
}

describe('maskCard', () => {
  it.each([
    ['in a string of JSON', `{"id":"${kPan}"}`, '{"id":"9999999999999999"}'],
    ['as a number of JSON', `{"id":${kPan}}`, '{"id":9999999999999999}'],
    ['in groups', '4242 4242 4242 4242', '9999 9999 9999 9999'],
    ['in groups with hyphens', '4242-4242-4242-4242', '9999-9999-9999-9999'],
    ['between other digits', `7${kPan}7`, '799999999999999997'],
    ['where it stands twice', `${kPan}42${kPan}`, `${'9'.repeat(32)}42`],
    ['in groups two apart', '4242  4242  4242  4242', '9999  9999  9999  9999'],
    ['but not in groups three apart', '4242   4242   4242   4242', '4242   4242   4242   4242'],
    ['in groups of a form', 'id=4242+4242+4242+4242&x=1', 'id=9999+9999+9999+9999&x=1'],
    ['in groups of a URL', '4242%204242%204242%204242', '9999%209999%209999%209999'],
    ['as escapes of JSON', written((digit) => `\\u003${digit}`), '\\u0039'.repeat(16)],
    ['as escapes of a URL', written((digit) => `%3${digit}`), '%39'.repeat(16)],
    ['as decimal entities', written((digit) => `&#5${Number(digit) - 2};`), '&#57;'.repeat(16)],
    ['as hexadecimal entities', written((digit) => `&#x3${digit};`), '&#x39;'.repeat(16)],
    ['as entities with zeros', written((digit) => `&#X003${digit};`), '&#X0039;'.repeat(16)],
    [
      'with every other digit escaped',
      written((digit, at) => (at % 2 === 0 ? digit : `\\u003${digit}`)),
      '9\\u0039'.repeat(8),
    ],
    ['but not what is no entity', '&#;&#52&#x;&#0000000000052;', '&#;&#52&#x;&#0000000000052;'],
    ['but not a number that is shorter', '424242424242424', '424242424242424'],
    ['in nothing', '', ''],
  ])('finds the number %s', (_title, text, expected) => {
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
