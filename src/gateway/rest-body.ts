import type { CardSecret, SecretField } from '../card/card-secret.ts';
import type { FollowUp, PaymentRequest } from '../ports/payment-gateway.ts';
import { allDigits, type Segment } from './secret-body.ts';

/** Body of `POST /payments/{paymentRef}/{attempt}/capture`, `/void` and `/refund`. */
export function followUpBody({ kind, key, amount, transactionId }: FollowUp): string {
  const { minor: value, currency, exponent } = amount;
  return JSON.stringify({
    version: 1,
    operation: kind,
    key,
    transactionId,
    amount: { value, currency, exponent },
  });
}

/** Body of `POST /payments` (docs/gateway-rest.openapi.yaml). */
export function saleSegments(request: PaymentRequest, card: CardSecret): Segment[] {
  const { paymentRef, attempt, merchantId, customerId, reference, amount, brand, call } = request;
  const order = JSON.stringify({
    version: 1,
    operation: request.operation ?? 'sale',
    paymentRef,
    attempt,
    merchantId,
    customerId,
    reference,
    channel: 'moto',
    amount: { value: amount.minor, currency: amount.currency, exponent: amount.exponent },
  });
  return [
    `${order.slice(0, -1)},"card":{"brand":${JSON.stringify(brand)},"number":`,
    ...quoted(card, 'pan'),
    ...expiry(card),
    ',"securityCode":',
    ...quoted(card, 'cvv'),
    ',"issueNumber":',
    ...quoted(card, 'issue'),
    ',"start":',
    ...quoted(card, 'start'),
    ',"postalCode":',
    ...quoted(card, 'postal'),
    `},"call":${JSON.stringify({ id: call.id, ani: call.from, dnis: call.to, mode: call.mode })}}`,
  ];
}

/** Keyed MMYY; sent as `"03"` and `"2030"`. */
function expiry(card: CardSecret): Segment[] {
  if (card.length('expiry') !== 4) return [',"expiryMonth":null,"expiryYear":null'];
  return [
    ',"expiryMonth":"',
    { field: 'expiry', from: 0, to: 2 },
    '","expiryYear":"20',
    { field: 'expiry', from: 2, to: 4 },
    '"',
  ];
}

function quoted(card: CardSecret, field: SecretField): Segment[] {
  return card.length(field) === 0 ? ['null'] : ['"', allDigits(card, field), '"'];
}
