import { CardSecret, type SecretField } from '../../src/card/card-secret.ts';
import { money } from '../../src/money/money.ts';
import type { PaymentRequest } from '../../src/ports/payment-gateway.ts';

export interface KeyedCard {
  readonly pan: string;
  readonly expiry?: string;
  readonly cvv?: string;
  readonly postal?: string;
}

/** A card as if keyed; published test numbers only. Empty strings leave a field out. */
export function cardOf({
  pan,
  expiry = '0330',
  cvv = pan.startsWith('3782') ? '1234' : '123',
  postal = '',
}: KeyedCard): CardSecret {
  const card = new CardSecret();
  for (const [field, keys] of Object.entries({ pan, expiry, cvv, postal })) {
    for (const key of keys) card.append(field as SecretField, Number(key));
  }
  return card;
}

/** A MOTO sale of 10.50 EUR. */
export function requestOf(changes: Partial<PaymentRequest> = {}): PaymentRequest {
  const paymentRef = changes.paymentRef ?? 'R4K7Z2M9QX3TB8VA';
  const attempt = changes.attempt ?? 1;
  return {
    paymentRef,
    attempt,
    idempotencyKey: `${paymentRef}-${String(attempt).padStart(2, '0')}`,
    amount: money(1050, 'EUR'),
    merchantId: 'shop-1',
    customerId: 'C-77',
    reference: 'INV-7',
    brand: 'visa',
    call: { id: 'call-1', from: '+4930123', to: '+4930999', mode: 'ivr' },
    ...changes,
  };
}

/** Turns of the event loop until the condition holds; the test's own time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}
