import type { CardSecret } from '../card/card-secret.ts';
import type { DeclineClass } from '../ports/payment-gateway.ts';

/** What the simulator does with a card. `charged: false` lets the request vanish: a later look-up finds nothing. */
export type CardRule =
  | { readonly kind: 'approve' }
  /** Half of the amount, rounded up. */
  | { readonly kind: 'part' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'decline'; readonly class: DeclineClass; readonly code: string }
  | { readonly kind: 'transient' }
  | { readonly kind: 'silent'; readonly charged: boolean }
  | { readonly kind: 'reset' }
  | { readonly kind: 'garbage' };

const kApprove: CardRule = { kind: 'approve' };
const kNotATestCard: CardRule = { kind: 'decline', class: 'hard', code: 'not_a_test_card' };

// Published test numbers; no card was ever issued under them. Codes are ISO 8583 where one fits.
const kRules: readonly (readonly [number: Uint8Array, rule: CardRule])[] = [
  testCard('4242424242424242', kApprove), // Visa
  testCard('5555555555554444', kApprove), // Mastercard
  testCard('2223003122003222', kApprove), // Mastercard, 2-series
  testCard('378282246310005', kApprove), // American Express
  testCard('6011111111111117', kApprove), // Discover
  testCard('36227206271667', kApprove), // Diners
  testCard('3566002020360505', kApprove), // JCB
  testCard('6200000000000005', kApprove), // UnionPay
  testCard('6759649826438453', kApprove), // Maestro
  testCard('5066991111111118', kApprove), // Elo
  testCard('2200770212727079', kApprove), // Mir
  testCard('9792030394440796', kApprove), // Troy
  testCard('6370950000000005', kApprove), // Hiper
  testCard('4000000000000002', { kind: 'decline', class: 'soft', code: '05' }), // generic
  testCard('4000000000009995', { kind: 'decline', class: 'soft', code: '51' }), // insufficient funds
  testCard('4000000000000069', { kind: 'decline', class: 'reenter', code: '54' }), // expired
  testCard('4000000000000127', { kind: 'decline', class: 'reenter', code: 'N7' }), // security code
  testCard('4000000000009987', { kind: 'decline', class: 'hard', code: '41' }), // lost
  testCard('4000000000009979', { kind: 'decline', class: 'hard', code: '43' }), // stolen
  testCard('4100000000000019', { kind: 'decline', class: 'hard', code: '59' }), // fraud
  testCard('4000002760003184', { kind: 'decline', class: 'auth_required', code: '1A' }),
  testCard('4000000000000119', { kind: 'transient' }),
  testCard('4000000000000804', { kind: 'silent', charged: true }),
  testCard('4000000000000812', { kind: 'silent', charged: false }),
  testCard('4000000000000820', { kind: 'slow', delayMs: 6_000 }),
  testCard('4000000000000838', { kind: 'reset' }),
  testCard('4000000000000846', { kind: 'garbage' }),
];

// Last four digits of the amount in minor units, for cards that would be approved.
const kAmountRules: ReadonlyMap<number, CardRule> = new Map([
  [5105, { kind: 'decline', class: 'soft', code: '05' }],
  [5407, { kind: 'decline', class: 'reenter', code: 'N7' }],
  [4301, { kind: 'decline', class: 'hard', code: '43' }],
  [5310, { kind: 'part' }],
]);

/** The rule of a test card at an amount. Other numbers are declined: nobody's real card belongs here. */
export function ruleFor(card: CardSecret, amountMinor: number): CardRule {
  const rule = card.lend(
    'pan',
    (digits) => kRules.find(([number]) => sameBytes(number, digits))?.[1] ?? kNotATestCard,
  );
  return rule.kind === 'approve' ? (kAmountRules.get(amountMinor % 10_000) ?? rule) : rule;
}

/** `999` and `9999` never match. */
export function isWrongSecurityCode(card: CardSecret): boolean {
  return card.length('cvv') > 0 && card.lend('cvv', (digits) => digits.every((digit) => digit === 0x39));
}

function testCard(number: string, rule: CardRule): readonly [Uint8Array, CardRule] {
  return [Buffer.from(number, 'latin1'), rule];
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
