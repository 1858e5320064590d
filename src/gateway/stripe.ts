import type { CardSecret } from '../card/card-secret.ts';
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
import { formSegments, kForm } from './form.ts';
import { believed, byStatus, classIn, minorFor, Outcomes, refused, transient, unknown } from './outcome.ts';
import { jsonOf, type ReplyNode } from './reply-node.ts';
import { worded } from './reply-text.ts';
import { around, digits, month, year } from './secret-body.ts';

export interface StripeOptions {
  /** `sk_…`; never logged. */
  readonly secretKey: string;
}

const kApiVersion = '2026-10-28.endive';
const kMostIds = 10_000;
// Stripe counts ISK and UGX in two decimals although ISO 4217 gives them none, and MGA in none although it gives it two. All others of its
// currencies it counts as ISO 4217 does; HUF and TWD differ in payouts only.
const kExponents = { ISK: 2, UGX: 2, MGA: 0 };
const kThreeDecimals = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

const kClasses: Readonly<Record<DeclineClass, string>> = {
  reenter:
    'incorrect_number invalid_number expired_card invalid_expiry_month invalid_expiry_year incorrect_cvc invalid_cvc incorrect_zip',
  hard: 'lost_card stolen_card pickup_card fraudulent merchant_blacklist restricted_card stop_payment_order security_violation revocation_of_authorization revocation_of_all_authorizations transaction_not_allowed invalid_account do_not_try_again',
  auth_required: 'authentication_required card_not_authenticated',
  soft: '',
};

