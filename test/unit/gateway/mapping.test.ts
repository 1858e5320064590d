// biome-ignore-all lint/suspicious/noTemplateCurlyInString: slots are written like that
import { describe, expect, it } from 'vitest';
import { mappedDialect } from '../../../src/gateway/mapping.ts';
import { templateOf } from '../../../src/gateway/mapping-template.ts';
import { renderBody } from '../../../src/gateway/secret-body.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kRule = { when: { status: [200] }, outcome: 'approved', transactionId: '/id' };
const kSubmit = { body: '{}', rules: [kRule] };

describe('a mapping', () => {
  it.each([
    ['nothing', null, ''],
    ['no rules', { submit: { ...kSubmit, rules: [] } }, 'submit.rules'],
    [
      'a path that is none',
      { submit: { ...kSubmit, rules: [{ ...kRule, transactionId: 'id' }] } },
      'submit.rules.0.transactionId',
    ],
    [
      'an outcome that is none',
      { submit: { ...kSubmit, rules: [{ ...kRule, outcome: 'paid' }] } },
      'submit.rules.0.outcome',
    ],
    ['an unknown key', { submit: kSubmit, refund: kSubmit }, ''],
    [
      'an unknown slot',
      { submit: { ...kSubmit, body: '${card.name}' } },
      'submit.body: no slot is called card.name',
    ],
    [
      'a card in a path',
      { submit: { ...kSubmit, path: '/${card.number}' } },
      'submit.path: card.number belongs into the body',
    ],
    [
      'a card in a header',
      { submit: { ...kSubmit, headers: { 'x-pan': '${card.number}' } } },
      'submit.headers.x-pan',
    ],
    [
      'a card in a look-up',
      { submit: kSubmit, query: { body: '${card.number}', rules: [{ ...kRule }] } },
      'query.body',
    ],
    [
      'nothing to reverse that a proxy can say',
      { submit: kSubmit, reverse: { rules: [{ when: { status: [404] }, outcome: 'nothing_to_reverse' }] } },
      'reverse.rules.0: nothing_to_reverse needs',
    ],
    [
      'a header with a break in its name',
      { submit: { ...kSubmit, headers: { 'x\r\ny': '1' } } },
      'submit.headers',
    ],
  ])('is refused with %s', (_title, mapping, place) => {
    expect(() => mappedDialect('rest', mapping, null)).toThrow(`gateway.mappingFile: ${place}`);
  });

  it.each([{ status: [404] }, { status: [404], path: '/error' }, { path: '/id', absent: true }])(
    'is refused with an absence that a proxy can say: %j',
    (when) => {
      const mapping = { submit: kSubmit, query: { rules: [{ when, outcome: 'not_found' }] } };
      expect(() => mappedDialect('rest', mapping, null)).toThrow(
        'gateway.mappingFile: query.rules.0: not_found needs',
      );
    },
  );

  it('says what it can do by what is in it', () => {
    expect(mappedDialect('rest', { submit: kSubmit }, null)).toMatchObject({
      idempotency: 'none',
      capabilities: { lookUp: 'none', reversal: 'none' },
    });
  });

  it.each([
    ['application/json', 'a"b\\\n&<Ü', '"a\\"b\\\\\\n&<Ü"'],
    ['application/xml', 'a"b&<', '"a&quot;b&amp;&lt;"'],
    ['application/x-www-form-urlencoded', 'a b&c=d', '"a%20b%26c%3Dd"'],
    ['header', 'a\r\nx: Ü', '"a__x: _"'],
  ])('escapes as %s wants it', (kind, reference, expected) => {
    const template = templateOf('"${reference}"', kind, false);
    expect(typeof template === 'string' ? template : template(requestOf({ reference }), null).join('')).toBe(
      expected,
    );
  });

  it('leaves out what has nothing in it', () => {
    const template = templateOf(
      '{"a":1<<,"cvv":"${card.securityCode}">><<,"ref":"${reference}">>}',
      'application/json',
      true,
    );
    if (typeof template === 'string') throw new Error(template);
    const body = (cvv: string, reference: string | null) => {
      const card = cardOf({ pan: '4242424242424242', cvv });
      return renderBody(template(requestOf({ reference }), card), card).toString();
    };
    expect(body('123', 'R')).toBe('{"a":1,"cvv":"123","ref":"R"}');
    expect(body('', null)).toBe('{"a":1}');
  });

  it('writes the card from its digits, every form of the date', () => {
    const template = templateOf(
      '${card.number} ${card.expiryMonthShort}/${card.expiryYearShort} ${card.expiryMonth}-${card.expiryYear} ${card.securityCode}${card.postalCode}',
      'x',
      true,
    );
    if (typeof template === 'string') throw new Error(template);
    const card = cardOf({ pan: '4242424242424242' });
    const segments = template(requestOf(), card);
    expect(segments.filter((segment) => typeof segment === 'string').join('')).not.toMatch(/42|123/);
    expect(renderBody(segments, card).toString()).toBe('4242424242424242 3/30 03-2030 123');
  });
});
