import type { CardSecret } from '../card/card-secret.ts';
import { formatMajor } from '../money/money.ts';
import { kGatewayKinds } from '../ports/gateway-kinds.ts';
import type { PaymentRequest, SubmitResult } from '../ports/payment-gateway.ts';
import { basic, type Dialect, type RawReply, reachable } from './dialect.ts';
import { believed, byStatus, Outcomes, refused, unknown } from './outcome.ts';
import { jsonOf } from './reply-node.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';

export interface PayConnectorOptions {
  readonly user: string;
  readonly password: string;
  /** Connectors differ in how they spell the amount and how long the year is. */
  readonly amountName: 'chargeAmount' | 'charge_amount';
  readonly yearForm: 'yy' | 'yyyy';
}

/**
 * The contract of telephone platforms' "generic pay connector": one POST to the merchant's own endpoint. It has no look-up, no
 * reversal and no idempotency key, so an answer that does not come is left to a person.
 */
export function payConnectorDialect(options: PayConnectorOptions): Dialect {
  const headers = { authorization: basic(options.user, options.password) };
  return {
    name: 'pay-connector',
    idempotency: 'none',
    capabilities: { lookUp: 'none', reversal: 'none' },
    operations: kGatewayKinds['pay-connector'].operations,
    submit: (wire, request, card) =>
      wire.ask(
        {
          method: 'POST',
          path: '',
          headers,
          body: { contentType: 'application/json', segments: bodyOf(request, card, options) },
          charges: true,
        },
        (reply) => believed(reply, (each) => verdictOf(each, request)),
      ),
    query: async () => unknown('the pay-connector contract has no look-up'),
    reverse: async () => 'failed',
    check: (wire) => wire.ask({ method: 'GET', path: '', headers }, reachable),
  };
}

function bodyOf(request: PaymentRequest, card: CardSecret, options: PayConnectorOptions): Segment[] {
  const { paymentRef, attempt, merchantId, customerId, reference, amount, call } = request;
  const head = JSON.stringify({ transaction_id: request.idempotencyKey, method: 'credit-card' });
  const tail = JSON.stringify({
    [options.amountName]: request.operation === 'tokenize' ? '0' : formatMajor(amount),
    currency_code: amount.currency.toLowerCase(),
    token_type: request.operation === 'tokenize' ? 'reusable' : 'one-time',
    description: reference ?? '',
    parameters: {
      payment_ref: paymentRef,
      attempt: String(attempt),
      ...(merchantId === null ? {} : { merchant_id: merchantId }),
      ...(customerId === null ? {} : { customer_id: customerId }),
      call_id: call.id,
    },
  });
  return [
    `${head.slice(0, -1)},"cardnumber":"`,
    ...digits(card, 'pan'),
    '"',
    ...around(',"cvv":"', digits(card, 'cvv'), '"'),
    ...around(',"postal_code":"', digits(card, 'postal'), '"'),
    ...around(',"expiry_month":"', month(card, 'mm'), '"'),
    ...around(',"expiry_year":"', year(card, options.yearForm), '"'),
    `,${tail.slice(1)}`,
  ];
}

/** `error_code` null or absent: charged, if there is a `charge_id`, or kept, if there is a `token_id`. Its values are the merchant's own, so every decline is soft. */
function verdictOf(reply: RawReply, { operation }: PaymentRequest): SubmitResult {
  const json = jsonOf(reply);
  const token = operation === 'tokenize' ? json?.text('/token_id') : undefined;
  const charge = token ?? json?.text('/charge_id');
  if (operation === 'tokenize' && token === undefined && charge !== undefined)
    return unknown('a charge in place of a token');
  const error = json?.text('/error_code') ?? '';
  const isRefusal = error !== '' && error !== '0';
  if (charge !== undefined && isRefusal) return unknown('both a charge and an error');
  if (reply.status === 200 && charge !== undefined) {
    return new Outcomes(reply).approved(
      charge,
      json?.text('/parameters/auth_code'),
      json?.text('/parameters/reference'),
      token,
    );
  }
  if (json && isRefusal && (reply.status === 200 || reply.status === 402))
    return new Outcomes(reply).declined('soft', error);
  const plain = byStatus(reply.status);
  return plain.kind === 'rejected_config' ? refused(plain.reason, json?.text('/error_message')) : plain;
}
