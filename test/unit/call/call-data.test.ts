import { describe, expect, it } from 'vitest';
import { readCallData } from '../../../src/call/call-data.ts';
import { fakeIncomingCall, kLabTrunk } from '../../support/fake-signaling.ts';

function read(
  headers: Record<string, string>,
  requestUri = 'sip:pay@127.0.0.1',
  maySetAmounts = true,
  mayBeReferred = true,
) {
  return readCallData(
    fakeIncomingCall({ headers, requestUri, trunk: { ...kLabTrunk, maySetAmounts, mayBeReferred } }),
    'USD',
  );
}

function uui(text: string): string {
  return `${Buffer.from(text).toString('hex')};encoding=hex`;
}

describe('call data', () => {
  it('of a trunk that may not be referred names no way back', () => {
    const { data, problems } = read({ 'X-Pay-Return-Uri': 'sip:desk@pbx' }, undefined, true, false);
    expect(data.returnUri).toBeNull();
    expect(problems).toEqual([
      'X-Pay-Return-Uri is ignored: trunk "lab" may not be referred (mayBeReferred)',
    ]);
  });

  it('is read from X-Pay headers', () => {
    const { data, problems } = read({
      'X-Pay-Customer-Id': 'C-1',
      'X-Pay-Amount': '"50.25"',
      'X-Pay-Currency': 'gbp',
      'X-Pay-Reference': 'INV 7',
      'X-Pay-Merchant-Id': 'M1',
      'X-Pay-Identified': 'True',
      'X-Pay-Return-Uri': '<sip:ivr@pbx.example:5070;transport=tcp>',
    });
    expect(problems).toEqual([]);
    expect(data).toEqual({
      customerId: 'C-1',
      merchantId: 'M1',
      reference: 'INV 7',
      currency: 'GBP',
      amount: { minor: 5025, currency: 'GBP', exponent: 2 },
      identified: 'true',
      operation: null,
      returnUri: 'sip:ivr@pbx.example:5070;transport=tcp',
    });
  });

  it('is read from User-to-User in hex', () => {
    const { data } = read({ 'User-to-User': uui('customer-id=C-2;amount=12;reference=R') });
    expect(data).toMatchObject({
      customerId: 'C-2',
      reference: 'R',
      amount: { minor: 1200, currency: 'USD' },
    });
  });

  it('is read from parameters and headers of the request URI', () => {
    const { data } = read({}, 'sip:pay@127.0.0.1;customer-id=C%203;transport=udp?X-Pay-Amount=7.50');
    expect(data).toMatchObject({ customerId: 'C 3', amount: { minor: 750 } });
  });

  it('takes each value from the first place that names it: headers, then User-to-User, then the URI', () => {
    const { data } = read(
      { 'X-Pay-Amount': '1', 'User-to-User': uui('amount=2;reference=uui') },
      'sip:pay@127.0.0.1;amount=3;reference=uri;customer-id=uri',
    );
    expect(data).toMatchObject({ amount: { minor: 100 }, reference: 'uui', customerId: 'uri' });
  });

  it('ignores an amount from a trunk that may not set amounts, and says so', () => {
    const { data, problems } = read({ 'X-Pay-Amount': '50.25' }, 'sip:pay@127.0.0.1', false);
    expect(data.amount).toBeNull();
    expect(problems).toEqual(['X-Pay-Amount is ignored: trunk "lab" may not set amounts (maySetAmounts)']);
  });

  it.each(['-5', '0', '0.00', '1,50', '1.234', '1e3', 'abc', '', '99999999999'])(
    'refuses "%s" as an amount in USD',
    (amount) => {
      expect(read({ 'X-Pay-Amount': amount }).data.amount).toBeNull();
    },
  );

  it('knows currencies with no and with three decimals', () => {
    expect(read({ 'X-Pay-Amount': '500', 'X-Pay-Currency': 'JPY' }).data.amount?.minor).toBe(500);
    expect(read({ 'X-Pay-Amount': '1.5', 'X-Pay-Currency': 'KWD' }).data.amount?.minor).toBe(1500);
    expect(read({ 'X-Pay-Amount': '1.5', 'X-Pay-Currency': 'JPY' }).data.amount).toBeNull();
  });

  it.each(['sip:a@b>;x=<sip:c', 'sip:a@b?Replaces=1', 'http://a', 'sip:a b@c', '"x" <sip:a@b>'])(
    'refuses "%s" as return URI',
    (uri) => {
      const { data, problems } = read({ 'X-Pay-Return-Uri': uri });
      expect(data.returnUri).toBeNull();
      expect(problems).toHaveLength(1);
    },
  );

  it('passes over User-to-User of another encoding', () => {
    expect(read({ 'User-to-User': 'amount=2;encoding=ascii' }).data.amount).toBeNull();
  });
});
