import { createHash } from 'node:crypto';
import type { CardSecret } from '../../card/card-secret.ts';
import { money } from '../../money/money.ts';
import type { PaymentRef } from '../../ports/payment-gateway.ts';
import type { BankVerdict, SimulatorBank } from '../simulator-bank.ts';
import {
  CardReader,
  json,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  type SimulatedRequest,
} from './simulated.ts';

interface Intent {
  readonly id: string;
  readonly ref: PaymentRef;
  canceled: boolean;
}

const kCodes: Readonly<Record<string, string>> = {
  '05': 'do_not_honor',
  '51': 'insufficient_funds',
  '54': 'expired_card',
  N7: 'incorrect_cvc',
  '14': 'incorrect_number',
  '41': 'lost_card',
  '43': 'stolen_card',
  '59': 'fraudulent',
  '1A': 'authentication_required',
  not_a_test_card: 'transaction_not_allowed',
};

/** Stripe's intents, payment methods, confirmations and refunds, as far as a telephone sale needs them. */
export function simulatedStripe(bank: SimulatorBank): SimulatedDialect {
  const intents = new Map<string, Intent>();
  const methods = new Map<string, CardSecret>();
  const made = new Map<string, { readonly fields: string; readonly id: string }>();

  /** The same key gives the same thing again, unless it comes with other fields. */
  function once(request: SimulatedRequest, prefix: string, make: (id: string) => void): string | undefined {
    const key = String(request.headers['idempotency-key'] ?? '');
    const fields = request.body.toString('latin1');
    const known = made.get(key);
    if (known) return known.fields === fields ? known.id : undefined;
    const id = `${prefix}_${createHash('sha256').update(`${prefix}${key}`).digest('hex').slice(0, 24)}`;
    make(id);
    made.set(key, { fields, id });
    return id;
  }

  function stateOf(intent: Intent): SimulatedReply {
    const { id, ref } = intent;
    const base = {
      id,
      object: 'payment_intent',
      amount: ref.amount.minor,
      metadata: { payment_ref: ref.paymentRef, attempt: String(ref.attempt) },
    };
    const verdict = bank.query(ref.paymentRef, ref.attempt);
    const reversed = verdict?.outcome === 'declined' && verdict.code === 'reversed';
    if (reversed)
      return json(200, { ...base, status: 'succeeded', latest_charge: { id: 'ch_1', refunded: true } });
    if (intent.canceled) return json(200, { ...base, status: 'canceled', latest_charge: null });
    if (verdict?.outcome === 'declined') {
      const last_payment_error = errorOf(verdict.code);
      return json(200, {
        ...base,
        status: 'requires_payment_method',
        last_payment_error,
        latest_charge: null,
      });
    }
    const status =
      verdict?.outcome === 'approved'
        ? 'succeeded'
        : verdict?.outcome === 'pending'
          ? 'processing'
          : 'requires_payment_method';
    return json(200, {
      ...base,
      status,
      latest_charge: status === 'succeeded' ? { id: 'ch_1', refunded: false } : null,
    });
  }

  function createIntent(request: SimulatedRequest): SimulatedReply {
    const form = new URLSearchParams(request.body.toString('latin1'));
    const paymentRef = form.get('metadata[payment_ref]');
    const key = String(request.headers['idempotency-key'] ?? '').replace(/-pi$/, '');
    if (paymentRef === null)
      return json(400, { error: { type: 'invalid_request_error', message: 'metadata' } });
    const amount = money(Number(form.get('amount')), (form.get('currency') ?? '').toUpperCase());
    const ref = { paymentRef, attempt: Number(form.get('metadata[attempt]')), idempotencyKey: key, amount };
    const id = once(request, 'pi', (name) => intents.set(name, { id: name, ref, canceled: false }));
    return id === undefined
      ? keyReused()
      : json(200, { id, object: 'payment_intent', status: 'requires_payment_method' });
  }

  function createMethod(request: SimulatedRequest): SimulatedReply {
    const reader = new CardReader(request.body)
      .take('pan', 'card[number]=')
      .take('expiry', 'card[exp_month]=', { most: 2 });
    if (reader.card.length('expiry') === 1) reader.card.prepend('expiry', 0);
    const { card } = reader.take('expiry', 'card[exp_year]=', { from: 2 }).take('cvv', 'card[cvc]=');
    const id = once(request, 'pm', (name) => methods.set(name, card));
    return id === undefined ? keyReused() : json(200, { id, object: 'payment_method' });
  }

  function confirm(intent: Intent, request: SimulatedRequest): SimulatedAnswer {
    const card = methods.get(
      new URLSearchParams(request.body.toString('latin1')).get('payment_method') ?? '',
    );
    if (!card) return json(400, { error: { type: 'invalid_request_error', code: 'resource_missing' } });
    if (intent.canceled)
      return json(400, { error: { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' } });
    return { receipt: bank.submit(intent.ref, card), reply: (verdict) => confirmed(intent, verdict) };
  }

  function search(query: string): SimulatedReply {
    const [, paymentRef, attempt] = /\['payment_ref'\]:'([^']*)'.*\['attempt'\]:'(\d+)'/.exec(query) ?? [];
    const found = [...intents.values()].filter(
      ({ ref }) => ref.paymentRef === paymentRef && String(ref.attempt) === attempt,
    );
    return json(200, { object: 'search_result', data: found.map(({ id }) => ({ id })) });
  }

  function refund(request: SimulatedRequest): SimulatedReply {
    const intent = intents.get(
      new URLSearchParams(request.body.toString('latin1')).get('payment_intent') ?? '',
    );
    if (!intent) return json(404, { error: { type: 'invalid_request_error', code: 'resource_missing' } });
    const done = bank.reverse(intent.ref.paymentRef, intent.ref.attempt);
    return done === 'reversed'
      ? json(200, { id: 're_1', object: 'refund', status: 'succeeded' })
      : json(400, { error: { type: 'invalid_request_error', code: 'charge_already_refunded' } });
  }

  return {
    paths: /^\/v1\/(payment_intents|payment_methods|refunds|balance)/,
    answer(request) {
      if (!/^Bearer sk_/.test(String(request.headers['authorization'])))
        return json(401, { error: { type: 'invalid_request_error' } });
      const url = new URL(request.path, 'http://stripe');
      if (url.pathname === '/v1/balance') return json(200, { object: 'balance' });
      if (url.pathname === '/v1/payment_methods') return createMethod(request);
      if (url.pathname === '/v1/refunds') return refund(request);
      if (url.pathname === '/v1/payment_intents') return createIntent(request);
      if (url.pathname === '/v1/payment_intents/search') return search(url.searchParams.get('query') ?? '');
      const [, id = '', verb] =
        /^\/v1\/payment_intents\/([^/]+)(?:\/(confirm|cancel))?$/.exec(url.pathname) ?? [];
      const intent = intents.get(id);
      if (!intent) return json(404, { error: { type: 'invalid_request_error', code: 'resource_missing' } });
      if (verb === 'confirm') return confirm(intent, request);
      if (verb === 'cancel') {
        bank.reverse(intent.ref.paymentRef, intent.ref.attempt);
        intent.canceled = true;
      }
      return stateOf(intent);
    },
  };
}

function confirmed({ id, ref }: Intent, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved':
      return json(200, {
        id,
        object: 'payment_intent',
        status: 'succeeded',
        amount_received: ref.amount.minor,
        latest_charge: 'ch_1',
      });
    case 'declined': {
      const error = { ...errorOf(verdict.code), payment_intent: { id, status: 'requires_payment_method' } };
      return json(402, { error });
    }
    case 'transient':
      return json(429, { error: { type: 'api_error', code: 'lock_timeout' } });
    case 'pending':
      return json(200, { id, object: 'payment_intent', status: 'processing' });
    case 'conflict':
      return keyReused();
  }
}

function errorOf(code: string) {
  const name = kCodes[code] ?? 'generic_decline';
  return {
    type: 'card_error',
    code: 'card_declined',
    decline_code: name,
    message: 'Your card was declined.',
  };
}

function keyReused(): SimulatedReply {
  return json(400, {
    error: {
      type: 'idempotency_error',
      message: 'Keys for idempotent requests can only be used with the same parameters',
    },
  });
}
