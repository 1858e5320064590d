import type { CardSecret } from '../card/card-secret.ts';
import type { DeclineClass, PaymentRef, PaymentRequest, SubmitResult } from '../ports/payment-gateway.ts';
import {
  type Ask,
  basic,
  type Dialect,
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
} from './dialect.ts';
import { byStatus, Outcomes, refused, transient, unknown } from './outcome.ts';
import { type ReplyNode, xmlOf } from './reply-node.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';
import { attribute, escaped } from './xml-text.ts';

export interface XmlOptions {
  /** Basic credentials, or null for a gateway that knows us by the network or our certificate. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
}

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
  const post = (ref: PaymentRef, segments: readonly Segment[]): Ask => ({
    method: 'POST',
    path: '',
    headers: { ...own, accept: 'application/xml', 'idempotency-key': ref.idempotencyKey },
    body: { contentType: 'application/xml; charset=utf-8', segments: [kHead, ...segments] },
  });
  const named = (element: string, ref: PaymentRef) =>
    `<${element} version="1"${attribute('paymentRef', ref.paymentRef)}${attribute('attempt', ref.attempt)}`;

  return {
    name: 'xml',
    idempotency: 'key',
    capabilities: { lookUp: 'every', reversal: 'told' },
    submit: (wire, request, card) => {
      const segments = [
        `${named('PaymentRequest', request)} operation="sale">`,
        ...bodyOf(request, card),
        '</PaymentRequest>',
      ];
      return wire.ask({ ...post(request, segments), charges: true }, (reply) => verdictOf(reply, request));
    },
    query: (wire, ref) =>
      wire.ask(post(ref, [`${named('PaymentInquiry', ref)}/>`]), (reply) => queryResultOf(reply, ref)),
    reverse: (wire, ref) =>
      wire.ask({ ...post(ref, [`${named('PaymentReversal', ref)}/>`]), charges: true }, (reply) =>
        reversalOf(reply, ref),
      ),
    check: (wire) => wire.ask({ method: 'GET', path: '', headers: own }, reachable),
  };
}

function bodyOf(request: PaymentRequest, card: CardSecret): Segment[] {
  const { merchantId, customerId, reference, amount, brand, call } = request;
  return [
    merchantId === null ? '' : `<Merchant${attribute('id', merchantId)}/>`,
    customerId === null ? '' : `<Customer${attribute('id', customerId)}/>`,
    reference === null ? '' : `<Reference>${escaped(reference)}</Reference>`,
    `<Amount value="${amount.minor}" currency="${amount.currency}" exponent="${amount.exponent}"/><Card brand="${brand}"><Number>`,
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
  if (outcome !== 'approved' || !isOk) return unknown(`status ${reply.status}, outcome ${outcome}`);
  if (!isWhole(xml, ref)) return unknown('approved for another amount');
  return new Outcomes(reply).approved(
    id,
    xml.text(`${at}/AuthCode`) || undefined,
    xml.text(`${at}/SpokenReference`) || undefined,
  );
}

function queryResultOf(reply: RawReply, ref: PaymentRef): QueryResult {
  const xml = xmlOf(reply);
  if (xml?.text('/PaymentResponse@outcome') === 'not_found' && belongsTo(xml, ref))
    return { kind: 'not_found' };
  if (reply.status !== 200) return unknown(`look-up: status ${reply.status}`);
  const result = verdictOf(reply, ref);
  switch (result.kind) {
    case 'approved':
    case 'declined':
    case 'unknown':
      return result;
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

function isWhole(xml: ReplyNode, { amount }: PaymentRef): boolean {
  const at = '/PaymentResponse/ApprovedAmount';
  if (!xml.has(at)) return true;
  return (
    xml.text(`${at}@value`) === String(amount.minor) &&
    xml.text(`${at}@currency`) === amount.currency &&
    xml.text(`${at}@exponent`) === String(amount.exponent)
  );
}
