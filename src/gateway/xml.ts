import type { CardSecret } from '../card/card-secret.ts';
import type { Money } from '../money/money.ts';
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
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
  type Wire,
} from './dialect.ts';
import { accepted, answeredAgain, done, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { asLookUp, believed, byStatus, Outcomes, refused, transient, unknown } from './outcome.ts';
import { type ReplyNode, xmlOf } from './reply-node.ts';
import { worded } from './reply-text.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';
import { attribute, escaped } from './xml-text.ts';

export interface XmlOptions {
  /** Basic credentials, or null for a gateway that knows us by the network or our certificate. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
}

// The contract asks for so long.
const kChangeKeysMs = 48 * 3_600_000;
const kHead = '<?xml version="1.0" encoding="UTF-8"?>';
const kClasses: readonly string[] = ['reenter', 'soft', 'hard', 'auth_required'] satisfies DeclineClass[];
const kReversals: readonly string[] = [
  'reversed',
  'nothing_to_reverse',
  'failed',
  'pending',
] satisfies ReversalResult[];

/** Hushpay's own XML contract: docs/gateway-xml.xsd. Everything is a POST to one address. */
export function xmlDialect({ credentials }: XmlOptions): Dialect {
  const own: Readonly<Record<string, string>> =
    credentials === null ? {} : { authorization: basic(credentials.user, credentials.password) };
  const post = (key: string, segments: readonly Segment[]): Ask => ({
    method: 'POST',
    path: '',
    headers: { ...own, accept: 'application/xml', 'idempotency-key': key },
    body: { contentType: 'application/xml; charset=utf-8', segments: [kHead, ...segments] },
  });
  const named = (element: string, ref: PaymentRef) =>
    `<${element} version="1"${attribute('paymentRef', ref.paymentRef)}${attribute('attempt', ref.attempt)}`;
  // The same key gives the first result again, so that asking again is asking what became of it.
  const change = (wire: Wire, order: FollowUp, how: typeof answeredAgain) => {
    const { kind, payment, key, transactionId } = order;
    const element = `${named('PaymentChange', payment)} operation="${kind}"${attribute('key', key)}>`;
    const segments = [
      `${element}<TransactionId>${escaped(transactionId)}</TransactionId>${amountElement(order)}</PaymentChange>`,
    ];
    return wire.ask({ ...post(key, segments), charges: true }, (reply) =>
      how(reply, (each) => followUpResultOf(each, payment)),
    );
  };

  return {
    name: 'xml',
    idempotency: 'key',
    capabilities: { lookUp: 'every', reversal: 'told' },
    operations: kGatewayKinds.xml.operations,
    followUp: (wire, order) => change(wire, order, believed),
    findFollowUp: (wire, order) => change(wire, order, answeredAgain),
    changeKeysKnownForMs: kChangeKeysMs,
    submit: (wire, request, card) => {
      const segments = [
        `${named('PaymentRequest', request)} operation="${request.operation ?? 'sale'}">`,
        ...bodyOf(request, card),
        '</PaymentRequest>',
      ];
      return wire.ask({ ...post(request.idempotencyKey, segments), charges: true }, (reply) =>
        believed(reply, (each) => verdictOf(each, request)),
      );
    },
    query: (wire, ref) =>
      wire.ask(post(ref.idempotencyKey, [`${named('PaymentInquiry', ref)}/>`]), (reply) =>
        queryResultOf(reply, ref),
      ),
    reverse: (wire, ref) =>
      wire.ask(
        { ...post(ref.idempotencyKey, [`${named('PaymentReversal', ref)}/>`]), charges: true },
        (reply) => reversalOf(reply, ref),
      ),
    check: (wire) => wire.ask({ method: 'GET', path: '', headers: own }, reachable),
  };
}

function amountElement({ amount }: Pick<PaymentRef, 'amount'>): string {
  return `<Amount value="${amount.minor}" currency="${amount.currency}" exponent="${amount.exponent}"/>`;
}

function bodyOf(request: PaymentRequest, card: CardSecret): Segment[] {
  const { merchantId, customerId, reference, amount, brand, call } = request;
  return [
    merchantId === null ? '' : `<Merchant${attribute('id', merchantId)}/>`,
    customerId === null ? '' : `<Customer${attribute('id', customerId)}/>`,
    reference === null ? '' : `<Reference>${escaped(reference)}</Reference>`,
    `${amountElement({ amount })}<Card brand="${brand}"><Number>`,
    ...digits(card, 'pan'),
    '</Number>',
    ...around('<Expiry month="', [...month(card, 'mm'), ...around('" year="', year(card, 'yyyy'))], '"/>'),
    ...around('<SecurityCode>', digits(card, 'cvv'), '</SecurityCode>'),
    ...around('<IssueNumber>', digits(card, 'issue'), '</IssueNumber>'),
    ...around('<Start>', digits(card, 'start'), '</Start>'),
    ...around('<PostalCode>', digits(card, 'postal'), '</PostalCode>'),
    `</Card><Call${attribute('id', call.id)}${attribute('ani', call.from)}${attribute('dnis', call.to)}${attribute('mode', call.mode)} channel="moto"/>`,
  ];
}

function verdictOf(reply: RawReply, ref: PaymentRef): SubmitResult {
  const xml = xmlOf(reply);
  const at = '/PaymentResponse';
  const outcome = xml?.text(`${at}@outcome`);
  if (!xml || outcome === undefined) return byStatus(reply.status);
  if (!belongsTo(xml, ref)) return unknown('the answer names another payment');
  const isOk = reply.status >= 200 && reply.status < 300;
  const declineClass = xml.text(`${at}/Decline@class`) ?? '';
  const code = xml.text(`${at}/Decline@code`);
  const id = xml.text(`${at}/TransactionId`);
  const told = `${code ?? ''} ${xml.text(`${at}/Message`) ?? ''}`.trim() || 'no reason given';
  if (declineClass === 'config' && outcome !== 'approved') return refused(told);
  if (declineClass === 'transient' && outcome !== 'approved') return transient(told);
  if (outcome === 'declined') {
    const known = kClasses.includes(declineClass) ? (declineClass as DeclineClass) : 'soft';
    return new Outcomes(reply).declined(known, code, id);
  }
  if (outcome === 'error' && xml.text(`${at}@processed`) === 'false') return transient(told);
  if (outcome !== 'approved' || !isOk) return unknown(worded`status ${reply.status}, outcome ${outcome}`);
  return new Outcomes(reply).approvedFor(
    ref.amount,
    approvedAmount(xml),
    id,
    xml.text(`${at}/AuthCode`) || undefined,
    xml.text(`${at}/SpokenReference`) || undefined,
    xml.text(`${at}/Token`) || undefined,
  );
}

function followUpResultOf(reply: RawReply, ref: PaymentRef): FollowUpResult {
  const xml = xmlOf(reply);
  const at = '/PaymentResponse';
  const told = xml?.text(`${at}/Message`);
  if (!xml?.has(at) || reply.status < 200 || reply.status > 299) return followUpByStatus(reply, told);
  if (!belongsTo(xml, ref)) return unheard('the answer names another payment');
  const id = xml.text(`${at}/TransactionId`) || undefined;
  switch (xml.text(`${at}@outcome`)) {
    case 'done':
      return done(id);
    case 'accepted':
      return accepted(id);
    case 'refused':
      return refusal('refused', told);
    case 'error':
      return xml.text(`${at}@processed`) === 'false'
        ? { kind: 'not_sent', reason: 'not processed' }
        : unheard('error');
    default:
      return unheard('no readable answer');
  }
}

function queryResultOf(reply: RawReply, ref: PaymentRef): QueryResult {
  const xml = xmlOf(reply);
  if (xml?.text('/PaymentResponse@outcome') === 'not_found' && belongsTo(xml, ref))
    return { kind: 'not_found' };
  if (reply.status !== 200) return unknown(`look-up: status ${reply.status}`);
  const result = verdictOf(reply, ref);
  switch (result.kind) {
    case 'approved':
    case 'partial':
    case 'unknown':
      return result;
    case 'declined':
      return asLookUp(result);
    default:
      return { kind: 'not_found' }; // said not to have been processed
  }
}

function reversalOf(reply: RawReply, ref: PaymentRef): ReversalResult {
  const xml = xmlOf(reply);
  const outcome = xml?.text('/PaymentResponse@outcome') ?? '';
  if (reply.status === 200 && xml && belongsTo(xml, ref) && kReversals.includes(outcome))
    return outcome as ReversalResult;
  return reply.status >= 400 && reply.status < 500 ? 'failed' : 'pending';
}

/** An answer names its payment, or none at all. */
function belongsTo(xml: ReplyNode, { paymentRef, attempt }: PaymentRef): boolean {
  const named = xml.text('/PaymentResponse@paymentRef') ?? paymentRef;
  return (
    named === paymentRef && (xml.text('/PaymentResponse@attempt') ?? String(attempt)) === String(attempt)
  );
}

/** Undefined: it says none; null: one that cannot be read. */
function approvedAmount(xml: ReplyNode): Money | null | undefined {
  const at = '/PaymentResponse/ApprovedAmount';
  if (!xml.has(at)) return undefined;
  const told = (name: string) => xml.text(`${at}@${name}`) ?? '';
  if (!/^\d{1,15}$/.test(told('value')) || !/^[0-4]$/.test(told('exponent'))) return null;
  return { minor: Number(told('value')), currency: told('currency'), exponent: Number(told('exponent')) };
}
