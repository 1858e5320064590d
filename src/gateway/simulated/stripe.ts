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
    if (intent.canceled) return json(200, { ...base, status: 'canceled', latest_charge: null });
    if (reversed)
      return json(200, { ...base, status: 'succeeded', latest_charge: { id: 'ch_1', refunded: true } });
    if (verdict?.outcome === 'declined') {
      const last_payment_error = errorOf(verdict.code);
      return json(200, {
        ...base,
        status: 'requires_payment_method',
        last_payment_error,
        latest_charge: null,
      });
    }
    const isHeld = entryOf(intent)?.state === 'authorized';
    const status =
      verdict?.outcome === 'approved'
        ? isHeld
          ? 'requires_capture'
          : 'succeeded'
        : verdict?.outcome === 'pending'
          ? 'processing'
          : 'requires_payment_method';
    return json(200, {
      ...base,
      status,
      latest_charge: status === 'succeeded' ? { id: 'ch_1', refunded: false } : null,
    });
  }

  const entryOf = ({ ref }: Intent) =>
    bank
      .ledger()
      .findLast(({ paymentRef, attempt }) => paymentRef === ref.paymentRef && attempt === ref.attempt);

  /** Confirmed as it is made: nothing is charged by it. */
  function setUp(request: SimulatedRequest): SimulatedAnswer {
    const form = new URLSearchParams(request.body.toString('latin1'));
    const method = form.get('payment_method') ?? '';
    const card = methods.get(method);
    const paymentRef = form.get('metadata[payment_ref]');
    if (!card || paymentRef === null)
      return json(400, { error: { type: 'invalid_request_error', code: 'resource_missing' } });
    const id = once(request, 'seti', () => undefined);
    if (id === undefined) return keyReused();
    const key = String(request.headers['idempotency-key'] ?? '').replace(/-si$/, '');
    const attempt = Number(form.get('metadata[attempt]'));
    const operation = form.get('customer') === null ? 'verify' : 'tokenize';
    const ref = { paymentRef, attempt, idempotencyKey: key, amount: money(0, 'USD'), operation } as const;
    return {
      receipt: bank.submit(ref, card),
      reply: (verdict) =>
        verdict.outcome === 'approved'
          ? json(200, { id, object: 'setup_intent', status: 'succeeded', payment_method: method })
          : confirmed({ id, ref, canceled: false }, verdict),
    };
  }

  function capture(intent: Intent, request: SimulatedRequest): SimulatedReply {
    const minor = Number(new URLSearchParams(request.body.toString('latin1')).get('amount_to_capture'));
    const key = String(request.headers['idempotency-key'] ?? '');
    const change = bank.change(entryOf(intent)?.transactionId ?? '', 'capture', minor, key);
    return change.outcome === 'done' ? stateOf(intent) : unexpected(change.code);
  }

  function createIntent(request: SimulatedRequest): SimulatedReply {
    const form = new URLSearchParams(request.body.toString('latin1'));
    const paymentRef = form.get('metadata[payment_ref]');
    const key = String(request.headers['idempotency-key'] ?? '').replace(/-pi$/, '');
    if (paymentRef === null)
      return json(400, { error: { type: 'invalid_request_error', message: 'metadata' } });
    const amount = money(Number(form.get('amount')), (form.get('currency') ?? '').toUpperCase());
    const operation = form.get('capture_method') === 'manual' ? 'authorize' : 'sale';
    const attempt = Number(form.get('metadata[attempt]'));
    const ref = { paymentRef, attempt, idempotencyKey: key, amount, operation } as const;
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
    const form = new URLSearchParams(request.body.toString('latin1'));
    const intent = intents.get(form.get('payment_intent') ?? '');
    if (!intent) return json(404, { error: { type: 'invalid_request_error', code: 'resource_missing' } });
    const minor = form.get('amount');
    if (minor !== null) {
      const key = form.get('metadata[key]') ?? '';
      const change = bank.change(entryOf(intent)?.transactionId ?? '', 'refund', Number(minor), key);
      return change.outcome === 'done'
        ? json(200, refundOf(change.transactionId, key))
        : unexpected(change.code);
    }
    const done = bank.reverse(intent.ref.paymentRef, intent.ref.attempt);
    return done === 'reversed'
      ? json(200, { id: 're_1', object: 'refund', status: 'succeeded' })
      : json(400, { error: { type: 'invalid_request_error', code: 'charge_already_refunded' } });
  }

  return {
    paths: /^\/v1\/(payment_intents|payment_methods|setup_intents|customers|refunds|balance)/,
    answer(request) {
      if (!/^Bearer sk_/.test(String(request.headers['authorization'])))
        return json(401, { error: { type: 'invalid_request_error' } });
      const url = new URL(request.path, 'http://stripe');
      if (url.pathname === '/v1/balance') return json(200, { object: 'balance' });
      if (url.pathname === '/v1/payment_methods') return createMethod(request);
      if (url.pathname === '/v1/setup_intents') return setUp(request);
      if (url.pathname === '/v1/customers') {
        const id = once(request, 'cus', () => undefined);
        return id === undefined ? keyReused() : json(200, { id, object: 'customer' });
      }
      if (url.pathname === '/v1/refunds' && request.method === 'GET') {
        const asked = intents.get(url.searchParams.get('payment_intent') ?? '');
        const refunds = (asked && entryOf(asked)?.changes)?.filter(({ kind }) => kind === 'refund') ?? [];
        const data = refunds.map(({ transactionId, key }) => refundOf(transactionId, key));
        return json(200, { object: 'list', data, has_more: false });
      }
      if (url.pathname === '/v1/refunds') return refund(request);
      if (url.pathname === '/v1/payment_intents') return createIntent(request);
      if (url.pathname === '/v1/payment_intents/search') return search(url.searchParams.get('query') ?? '');
      const [, id = '', verb] =
        /^\/v1\/payment_intents\/([^/]+)(?:\/(confirm|cancel|capture))?$/.exec(url.pathname) ?? [];
      const intent = intents.get(id);
      if (!intent) return json(404, { error: { type: 'invalid_request_error', code: 'resource_missing' } });
      if (verb === 'confirm') return confirm(intent, request);
      if (verb === 'capture') return capture(intent, request);
      if (verb === 'cancel') {
        const state = entryOf(intent)?.state;
        if (state === 'approved') return unexpected('succeeded');
        bank.reverse(intent.ref.paymentRef, intent.ref.attempt);
        intent.canceled = true;
      }
      return stateOf(intent);
    },
  };
}

function confirmed({ id, ref }: Intent, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved': {
      const state =
        ref.operation === 'authorize'
          ? { status: 'requires_capture', amount_capturable: ref.amount.minor }
          : { status: 'succeeded', amount_received: ref.amount.minor };
      return json(200, { id, object: 'payment_intent', ...state, latest_charge: 'ch_1' });
    }
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

function refundOf(id: string, key: string) {
  return { id, object: 'refund', status: 'succeeded', metadata: { key } };
}

function unexpected(message: string): SimulatedReply {
  return json(400, {
    error: { type: 'invalid_request_error', code: 'payment_intent_unexpected_state', message },
  });
}

function keyReused(): SimulatedReply {
  return json(400, {
    error: {
      type: 'idempotency_error',
      message: 'Keys for idempotent requests can only be used with the same parameters',
    },
  });
}
