import { expect, it } from 'vitest';
import { saleSegments } from '../../../src/gateway/rest-body.ts';
import { renderBody } from '../../../src/gateway/secret-body.ts';
import { readPrefix, readSale } from '../../../src/gateway/simulator-request.ts';
import { money } from '../../../src/money/money.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kKeyed = { pan: '4242424242424242', expiry: '0731', cvv: '987' };

function bodyOf(reference: string): Buffer {
  const card = cardOf(kKeyed);
  return renderBody(saleSegments(requestOf({ reference, idempotencyKey: 'K1' }), card), card);
}

it('moves the card out of the body, whatever the other fields say', () => {
  const body = bodyOf('"number":"1","securityCode":"2"');
  const sale = readSale(body, 'K1');
  if ('wrong' in sale) throw new Error(sale.wrong);
  expect(sale.ref).toEqual({
    paymentRef: 'R4K7Z2M9QX3TB8VA',
    attempt: 1,
    idempotencyKey: 'K1',
    amount: money(1050, 'EUR'),
    operation: 'sale',
  });
  for (const [field, digits] of [
    ['pan', kKeyed.pan],
    ['expiry', kKeyed.expiry],
    ['cvv', kKeyed.cvv],
  ] as const) {
    expect(sale.card.lend(field, (bytes) => Buffer.from(bytes).toString())).toBe(digits);
  }
  const rest = JSON.parse(body.toString());
  expect(rest.card).toMatchObject({
    number: '0'.repeat(16),
    expiryMonth: '00',
    expiryYear: '0000',
    securityCode: '000',
  });
  expect(rest.reference).toBe('"number":"1","securityCode":"2"');
});

it.each(['', '{', '{"number":', '{"number":"42', '"number"', '{"card":{"number":42}}', '\u0000'])(
  'survives %j',
  (text) => {
    expect(readSale(Buffer.from(text), 'K1')).toEqual({ wrong: expect.any(String) });
    expect(readPrefix(Buffer.from(text))).toBeUndefined();
  },
);
