import type { CardSecret } from '../card/card-secret.ts';
import { formatMajor } from '../money/money.ts';
import { kGatewayKinds } from '../ports/gateway-kinds.ts';
import type {
  DeclineClass,
  FollowUp,
  FollowUpResult,
  PaymentRef,
  PaymentRequest,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import {
  type Ask,
  basic,
  type Dialect,
  isSilence,
  type NotFound,
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
  type Silence,
  type Wire,
} from './dialect.ts';
import { done, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { believed, byStatus, classIn, majorTold, Outcomes, refused, transient, unknown } from './outcome.ts';
import { type ReplyNode, xmlOf } from './reply-node.ts';
import { worded } from './reply-text.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';

export interface BraintreeOptions {
  readonly merchantId: string;
  readonly publicKey: string;
  /** Never logged. */
  readonly privateKey: string;
}

const kApiVersion = '6';
const kMostLooked = 4;

// processor-response-code.
const kClasses: Readonly<Record<DeclineClass, string>> = {
  reenter: '2004 2005 2006 2008 2010',
  hard: '2007 2009 2012 2013 2014 2019 2022 2044 2047 2053 2057 2059 2061 2062 2070 2075 2086 2102 2103',
  auth_required: '2099 2108',
  soft: '',
};
const kTransient = new Set(['3000']);
// Validation of the card's own fields: number, expiry, security code.
const kCardErrors = new Set(
  '81703 81706 81707 81709 81710 81711 81712 81713 81714 81715 81716 81736 81737 81750'.split(' '),
);
const kVoidable = new Set(['authorized', 'submitted_for_settlement', 'settlement_pending']);
const kSettled = new Set(['settling', 'settled', 'settlement_confirmed']);
const kCaptured = new Set(['submitted_for_settlement', 'settlement_pending', ...kSettled]);
const kDeclined = new Set([
  'processor_declined',
  'gateway_rejected',
  'failed',
  'settlement_declined',
  'authorization_expired',
]);

/** Braintree: JSON in, XML out, as its server libraries do. */
export function braintreeDialect(options: BraintreeOptions): Dialect {
  const headers = {
    authorization: basic(options.publicKey, options.privateKey),
    'x-apiversion': kApiVersion,
    accept: 'application/xml',
  };
  const base = `/merchants/${encodeURIComponent(options.merchantId)}`;
  const send = (method: 'POST' | 'PUT', path: string, segments: readonly Segment[]): Ask => ({
    method,
    path: base + path,
    headers,
    body: { contentType: 'application/json', segments },
  });

  /** Every transaction with our order id; one that was refused as a duplicate is among them. */
  async function find(wire: Wire, ref: PaymentRef): Promise<Found | Silence> {
    const search = JSON.stringify({ search: { order_id: { is: ref.idempotencyKey } } });
    const ids = await wire.ask(send('POST', '/transactions/advanced_search_ids', [search]), (reply) => {
      const xml = reply.status === 200 ? xmlOf(reply) : undefined;
      if (!xml?.has('/search-results')) return unknown(`look-up: status ${reply.status}`);
      return xml.list('/search-results/ids/item').map((item) => item.text('') ?? '');
    });
    if (isSilence(ids)) return ids;
    if (ids.length > kMostLooked) return unknown('look-up: too many with this order id');
    let best: Found = { kind: 'not_found' };
    for (const id of ids) {
      const ask: Ask = { method: 'GET', path: `${base}/transactions/${encodeURIComponent(id)}`, headers };
      const found = await wire.ask(ask, (reply) => foundIn(reply, ref));
      if (isSilence(found)) return found;
      if (best.kind === 'not_found' || !kDeclined.has(found.status)) best = found;
    }
    return best;
  }

  async function reverse(wire: Wire, ref: PaymentRef): Promise<ReversalResult | Silence> {
    const found = await find(wire, ref);
    if (isSilence(found)) return found;
    if (found.kind === 'not_found') return 'nothing_to_reverse';
    if (found.isTakenBack) return 'reversed';
    if (kDeclined.has(found.status)) return 'nothing_to_reverse';
    const path = `/transactions/${encodeURIComponent(found.id)}`;
    let ask: Ask;
    if (kVoidable.has(found.status)) ask = { method: 'PUT', path: `${base}${path}/void`, headers };
    else if (kSettled.has(found.status)) ask = send('POST', `${path}/refund`, ['{"transaction":{}}']);
    else return 'pending';
    return wire.ask({ ...ask, charges: true }, (reply) => {
      if (reply.status === 200 || reply.status === 201) return 'reversed';
      return reply.status >= 500 ? 'pending' : 'failed';
    });
  }

  async function followUp(wire: Wire, order: FollowUp): Promise<FollowUpResult> {
    const { kind, key, transactionId, amount } = order;
    const path = `/transactions/${encodeURIComponent(transactionId)}`;
    const part = { amount: formatMajor(amount) };
    const asks = {
      capture: () => send('PUT', `${path}/submit_for_settlement`, [JSON.stringify({ transaction: part })]),
      void: (): Ask => ({ method: 'PUT', path: `${base}${path}/void`, headers }),
      refund: () =>
        send('POST', `${path}/refund`, [JSON.stringify({ transaction: { ...part, order_id: key } })]),
    };
    return wire.ask({ ...asks[kind](), charges: true }, (reply) =>
      believed(reply, (each) => followUpOf(each, order)),
    );
  }

  async function findFollowUp(wire: Wire, order: FollowUp): Promise<FollowUpResult | NotFound> {
    const { kind, key, transactionId, payment, amount } = order;
    if (kind === 'refund') {
      const found = await find(wire, { ...payment, idempotencyKey: key, amount });
      if (found.kind !== 'found') return found;
      return kDeclined.has(found.status) ? refusal(`status ${found.status}`) : done(found.id);
    }
    const path = `${base}/transactions/${encodeURIComponent(transactionId)}`;
    return wire.ask({ method: 'GET', path, headers }, (reply) => {
      const status = reply.status === 200 ? (xmlOf(reply)?.text('/transaction/status') ?? '') : '';
      if (kind === 'void' ? status === 'voided' : kCaptured.has(status)) return done(transactionId);
      const isBefore = kind === 'void' ? kVoidable.has(status) : status === 'authorized';
      return isBefore ? { kind: 'not_found' } : unheard(worded`look-up: status ${status}`);
    });
  }

  /** Neither moves money: a verification tells whether the bank knows the card, a customer keeps it. */
  function withoutMoney(wire: Wire, request: PaymentRequest, card: CardSecret): Promise<SubmitResult> {
    const isToken = request.operation === 'tokenize';
    const ask = isToken
      ? send('POST', '/customers', [
          '{"customer":',
          '{',
          ...cardMembers(card, ',"options":{"verify_card":true}'),
          '}}',
        ])
      : send('POST', '/verifications', ['{"verification":', '{', ...cardMembers(card), '}}']);
    return wire.ask({ ...ask, charges: true }, (reply) =>
      believed(reply, (each) => (isToken ? customerVerdict(each) : verificationVerdict(each))),
    );
  }

  return {
    name: 'braintree',
    idempotency: 'none',
    capabilities: { lookUp: 'every', reversal: 'told' },
    operations: kGatewayKinds.braintree.operations,
    followUp,
    findFollowUp,
    submit: (wire, request, card) =>
      request.operation === 'verify' || request.operation === 'tokenize'
        ? withoutMoney(wire, request, card)
        : wire.ask({ ...send('POST', '/transactions', saleOf(request, card)), charges: true }, (reply) =>
            believed(reply, (each) => verdictOf(each, request)),
          ),
    query: async (wire, ref) => {
      const found = await find(wire, ref);
      return found.kind === 'found' ? found.result : found;
    },
    reverse,
    check: (wire) =>
      wire.ask(
        send('POST', '/transactions/advanced_search_ids', ['{"search":{"order_id":{"is":"hushpay-check"}}}']),
        reachable,
      ),
  };
}

type Found =
  | { readonly kind: 'not_found' }
  | {
      readonly kind: 'found';
      readonly id: string;
      readonly status: string;
      readonly isTakenBack: boolean;
      readonly result: QueryResult;
    };

function saleOf(request: PaymentRequest, card: CardSecret): Segment[] {
  const { amount, idempotencyKey } = request;
  const order = JSON.stringify({
    type: 'sale',
    amount: formatMajor(amount),
    order_id: idempotencyKey,
    transaction_source: 'moto',
  });
  return [
    `{"transaction":${order.slice(0, -1)},`,
    ...cardMembers(card),
    ...around(',"billing":{"postal_code":"', digits(card, 'postal'), '"}'),
    `,"options":{"submit_for_settlement":${request.operation !== 'authorize'}}}}`,
  ];
}

/** @param more - members behind those of the card. */
function cardMembers(card: CardSecret, more = ''): Segment[] {
  return [
    '"credit_card":{"number":"',
    ...digits(card, 'pan'),
    '"',
    ...around(',"expiration_date":"', [...month(card, 'mm'), ...around('/', year(card, 'yyyy'))], '"'),
    ...around(',"cvv":"', digits(card, 'cvv'), '"'),
    `${more}}`,
  ];
}

function verdictOf(reply: RawReply, ref: PaymentRef): SubmitResult {
  const xml = xmlOf(reply);
  if (reply.status === 201 && xml?.has('/transaction'))
    return resultOf(reply, xml.list('/transaction')[0], ref);
  if (reply.status !== 422 || !xml?.has('/api-error-response')) return byStatus(reply.status);
  const transaction = xml.list('/api-error-response/transaction')[0];
  if (transaction) return resultOf(reply, transaction, ref);
  return cardProblem(reply, '/api-error-response/errors/transaction');
}

function errorCodes(errors: readonly ReplyNode[]): string[] {
  return errors.map((error) => error.text('/code') ?? '');
}

function resultOf(
  reply: RawReply,
  transaction: ReplyNode | undefined,
  { idempotencyKey, amount }: PaymentRef,
): SubmitResult {
  if (transaction?.text('/order-id') !== idempotencyKey) return unknown('the answer names another payment');
  const id = transaction.text('/id');
  const status = transaction.text('/status') ?? 'none';
  const outcomes = new Outcomes(reply);
  if (kVoidable.has(status) || kSettled.has(status)) {
    const isOther = (transaction.text('/currency-iso-code') ?? amount.currency) !== amount.currency;
    const told = isOther ? null : (majorTold(transaction.text('/amount'), amount) ?? null);
    return outcomes.approvedFor(amount, told, id, transaction.text('/processor-authorization-code'));
  }
  if (status === 'gateway_rejected') return gatewayRejection(outcomes, transaction, id);
  if (!kDeclined.has(status)) return unknown(worded`status ${status}`);
  const code = transaction.text('/processor-response-code') ?? '';
  return kTransient.has(code)
    ? transient(code)
    : outcomes.declined(classIn(kClasses, code), code || status, id);
}

function verificationVerdict(reply: RawReply): SubmitResult {
  const xml = xmlOf(reply);
  const verification = xml?.list('/verification')[0] ?? xml?.list('/api-error-response/verification')[0];
  if (!verification) return cardProblem(reply, '/api-error-response/errors/verification');
  const outcomes = new Outcomes(reply);
  const id = verification.text('/id');
  const status = verification.text('/status') ?? 'none';
  if (status === 'verified' && reply.status === 201) return outcomes.approved(id);
  if (status === 'gateway_rejected') return gatewayRejection(outcomes, verification, id);
  if (!kDeclined.has(status)) return unknown(worded`status ${status}`);
  const code = verification.text('/processor-response-code') ?? status;
  return outcomes.declined(classIn(kClasses, code), code, id);
}

function customerVerdict(reply: RawReply): SubmitResult {
  const xml = xmlOf(reply);
  const customer = reply.status === 201 ? xml?.list('/customer')[0] : undefined;
  if (customer) {
    const token = customer.text('/credit-cards/credit-card/token');
    return token === undefined
      ? unknown('a customer without a card')
      : new Outcomes(reply).approved(customer.text('/id'), undefined, undefined, token);
  }
  return xml?.has('/api-error-response/verification')
    ? verificationVerdict(reply)
    : cardProblem(reply, '/api-error-response/errors/customer');
}

/** Validation of what was sent: the card's own fields, or something of ours. */
function cardProblem(reply: RawReply, at: string): SubmitResult {
  const xml = reply.status === 422 ? xmlOf(reply) : undefined;
  if (!xml) return byStatus(reply.status);
  const codes = errorCodes(xml.list(`${at}/credit-card/errors/error`));
  const others = errorCodes(xml.list(`${at}/errors/error`));
  const isCard = codes.length > 0 && others.length === 0 && codes.every((code) => kCardErrors.has(code));
  if (isCard) return new Outcomes(reply).declined('reenter', codes[0]);
  return refused([...codes, ...others].join(' ') || 'status 422', xml.text('/api-error-response/message'));
}

function followUpOf(reply: RawReply, { kind, transactionId }: FollowUp): FollowUpResult {
  const xml = xmlOf(reply);
  const told = xml?.text('/api-error-response/message');
  const transaction = xml?.list('/transaction')[0];
  if ((reply.status !== 200 && reply.status !== 201) || !transaction) return followUpByStatus(reply, told);
  const id = transaction.text('/id');
  const status = transaction.text('/status') ?? '';
  if (kind === 'refund') {
    const isOf = transaction.text('/refunded-transaction-id') ?? transactionId;
    return isOf === transactionId ? done(id) : unheard('the answer names another payment');
  }
  const isDone = id === transactionId && (kind === 'void' ? status === 'voided' : kCaptured.has(status));
  return isDone ? done(id) : unheard(worded`status ${status}`);
}

function gatewayRejection(outcomes: Outcomes, transaction: ReplyNode, id: string | undefined): SubmitResult {
  const reason = transaction.text('/gateway-rejection-reason') ?? 'gateway_rejected';
  if (reason === 'duplicate') return unknown('taken for a duplicate of an earlier one');
  if (reason === 'cvv' || reason === 'avs' || reason === 'avs_and_cvv')
    return outcomes.declined('reenter', reason, id);
  return outcomes.declined(reason === 'fraud' ? 'hard' : 'soft', reason, id);
}

function foundIn(reply: RawReply, ref: PaymentRef): Extract<Found, { kind: 'found' }> | Silence {
  const transaction = reply.status === 200 ? xmlOf(reply)?.list('/transaction')[0] : undefined;
  const id = transaction?.text('/id');
  if (!transaction || id === undefined || transaction.text('/order-id') !== ref.idempotencyKey)
    return unknown(`look-up: status ${reply.status}`);
  const status = transaction.text('/status') ?? '';
  const isTakenBack = status === 'voided' || transaction.list('/refund-ids/item').length > 0;
  const result = isTakenBack ? new Outcomes(reply).takenBack(id) : resultOf(reply, transaction, ref);
  const isVerdict = result.kind === 'approved' || result.kind === 'declined';
  return {
    kind: 'found',
    id,
    status,
    isTakenBack,
    result: isVerdict ? result : unknown(worded`status ${status}`),
  };
}