/** Stripe: an intent without a card, a payment method with it, and the confirmation that charges. */
export function stripeDialect({ secretKey }: StripeOptions): Dialect {
  const ids = new Map<string, string>();
  const headers = { authorization: `Bearer ${secretKey}`, 'stripe-version': kApiVersion };
  const post = (path: string, key: string, fields: Parameters<typeof formSegments>[0]): Ask => ({
    method: 'POST',
    path,
    headers: { ...headers, 'idempotency-key': key },
    body: { contentType: kForm, segments: formSegments(fields) },
  });
  const get = (path: string): Ask => ({ method: 'GET', path, headers });

  const intentAsk = (ref: PaymentRef, amount: number, description: string | null) =>
    post('/v1/payment_intents', `${ref.idempotencyKey}-pi`, [
      ['amount', amount],
      ['currency', ref.amount.currency.toLowerCase()],
      ['allowed_payment_method_types[0]', 'card'],
      ['capture_method', ref.operation === 'authorize' ? 'manual' : 'automatic'],
      ['description', description],
      ['metadata[payment_ref]', ref.paymentRef],
      ['metadata[attempt]', ref.attempt],
    ]);

  const methodAsk = ({ idempotencyKey }: PaymentRequest, card: CardSecret) =>
    post('/v1/payment_methods', `${idempotencyKey}-pm`, [
      ['type', 'card'],
      ['card[number]', digits(card, 'pan')],
      ['card[exp_month]', month(card, 'm')],
      ['card[exp_year]', year(card, 'yyyy')],
      ['card[cvc]', digits(card, 'cvv')],
      ['billing_details[address][postal_code]', around('', digits(card, 'postal'))],
    ]);

  /** No money moves: the card is set up, and kept with a customer of its own where it is to be used again. */
  async function setUp(wire: Wire, request: PaymentRequest, card: CardSecret): Promise<SubmitResult> {
    const { idempotencyKey, operation, paymentRef, attempt } = request;
    const customer =
      operation === 'tokenize'
        ? await wire.ask(
            post('/v1/customers', `${idempotencyKey}-cu`, [['metadata[payment_ref]', paymentRef]]),
            idOrRefusal,
          )
        : null;
    if (customer !== null && typeof customer !== 'string') return customer;
    const method = await wire.ask(methodAsk(request, card), idOrRefusal);
    if (typeof method !== 'string') return method;
    const intent = post('/v1/setup_intents', `${idempotencyKey}-si`, [
      ['confirm', 'true'],
      ['payment_method', method],
      ['customer', customer],
      ['allowed_payment_method_types[0]', 'card'],
      ['payment_method_options[card][moto]', 'true'],
      ['metadata[payment_ref]', paymentRef],
      ['metadata[attempt]', attempt],
    ]);
    const token = operation === 'tokenize' ? method : undefined;
    return wire.ask({ ...intent, charges: true }, (reply) =>
      believed(reply, (each) => setUpVerdict(each, token)),
    );
  }

  async function submit(wire: Wire, request: PaymentRequest, card: CardSecret): Promise<SubmitResult> {
    if (request.operation === 'verify' || request.operation === 'tokenize') return setUp(wire, request, card);
    const amount = amountOf(request);
    if (amount === undefined) return refused('an amount finer than Stripe takes');
    const intent = await wire.ask(intentAsk(request, amount, request.reference), idOrRefusal);
    if (typeof intent !== 'string') return intent;
    remember(ids, request, intent);
    const method = await wire.ask(methodAsk(request, card), idOrRefusal);
    if (typeof method !== 'string') return method;
    const confirm = post(
      `/v1/payment_intents/${encodeURIComponent(intent)}/confirm`,
      `${request.idempotencyKey}-cf`,
      [
        ['payment_method', method],
        ['payment_method_options[card][moto]', 'true'],
        ['error_on_requires_action', 'true'],
      ],
    );
    return wire.ask({ ...confirm, charges: true }, (reply) =>
      believed(reply, (each) => verdictOf(each, request, intent, amount)),
    );
  }

  /**
   * The intent of a submission. Found by what we remember, else by its metadata. The search lags, so what it does not find is created
   * with the same key: Stripe then gives the first intent back, or refuses the key (it exists), or makes an empty one, after which a
   * late original can no longer charge.
   */
  async function locate(wire: Wire, ref: PaymentRef): Promise<string | Silence> {
    const known = ids.get(ref.idempotencyKey);
    if (known !== undefined) return known;
    const query = `metadata['payment_ref']:'${ref.paymentRef}' AND metadata['attempt']:'${ref.attempt}'`;
    const found = await wire.ask(
      get(`/v1/payment_intents/search?query=${encodeURIComponent(query)}`),
      (reply) =>
        reply.status === 200
          ? (jsonOf(reply)?.list('/data')[0]?.text('/id') ?? 'none')
          : unknown(`search: status ${reply.status}`),
    );
    if (typeof found !== 'string' || found !== 'none') return found;
    const amount = amountOf(ref);
    if (amount === undefined) return unknown('an amount finer than Stripe takes');
    const fence = await wire.ask(intentAsk(ref, amount, null), idOrRefusal);
    if (typeof fence === 'string') return fence;
    return isSilence(fence) ? fence : unknown('the intent exists and is not found yet');
  }

  async function look<T>(
    wire: Wire,
    ref: PaymentRef,
    read: (intent: ReplyNode, id: string, reply: RawReply) => T,
  ) {
    const id = await locate(wire, ref);
    if (typeof id !== 'string') return id;
    return wire.ask(
      get(`/v1/payment_intents/${encodeURIComponent(id)}?expand%5B0%5D=latest_charge`),
      (reply) => {
        const intent = reply.status === 200 ? jsonOf(reply) : undefined;
        if (intent?.text('/metadata/payment_ref') !== ref.paymentRef)
          return unknown(`look-up: status ${reply.status}`);
        return read(intent, id, reply);
      },
    );
  }

  async function reverse(wire: Wire, ref: PaymentRef): Promise<ReversalResult | Silence> {
    const state = await look(wire, ref, (intent, id) => ({
      id,
      status: intent.text('/status') ?? '',
      refunded: intent.text('/latest_charge/refunded') === 'true',
    }));
    if (isSilence(state)) return state;
    if (state.refunded) return 'reversed';
    if (state.status === 'canceled') return 'nothing_to_reverse';
    if (state.status === 'succeeded') {
      const refund = post('/v1/refunds', `${ref.idempotencyKey}-rf`, [['payment_intent', state.id]]);
      return wire.ask({ ...refund, charges: true }, refundOutcome);
    }
    const cancel = post(
      `/v1/payment_intents/${encodeURIComponent(state.id)}/cancel`,
      `${ref.idempotencyKey}-cn`,
      [],
    );
    return wire.ask({ ...cancel, charges: true }, (reply) => {
      if (reply.status === 200 && jsonOf(reply)?.text('/status') === 'canceled')
        return state.status === 'requires_capture' ? 'reversed' : 'nothing_to_reverse';
      return 'pending';
    });
  }

  /** A charge that was captured is refunded, never voided. */
  async function followUp(wire: Wire, order: FollowUp): Promise<FollowUpResult> {
    const { kind, key, transactionId, payment } = order;
    const amount = amountOf(order);
    if (amount === undefined) return refusal('an amount finer than Stripe takes');
    if (kind === 'void' && payment.operation !== 'authorize')
      return refusal('Stripe refunds what was charged; it has no void for it');
    const intent = `/v1/payment_intents/${encodeURIComponent(transactionId)}`;
    const asks = {
      capture: () => post(`${intent}/capture`, key, [['amount_to_capture', amount]]),
      void: () => post(`${intent}/cancel`, key, []),
      refund: () =>
        post('/v1/refunds', key, [
          ['payment_intent', transactionId],
          ['amount', amount],
          ['metadata[key]', key],
        ]),
    };
    return wire.ask({ ...asks[kind](), charges: true }, (reply) =>
      believed(reply, (each) => followUpOf(each, order)),
    );
  }

  /** Keys are forgotten after a day, so what became of it is read and not asked for again. */
  async function findFollowUp(wire: Wire, order: FollowUp): Promise<FollowUpResult | NotFound> {
    const { kind, key, transactionId } = order;
    const id = encodeURIComponent(transactionId);
    if (kind === 'refund')
      return wire.ask(get(`/v1/refunds?payment_intent=${id}&limit=100`), (reply) => refundIn(reply, key));
    return wire.ask(get(`/v1/payment_intents/${id}`), (reply) => {
      const status = reply.status === 200 ? jsonOf(reply)?.text('/status') : undefined;
      if (status === (kind === 'capture' ? 'succeeded' : 'canceled')) return done(transactionId);
      return status === 'requires_capture'
        ? { kind: 'not_found' }
        : unheard(worded`look-up: status ${status}`);
    });
  }

  return {
    name: 'stripe',
    idempotency: 'key',
    capabilities: { lookUp: 'every', reversal: 'told' },
    operations: kGatewayKinds.stripe.operations,
    followUp,
    findFollowUp,
    submit,
    query: (wire, ref) => look(wire, ref, (intent, id, reply) => stateOf(intent, id, reply, ref)),
    reverse,
    check: (wire) => wire.ask(get('/v1/balance'), reachable),
  };
}

