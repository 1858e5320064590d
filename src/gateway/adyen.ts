import type { CardSecret } from '../card/card-secret.ts';
import { kGatewayKinds } from '../ports/gateway-kinds.ts';
import type {
  DeclineClass,
  FollowUp,
  FollowUpKind,
  FollowUpResult,
  PaymentRef,
  PaymentRequest,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import {
  type Ask,
  type Dialect,
  type RawReply,
  type ReversalResult,
  reachable,
  type Wire,
} from './dialect.ts';
import { accepted, answeredAgain, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { believed, byStatus, classIn, minorFor, minorTold, Outcomes, refused, unknown } from './outcome.ts';
import { jsonOf } from './reply-node.ts';
import { worded } from './reply-text.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';

export interface AdyenOptions {
  readonly merchantAccount: string;
  /** X-API-Key; never logged. */
  readonly apiKey: string;
}

// Adyen keeps its keys for a week at least.
const kChangeKeysMs = 7 * 24 * 3_600_000;
const kVersion = '/v72';
const kReturnUrl = 'https://unused.invalid/'; // required, and of no use by telephone
const kExponents = { CLP: 2, ISK: 2, CVE: 0, IDR: 0 };

// refusalReasonCode.
const kClasses: Readonly<Record<DeclineClass, string>> = {
  reenter: '6 8 24',
  hard: '5 14 20 22 25 26 31 46',
  auth_required: '11 33 38 42',
  soft: '',
};
const kNeedsShopper = new Set(['RedirectShopper', 'IdentifyShopper', 'ChallengeShopper']);
// errorCode of a request refused with 422: number, expiry, security code. 704: the first request was or is being worked on.
const kCardErrors = new Set(['101', '103', '105', '109', '129', '140', '153']);
const kInProgress = '704';
const kTokens = ['tokenization.storedPaymentMethodId', 'recurring.recurringDetailReference'];
const kChanges: Readonly<Record<FollowUpKind, string>> = {
  capture: 'captures',
  void: 'cancels',
  refund: 'refunds',
};

/**
 * Adyen Checkout. There is no look-up: an answer that does not come is asked for again with the same key while the card is there,
 * after that a technical cancel goes out. What becomes of cancels, captures and refunds Adyen tells by webhook only.
 */
export function adyenDialect({ merchantAccount, apiKey }: AdyenOptions): Dialect {
  const post = (path: string, key: string, segments: readonly Segment[]): Ask => ({
    method: 'POST',
    path: kVersion + path,
    headers: { 'x-api-key': apiKey, 'idempotency-key': key },
    body: { contentType: 'application/json', segments },
  });
  // While its keys are kept, asking again is asking what became of it.
  const change = async (wire: Wire, order: FollowUp, how: typeof answeredAgain): Promise<FollowUpResult> => {
    const value = minorFor(order.amount, kExponents);
    if (value === undefined) return refusal('an amount finer than Adyen takes');
    const amount = order.kind === 'void' ? {} : { amount: { currency: order.amount.currency, value } };
    const path = `/payments/${encodeURIComponent(order.transactionId)}/${kChanges[order.kind]}`;
    const body = JSON.stringify({ merchantAccount, ...amount, reference: order.key });
    return wire.ask({ ...post(path, order.key, [body]), charges: true }, (reply) => how(reply, changeOf));
  };
  return {
    name: 'adyen',
    idempotency: 'key',
    capabilities: { lookUp: 'none', reversal: 'unheard' },
    operations: kGatewayKinds.adyen.operations,
    followUp: (wire, order) => change(wire, order, believed),
    findFollowUp: (wire, order) => change(wire, order, answeredAgain),
    changeKeysKnownForMs: kChangeKeysMs,
    submit: async (wire, request, card) => {
      const value = minorFor(request.amount, kExponents);
      if (value === undefined) return refused('an amount finer than Adyen takes');
      const body = bodyOf(request, card, merchantAccount, value);
      return wire.ask({ ...post('/payments', request.idempotencyKey, body), charges: true }, (reply) =>
        believed(reply, (each) => verdictOf(each, request)),
      );
    },
    query: async () => unknown('Adyen has no look-up'),
    reverse: (wire, { idempotencyKey }) => {
      const cancel = {
        merchantAccount,
        paymentReference: idempotencyKey,
        reference: `${idempotencyKey}-cancel`,
      };
      const ask = post('/cancels', `${idempotencyKey}-cn`, [JSON.stringify(cancel)]);
      return wire.ask({ ...ask, charges: true }, reversalOf);
    },
    check: (wire) =>
      wire.ask(
        post('/paymentMethods', `check-${merchantAccount}`.slice(0, 64), [
          JSON.stringify({ merchantAccount }),
        ]),
        reachable,
      ),
  };
}

function bodyOf(
  request: PaymentRequest,
  card: CardSecret,
  merchantAccount: string,
  value: number,
): Segment[] {
  const { idempotencyKey, amount, customerId, operation, paymentRef } = request;
  const order = JSON.stringify({
    merchantAccount,
    reference: idempotencyKey,
    amount: { currency: amount.currency, value },
    returnUrl: kReturnUrl,
    shopperInteraction: 'Moto',
    ...(operation === 'authorize' ? { additionalData: { manualCapture: 'true' } } : {}),
    ...(operation === 'tokenize'
      ? {
          storePaymentMethod: true,
          shopperReference: shopperOf(customerId ?? paymentRef),
          recurringProcessingModel: 'UnscheduledCardOnFile',
        }
      : {}),
  });
  return [
    `${order.slice(0, -1)},"paymentMethod":{"type":"scheme","number":"`,
    ...digits(card, 'pan'),
    '"',
    ...around(',"expiryMonth":"', month(card, 'mm'), '"'),
    ...around(',"expiryYear":"', year(card, 'yyyy'), '"'),
    ...around(',"cvc":"', digits(card, 'cvv'), '"'),
    customerId === null ? '}}' : `},"metadata":${JSON.stringify({ customerId: customerId.slice(0, 80) })}}`,
  ];
}

/** A shopper has a name of three characters at least. */
function shopperOf(name: string): string {
  return name.slice(0, 256).padEnd(3, '_');
}

/** Only received: what comes of it is told elsewhere. */
function changeOf(reply: RawReply): FollowUpResult {
  const json = jsonOf(reply);
  const isReceived = reply.status === 201 || reply.status === 200;
  if (isReceived && json?.text('/status') === 'received') return accepted(json.text('/pspReference'));
  if (json?.text('/errorCode') === kInProgress) return unheard('the first request was or is being worked on');
  return isReceived ? unheard('no readable answer') : followUpByStatus(reply, json?.text('/message'));
}

function verdictOf(reply: RawReply, { idempotencyKey, amount }: PaymentRef): SubmitResult {
  const json = jsonOf(reply);
  if (!json || reply.status !== 200) return failureOf(reply);
  if ((json.text('/merchantReference') ?? idempotencyKey) !== idempotencyKey)
    return unknown('the answer names another payment');
  const result = json.text('/resultCode') ?? 'none';
  const id = json.text('/pspReference');
  const code = json.text('/refusalReasonCode');
  const outcomes = new Outcomes(reply);
  if (kNeedsShopper.has(result)) return outcomes.declined('auth_required', result, id);
  if (['Refused', 'Cancelled', 'Error'].includes(result))
    return outcomes.declined(classIn(kClasses, code ?? ''), code ?? result, id);
  if (result !== 'Authorised') return unknown(worded`result ${result}`);
  const told = json.has('/amount')
    ? (minorTold(json.text('/amount/value'), amount, kExponents) ?? null)
    : undefined;
  const isOther = told !== undefined && json.text('/amount/currency') !== amount.currency;
  return outcomes.approvedFor(
    amount,
    isOther ? null : told,
    id,
    json.text('/additionalData/authCode'),
    undefined,
    kTokens.map((name) => json.text(`/additionalData/${name}`)).find((token) => token !== undefined),
  );
}

function failureOf(reply: RawReply): SubmitResult {
  const json = jsonOf(reply);
  const code = json?.text('/errorCode');
  if (code === kInProgress) return unknown('the first request is still being worked on');
  if (reply.status === 422 && code !== undefined && kCardErrors.has(code))
    return new Outcomes(reply).declined('reenter', code);
  const plain = byStatus(reply.status);
  return plain.kind === 'rejected_config'
    ? refused(`status ${reply.status}, error ${code ?? 'none'}`, json?.text('/message'))
    : plain;
}

/** Only received: what came of it is told elsewhere. */
function reversalOf(reply: RawReply): ReversalResult {
  const isReceived = reply.status === 201 || reply.status === 200;
  return isReceived || reply.status >= 500 ? 'pending' : 'failed';
}
