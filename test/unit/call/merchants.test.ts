import { describe, expect, it } from 'vitest';
import { type Merchant, Merchants, type TrunkTerms } from '../../../src/call/merchants.ts';
import { money } from '../../../src/money/money.ts';
import { orderOf, policyOf } from '../../support/dialog.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakePayments } from '../../support/fake-payments.ts';
import { FakePrompts } from '../../support/fake-prompts.ts';
import { requestOf } from '../../support/payment-request.ts';

function merchant(id: string | null, changes: Partial<Merchant> = {}): Merchant {
  return {
    id,
    dialled: [],
    currency: 'USD',
    locale: 'en-US',
    policy: policyOf({ amount: { currency: 'USD', min: 100, max: 50_000 } }),
    prompts: new FakePrompts(),
    payments: new FakePayments(),
    gateway: { name: `gateway of ${id}`, isUp: () => true },
    ...changes,
  };
}

const kOpen: TrunkTerms = { name: 'open', merchants: [], limits: { largestAmount: null } };
const kAnybody = merchant(null);
const kShoes = merchant('shoes', { dialled: ['+4420*'] });
const kTickets = merchant('tickets', { dialled: ['+44207', 'tickets'] });

function book(trunks: readonly TrunkTerms[] = [kOpen], spent = 0, merchants = [kShoes, kTickets]): Merchants {
  return new Merchants(kAnybody, merchants, trunks, { spentBy: () => spent }, new FakeClock());
}

describe('whom a call pays', () => {
  const call = { merchantId: null, dialled: 'pay', trunk: 'open' };

  it.each([
    ['whom it names', { ...call, merchantId: 'tickets', dialled: '+4420' }, kTickets],
    ['whose number it called', { ...call, dialled: '+44207' }, kTickets],
    ['whose range of numbers it called', { ...call, dialled: '+44208' }, kShoes],
    ['nobody in particular', call, kAnybody],
    ['nobody, as it names one there is not', { ...call, merchantId: 'hats' }, undefined],
  ])('is %s', (_title, asked, expected) => {
    expect(book().find(asked)).toBe(expected);
  });

  it('is bounded by its trunk, which may have one of them alone', () => {
    const trunks = [
      { ...kOpen, name: 'one', merchants: ['shoes'] },
      { ...kOpen, name: 'two', merchants: ['shoes', 'hats'] },
    ];
    const find = (merchantId: string | null, trunk: string) =>
      book(trunks).find({ ...call, merchantId, trunk });
    expect(find(null, 'one')).toBe(kShoes);
    expect(find('tickets', 'one')).toBeUndefined();
    expect(find(null, 'two')).toBeUndefined();
    expect(find('shoes', 'two')).toBe(kShoes);
  });

  it('is whoever it says where no merchants are configured: the gateway may know the name', () => {
    expect(book([kOpen], 0, []).find({ ...call, merchantId: 'hats' })).toBe(kAnybody);
  });

  it('has numbers of its own, beside the one of everybody', () => {
    expect(['+44209', 'tickets', 'pay', '+1'].map((number) => book().areDialled(number))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('the largest amount', () => {
  const order = orderOf({ merchantId: 'shoes', currency: 'USD' });
  const limited = (perCustomer: number | null, largestAmount: string | null, spent: number) => {
    const amount = { currency: 'USD', min: 100, max: 50_000, perCustomer, perCustomerMs: 60_000 };
    const shoes = merchant('shoes', { policy: policyOf({ amount }) });
    return book([{ ...kOpen, limits: { largestAmount } }], spent, [shoes]);
  };

  it.each([
    ['the merchant’s', null, null, 0, 50_000],
    ['the trunk’s', null, '120.50', 0, 12_050],
    ['what the customer has left', 20_000, '300', 15_000, 5_000],
    ['nothing, when the customer has spent it', 20_000, null, 20_500, 0],
  ] as const)('is %s', (_title, perCustomer, largest, spent, expected) => {
    const terms = limited(perCustomer, largest, spent).termsOf(order, 'open');
    expect(terms?.policy.amount.max).toBe(expected);
  });

  it('of a customer is looked at again when the card is sent', () => {
    const request = requestOf({ merchantId: 'shoes', amount: money(5_001, 'USD') });
    expect(limited(20_000, null, 15_000).mayCharge(request)).toBe(false);
    expect(limited(20_000, null, 14_999).mayCharge(request)).toBe(true);
    expect(limited(20_000, null, 99_999).mayCharge({ ...request, customerId: null })).toBe(true);
    expect(limited(null, null, 99_999).mayCharge(request)).toBe(true);
  });
});
