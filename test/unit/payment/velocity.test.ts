import { beforeEach, describe, expect, it } from 'vitest';
import { type Payer, VelocityGuard } from '../../../src/payment/velocity.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { cardOf } from '../../support/payment-request.ts';

const kHour = 3_600_000;
const kLimits = {
  card: { declines: 2, windowMs: kHour },
  customer: { declines: 3, windowMs: kHour },
  caller: { declines: 4, windowMs: 2 * kHour },
};
const kPans = [
  '4242424242424242',
  '5555555555554444',
  '4000000000000002',
  '4000000000009995',
  '4000000000000069',
];

let clock: FakeClock;
let guard: VelocityGuard;

beforeEach(() => {
  clock = new FakeClock();
  guard = new VelocityGuard(kLimits, clock);
});

/** @returns whether it was sent, to be declined. */
function declined(payer: Payer, pan = kPans[0] ?? ''): boolean {
  const onDeclined = guard.admit(payer, cardOf({ pan }));
  onDeclined?.();
  return onDeclined !== undefined;
}

describe('limits against trying out cards', () => {
  it('stop a card that was declined too often, whoever tries it', () => {
    expect(declined({ customerId: 'A', from: '1' })).toBe(true);
    expect(declined({ customerId: 'B', from: '2' })).toBe(true);
    expect(declined({ customerId: 'C', from: '3' })).toBe(false);
    expect(guard.admits({ customerId: 'C', from: '3' })).toBe(true);
  });

  it('stop a customer and a caller who try many cards, before they are asked for one', () => {
    for (const [index, pan] of kPans.slice(0, 3).entries()) {
      expect(declined({ customerId: 'A', from: `${index}` }, pan)).toBe(true);
    }
    expect(guard.admits({ customerId: 'A', from: '9' })).toBe(false);
    expect(guard.admits({ customerId: 'B', from: '9' })).toBe(true);
    for (const [index, pan] of kPans.slice(0, 4).entries())
      declined({ customerId: `X${index}`, from: '8' }, pan);
    expect(guard.admits({ customerId: null, from: '8' })).toBe(false);
  });

  it('open again as the declines grow old', async () => {
    declined({ customerId: 'A', from: '1' });
    await clock.advance(kHour / 2);
    declined({ customerId: 'A', from: '1' });
    expect(declined({ customerId: 'A', from: '1' })).toBe(false);
    await clock.advance(kHour / 2);
    expect(declined({ customerId: 'A', from: '1' })).toBe(true);
    expect(declined({ customerId: 'A', from: '1' })).toBe(false);
  });

  it('count nobody for callers without a number, nor approvals', () => {
    for (const [index, pan] of kPans.entries()) declined({ customerId: `${index}`, from: 'anonymous' }, pan);
    expect(guard.admits({ customerId: null, from: 'Anonymous' })).toBe(true);
    for (let n = 0; n < 9; n++) guard.admit({ customerId: 'A', from: '1' }, cardOf({ pan: kPans[0] ?? '' }));
    expect(guard.admits({ customerId: 'A', from: '1' })).toBe(true);
  });

  it('count a decline that comes when the card is gone', () => {
    const card = cardOf({ pan: kPans[0] ?? '' });
    const onDeclined = guard.admit({ customerId: null, from: '1' }, card);
    card.wipe();
    onDeclined?.();
    expect(declined({ customerId: null, from: '2' })).toBe(true);
    expect(declined({ customerId: null, from: '3' })).toBe(false);
  });

  it('are off at 0', () => {
    const off = { declines: 0, windowMs: kHour };
    guard = new VelocityGuard({ card: off, customer: off, caller: off }, clock);
    for (let n = 0; n < 20; n++) expect(declined({ customerId: 'A', from: '1' })).toBe(true);
  });
});