function amountOf({ amount }: Pick<PaymentRef, 'amount'>): number | undefined {
  const minor = minorFor(amount, kExponents);
  // The last of three decimals must be a zero.
  return kThreeDecimals.has(amount.currency) && (minor ?? 0) % 10 !== 0 ? undefined : minor;
}

function remember(ids: Map<string, string>, { idempotencyKey }: PaymentRef, id: string): void {
  ids.set(idempotencyKey, id);
  const [oldest] = ids.keys();
  if (ids.size > kMostIds && oldest !== undefined) ids.delete(oldest);
}

/** The id of what was made, or why it was not; nothing is charged by it. */
function idOrRefusal(reply: RawReply): string | Exclude<SubmitResult, { kind: 'approved' | 'unknown' }> {
  const json = jsonOf(reply);
  const id = reply.status === 200 ? json?.text('/id') : undefined;
  if (id !== undefined) return id;
  const failure = failureOf(reply, json);
  return failure.kind === 'unknown' ? transient(failure.reason) : failure;
}

function setUpVerdict(reply: RawReply, token: string | undefined): SubmitResult {
  const json = jsonOf(reply);
  if (reply.status !== 200) return failureOf(reply, json);
  const status = json?.text('/status') ?? 'without a status';
  const id = json?.text('/id');
  const outcomes = new Outcomes(reply);
  if (status === 'requires_action') return outcomes.declined('auth_required', status, id);
  return status === 'succeeded'
    ? outcomes.approved(id, undefined, undefined, token)
    : unknown(worded`status ${status}`);
}

/** What an intent is once it has gone through. */
function settledStatus({ operation }: PaymentRef): string {
  return operation === 'authorize' ? 'requires_capture' : 'succeeded';
}

function verdictOf(reply: RawReply, request: PaymentRef, intent: string, amount: number): SubmitResult {
  const json = jsonOf(reply);
  if (reply.status !== 200) return failureOf(reply, json);
  if (json?.text('/id') !== intent) return unknown('the answer names another payment');
  const status = json.text('/status') ?? 'without a status';
  if (status !== settledStatus(request)) return unknown(worded`status ${status}`);
  const received = json.text(request.operation === 'authorize' ? '/amount_capturable' : '/amount_received');
  if (received !== undefined && received !== String(amount)) return unknown('approved for another amount');
  return new Outcomes(reply).approved(intent);
}

