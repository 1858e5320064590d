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
import { believed, byStatus, classIn, majorTold, Outcomes, refused, unknown } from './outcome.ts';
import { formOf, type ReplyNode, xmlOf } from './reply-node.ts';
import { worded } from './reply-text.ts';
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
/** Authorized and not captured. */
const kHeld = 'pending';
const kTypes = { sale: 'sale', authorize: 'auth', verify: 'validate', tokenize: 'validate' } as const;

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
    if (!kCharged.has(found.condition) && found.condition !== kHeld) return 'pending';
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

  const followUp = (wire: Wire, { kind, transactionId, amount }: FollowUp) => {
    const ask = post('/api/transact.php', [
      ['type', kind],
      ['transactionid', transactionId],
      ['amount', kind === 'void' ? null : formatMajor(amount)],
    ]);
    return wire.ask({ ...ask, charges: true }, (reply) => believed(reply, followUpOf));
  };

  return {
    name: 'nmi',
    idempotency: 'none',
    capabilities: { lookUp: 'every', reversal: 'told' },
    operations: kGatewayKinds.nmi.operations,
    followUp,
    findFollowUp: (wire, order) =>
      wire.ask(post('/api/query.php', [['order_id', order.payment.idempotencyKey]]), (reply) =>
        followUpIn(reply, order),
      ),
    submit: (wire, request, card) =>
      wire.ask({ ...post('/api/transact.php', saleOf(request, card)), charges: true }, (reply) =>
        believed(reply, (each) => verdictOf(each, request)),
      ),
    query,
    reverse,
    check: (wire) => wire.ask(post('/api/query.php', [['order_id', 'hushpay-check']]), reachable),
  };
}

function saleOf(request: PaymentRequest, card: CardSecret): Parameters<typeof formSegments>[0] {
  const { operation = 'sale' } = request;
  const movesMoney = operation === 'sale' || operation === 'authorize';
  return [
    ['type', kTypes[operation]],
    ['ccnumber', digits(card, 'pan')],
    ['ccexp', digits(card, 'expiry')],
    ['cvv', digits(card, 'cvv')],
    ['zip', around('', digits(card, 'postal'))],
    ['amount', movesMoney ? formatMajor(request.amount) : null],
    ['currency', movesMoney ? request.amount.currency : null],
    ['customer_vault', operation === 'tokenize' ? 'add_customer' : null],
    ['orderid', request.idempotencyKey],
    ['order_description', request.reference],
    ['industry', 'moto'],
    ['dup_seconds', kDuplicateSeconds],
  ];
}

function verdictOf(reply: RawReply, { idempotencyKey, operation }: PaymentRef): SubmitResult {
  const form = reply.status === 200 ? formOf(reply) : undefined;
  const response = form?.text('/response');
  if (!form || response === undefined) return byStatus(reply.status);
  if ((form.text('/orderid') || idempotencyKey) !== idempotencyKey)
    return unknown('the answer names another payment');
  const id = form.text('/transactionid') || undefined;
  const code = form.text('/response_code') ?? 'none';
  if (response === '1') {
    const token = form.text('/customer_vault_id') || undefined;
    return operation === 'tokenize' && token === undefined
      ? unknown('approved without a token')
      : new Outcomes(reply).approved(id, form.text('/authcode') || undefined, undefined, token);
  }
  if (response === '2') return new Outcomes(reply).declined(classIn(kClasses, code), code, id);
  return response === '3' ? errorOf(reply, form, code) : unknown(worded`response ${response}`);
}

function errorOf(reply: RawReply, form: ReplyNode, code: string): SubmitResult {
  const text = form.text('/responsetext') ?? '';
  if (kUnknownCodes.split(' ').includes(code) || /duplicate/i.test(text))
    return unknown(worded`response code ${code}`);
  if (kConfigCodes.split(' ').includes(code)) return refused(`response code ${code}`, text);
  if (code === '300' && /card number|expiration|ccnumber|ccexp|cvv/i.test(text))
    return new Outcomes(reply).declined('reenter', code);
  return code === '300' ? refused('response code 300', text) : unknown(worded`response code ${code}`);
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

function followUpOf(reply: RawReply): FollowUpResult {
  const form = reply.status === 200 ? formOf(reply) : undefined;
  const response = form?.text('/response');
  if (!form || response === undefined) return followUpByStatus(reply);
  const code = form.text('/response_code') ?? 'none';
  if (response === '1') return done(form.text('/transactionid') || undefined);
  if (kUnknownCodes.split(' ').includes(code) || (response !== '2' && response !== '3'))
    return unheard(worded`response code ${code}`);
  return refusal(`response code ${code}`, form.text('/responsetext'));
}

/** Refunds have no name of ours there: what all of them come to tells whether this one is among them. */
function followUpIn(reply: RawReply, order: FollowUp): FollowUpResult | NotFound {
  const { kind, transactionId, amount, beforeMinor } = order;
  const xml = reply.status === 200 ? xmlOf(reply) : undefined;
  const own = (xml?.list('/nm_response/transaction') ?? []).find(
    (item) => item.text('/transaction_id') === transactionId,
  );
  if (!own) return unheard(`look-up: status ${reply.status}`);
  const condition = own.text('/condition') ?? '';
  if (kind === 'void') return condition === 'canceled' ? done(transactionId) : { kind: 'not_found' };
  if (kind === 'capture') {
    if (kCharged.has(condition)) return done(transactionId);
    return condition === kHeld ? { kind: 'not_found' } : unheard(worded`condition ${condition}`);
  }
  const refunds = own
    .list('/action')
    .filter((action) => action.text('/action_type') === 'refund' && action.text('/success') === '1')
    .map((action) => majorTold(action.text('/amount')?.replace('-', ''), amount)?.minor ?? Number.NaN);
  const total = refunds.reduce((sum, minor) => sum + minor, 0);
  if (total === beforeMinor + amount.minor) return done(transactionId);
  return total === beforeMinor ? { kind: 'not_found' } : unheard('refunds of somebody else');
}

function foundIn(reply: RawReply, { idempotencyKey, operation }: PaymentRef): Found | Silence {
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
  const type = kTypes[operation ?? 'sale'];
  const code = actions.find((action) => action.text('/action_type') === type)?.text('/response_code');
  let result: QueryResult;
  if (condition === 'canceled' || isRefunded) result = outcomes.takenBack(id);
  else if (condition === 'failed') result = outcomes.declined(classIn(kClasses, code ?? ''), code, id);
  else if (kCharged.has(condition) || (operation === 'authorize' && condition === kHeld))
    result = outcomes.approved(id, best.text('/authorization_code') || undefined);
  else result = unknown(worded`condition ${condition}`);
  return { kind: 'found', id, condition, isRefunded, result };
}
