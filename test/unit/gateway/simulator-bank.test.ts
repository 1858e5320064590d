import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SimulatorBank } from '../../../src/gateway/simulator-bank.ts';
import { ruleFor } from '../../../src/gateway/simulator-cards.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kDeclinedByRule = { kind: 'decline', class: 'hard', code: 'not_a_test_card' };

describe('SimulatorBank', () => {
  it('forgets the oldest entries of a long ledger', () => {
    const bank = new SimulatorBank(new FakeClock(), { mostBookings: 3 });
    const card = cardOf({ pan: '4242424242424242' });
    for (let number = 1; number <= 5; number++) {
      bank.submit(requestOf({ paymentRef: `P${number}`, idempotencyKey: `K${number}` }), card);
    }
    expect(bank.ledger().map((entry) => entry.paymentRef)).toEqual(['P3', 'P4', 'P5']);
    expect(bank.query('P1', 1)).toBeUndefined();
    expect(bank.query('P5', 1)).toMatchObject({ outcome: 'approved' });
  });

  it('gives the same key the same transaction id and other keys others', () => {
    const card = cardOf({ pan: '4242424242424242' });
    const ids = ['K1', 'K1', 'K2'].map((idempotencyKey) => {
      const bank = new SimulatorBank(new FakeClock());
      bank.submit(requestOf({ idempotencyKey }), card);
      return bank.ledger()[0]?.transactionId;
    });
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
  });

  it.each([
    ['1126', 'approved'], // the month it is
    ['1026', 'declined'],
    ['1146', 'approved'], // 20 years
    ['1246', 'declined'],
    ['1330', 'declined'],
    ['0030', 'declined'],
  ])('judges the expiry date %s in November 2026: %s', (expiry, state) => {
    const bank = new SimulatorBank(new FakeClock());
    bank.submit(requestOf(), cardOf({ pan: '4242424242424242', expiry }));
    expect(bank.ledger()).toMatchObject([{ state }]);
  });
});

it('docs/test-cards.md names only cards the simulator knows, under their check digit', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/test-cards.md'), 'utf8');
  const numbers = text.match(/\b\d{12,19}\b/g) ?? [];
  expect(numbers.length).toBe(28);
  for (const pan of numbers.filter((number) => number !== '4242424242424241')) {
    expect(ruleFor(cardOf({ pan }), 1050), pan).not.toEqual(kDeclinedByRule);
  }
});