function failureOf(
  reply: RawReply,
  json: ReplyNode | undefined,
): Exclude<SubmitResult, { kind: 'approved' | 'not_sent' }> {
  const type = json?.text('/error/type');
  if (reply.status === 402 && type === 'card_error') return declineOf(reply, json, '/error');
  const code = json?.text('/error/code') ?? type ?? 'no code';
  // The intent is not where it was: an earlier confirmation got through.
  if (code === 'payment_intent_unexpected_state' || type === 'idempotency_error') return unknown(code);
  const plain = byStatus(reply.status);
  return plain.kind === 'rejected_config'
    ? refused(`status ${reply.status}`, json?.text('/error/message') ?? code)
    : plain;
}

function declineOf(reply: RawReply, json: ReplyNode | undefined, at: string) {
  const code = json?.text(`${at}/decline_code`) ?? json?.text(`${at}/code`) ?? 'card_declined';
  const advice = json?.text(`${at}/advice_code`);
  const declineClass = advice === 'do_not_try_again' ? 'hard' : classIn(kClasses, code);
  return new Outcomes(reply).declined(declineClass, code, json?.text(`${at}/payment_intent/id`));
}

function stateOf(intent: ReplyNode, id: string, reply: RawReply, ref: PaymentRef): QueryResult {
  const status = intent.text('/status') ?? '';
  const outcomes = new Outcomes(reply);
  if (intent.text('/latest_charge/refunded') === 'true') return outcomes.takenBack(id);
  if (status === 'succeeded' || status === settledStatus(ref)) return outcomes.approved(id);
  if (status === 'canceled') return outcomes.declined('soft', 'canceled', id);
  if (status !== 'requires_payment_method') return unknown(worded`status ${status}`);
  if (!intent.has('/last_payment_error')) return { kind: 'not_found' };
  const declined = declineOf(reply, intent, '/last_payment_error');
  return { ...declined, transactionId: outcomes.declined('soft', '', id).transactionId };
}

function refundOutcome(reply: RawReply): ReversalResult {
  const json = jsonOf(reply);
  const status = json?.text('/status');
  if (reply.status === 200 && (status === 'succeeded' || status === 'pending')) return 'reversed';
  if (json?.text('/error/code') === 'charge_already_refunded') return 'reversed';
  return reply.status === 200 || reply.status >= 500 ? 'pending' : 'failed';
}

function followUpOf(reply: RawReply, { kind, key, transactionId }: FollowUp): FollowUpResult {
  const json = jsonOf(reply);
  const error = json?.text('/error/message');
  if (json?.text('/error/type') === 'idempotency_error') return unheard('idempotency_error');
  // Refunded or captured before, whoever did it: the look-up tells whether it was this one.
  if (/already|unexpected_state/.test(json?.text('/error/code') ?? ''))
    return refusal(json?.text('/error/code') ?? '', error);
  if (reply.status !== 200) return followUpByStatus(reply, error);
  const status = json?.text('/status');
  if (kind === 'refund') return refundState(json, key);
  if (json?.text('/id') !== transactionId) return unheard('the answer names another payment');
  return status === (kind === 'capture' ? 'succeeded' : 'canceled')
    ? done(transactionId)
    : unheard(worded`status ${status}`);
}

function refundState(refund: ReplyNode | undefined, key: string): FollowUpResult {
  if (refund?.text('/metadata/key') !== key) return unheard('the answer names another refund');
  const status = refund.text('/status');
  if (status === 'succeeded' || status === 'pending') return done(refund.text('/id'));
  return status === 'failed' || status === 'canceled'
    ? refusal(`refund ${status}`)
    : unheard(worded`refund ${status}`);
}

function refundIn(reply: RawReply, key: string): FollowUpResult | NotFound {
  const json = reply.status === 200 ? jsonOf(reply) : undefined;
  if (!json?.has('/data')) return unheard(`look-up: status ${reply.status}`);
  const own = json.list('/data').find((refund) => refund.text('/metadata/key') === key);
  if (own) return refundState(own, key);
  return json.text('/has_more') === 'true'
    ? unheard('look-up: more refunds than are listed')
    : { kind: 'not_found' };
}
