import type { CardSecret } from '../card/card-secret.ts';
import { formatMajor } from '../money/money.ts';
import type { DeclineClass, PaymentRef, PaymentRequest, SubmitResult } from '../ports/payment-gateway.ts';
import {
  type Ask,
  type Dialect,
  isSilence,
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
  type Silence,
  type Wire,
} from './dialect.ts';
import { formSegments, kForm } from './form.ts';
import { byStatus, classIn, Outcomes, refused, unknown } from './outcome.ts';
import { formOf, type ReplyNode, xmlOf } from './reply-node.ts';
import { around, digits } from './secret-body.ts';

export interface NmiOptions {
  /** Never logged. */
  readonly securityKey: string;
}

const kDuplicateSeconds = 1200;

// response_code. 300 is told apart by its text.
const kClasses: Readonly<Record<DeclineClass, string>> = {
  reenter: '220 222 223 224 225',
  hard: '204 221 250 251 252 253 261 262 263',
  auth_required: '',
  soft: '',
};
const kConfigCodes = '410 411 440 441 460 461';
/** Sent on to the bank, and no word from there; or taken for a duplicate of one that was. */
const kUnknownCodes = '400 420 421 430';
const kCharged = new Set(['complete', 'pendingsettlement']);

/** NMI and the gateways that are NMI under another name: forms in, forms and XML out. */
export function nmiDialect({ securityKey }: NmiOptions): Dialect {
  const post = (path: string, fields: Parameters<typeof formSegments>[0]): Ask => ({
    method: 'POST',
    path,
    headers: { accept: '*/*' },
    body: { contentType: kForm, segments: formSegments([['security_key', securityKey], ...fields]) },
  });

  const look = (wire: Wire, ref: PaymentRef) =>
    wire.ask(post('/api/query.php', [['order_id', ref.idempotencyKey]]), (reply) => foundIn(reply, ref));

  async function query(wire: Wire, ref: PaymentRef): Promise<QueryResult | Silence> {
    const found = await look(wire, ref);
    return 'result' in found ? found.result : found;
  }

  async function reverse(wire: Wire, ref: PaymentRef): Promise<ReversalResult | Silence> {
    const found = await look(wire, ref);
    if (isSilence(found)) return found;
    if (!('result' in found)) return 'nothing_to_reverse';
    if (found.condition === 'canceled' || found.isRefunded) return 'reversed';
    if (found.result.kind === 'declined') return 'nothing_to_reverse';
    if (!kCharged.has(found.condition)) return 'pending';
    const type = found.condition === 'complete' ? 'refund' : 'void';
    const ask = post('/api/transact.php', [
      ['type', type],
      ['transactionid', found.id],
    ]);
    return wire.ask({ ...ask, charges: true }, (reply) => {
      const response = reply.status === 200 ? formOf(reply)?.text('/response') : undefined;
      if (response === '1') return 'reversed';
      return response === undefined ? 'pending' : 'failed';
    });
  }

  return {
    name: 'nmi',
    idempotency: 'none',
    capabilities: { lookUp: 'every', reversal: 'told' },
    submit: (wire, request, card) =>
      wire.ask({ ...post('/api/transact.php', saleOf(request, card)), charges: true }, (reply) =>
        verdictOf(reply, request),
      ),
    query,
    reverse,
    check: (wire) => wire.ask(post('/api/query.php', [['order_id', 'hushpay-check']]), reachable),
  };
}

function saleOf(request: PaymentRequest, card: CardSecret): Parameters<typeof formSegments>[0] {
  return [
    ['type', 'sale'],
    ['ccnumber', digits(card, 'pan')],
    ['ccexp', digits(card, 'expiry')],
    ['cvv', digits(card, 'cvv')],
    ['zip', around('', digits(card, 'postal'))],
    ['amount', formatMajor(request.amount)],
    ['currency', request.amount.currency],
    ['orderid', request.idempotencyKey],
    ['order_description', request.reference],
    ['industry', 'moto'],
    ['dup_seconds', kDuplicateSeconds],
  ];
}

function verdictOf(reply: RawReply, { idempotencyKey }: PaymentRef): SubmitResult {
  const form = reply.status === 200 ? formOf(reply) : undefined;
  const response = form?.text('/response');
  if (!form || response === undefined) return byStatus(reply.status);
  if ((form.text('/orderid') || idempotencyKey) !== idempotencyKey)
    return unknown('the answer names another payment');
  const id = form.text('/transactionid') || undefined;
  const code = form.text('/response_code') ?? 'none';
  if (response === '1') return new Outcomes(reply).approved(id, form.text('/authcode') || undefined);
  if (response === '2') return new Outcomes(reply).declined(classIn(kClasses, code), code, id);
  return response === '3' ? errorOf(reply, form, code) : unknown(`response ${response}`);
}

function errorOf(reply: RawReply, form: ReplyNode, code: string): SubmitResult {
  const text = form.text('/responsetext') ?? '';
  if (kUnknownCodes.split(' ').includes(code) || /duplicate/i.test(text))
    return unknown(`response code ${code}`);
  if (kConfigCodes.split(' ').includes(code)) return refused(`response code ${code}`, text);
  if (code === '300' && /card number|expiration|ccnumber|ccexp|cvv/i.test(text))
    return new Outcomes(reply).declined('reenter', code);
  return code === '300' ? refused('response code 300', text) : unknown(`response code ${code}`);
}

type Found =
  | { readonly kind: 'not_found' }
  | {
      readonly kind: 'found';
      readonly id: string;
      readonly condition: string;
      readonly isRefunded: boolean;
      readonly result: QueryResult;
    };

function foundIn(reply: RawReply, { idempotencyKey }: PaymentRef): Found | Silence {
  const xml = reply.status === 200 ? xmlOf(reply) : undefined;
  if (!xml?.has('/nm_response') || xml.has('/nm_response/error_response'))
    return unknown(`look-up: status ${reply.status}`);
  const own = xml
    .list('/nm_response/transaction')
    .filter((item) => item.text('/order_id') === idempotencyKey);
  // A resend that was refused as a duplicate is a transaction too: the one that charged counts.
  const best = own.find((item) => item.text('/condition') !== 'failed') ?? own[0];
  const id = best?.text('/transaction_id');
  if (!best || id === undefined) return { kind: 'not_found' };
  const condition = best.text('/condition') ?? '';
  const actions = best.list('/action');
  const isRefunded = actions.some(
    (action) => action.text('/action_type') === 'refund' && action.text('/success') === '1',
  );
  const outcomes = new Outcomes(reply);
  const code = actions.find((action) => action.text('/action_type') === 'sale')?.text('/response_code');
  let result: QueryResult;
  if (condition === 'canceled' || isRefunded) result = outcomes.declined('soft', 'reversed', id);
  else if (condition === 'failed') result = outcomes.declined(classIn(kClasses, code ?? ''), code, id);
  else if (kCharged.has(condition))
    result = outcomes.approved(id, best.text('/authorization_code') || undefined);
  else result = unknown(`condition ${condition}`);
  return { kind: 'found', id, condition, isRefunded, result };
}
