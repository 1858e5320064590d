import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import { kGatewayKinds } from '../ports/gateway-kinds.ts';
import type {
  FollowUp,
  FollowUpResult,
  PaymentRef,
  PaymentRequest,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import {
  type Ask,
  basic,
  type CheckResult,
  type Dialect,
  isSilence,
  type NotFound,
  type QueryResult,
  type RawReply,
  type ReversalResult,
  type Silence,
  type Wire,
} from './dialect.ts';
import { accepted, done, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { believed, byStatus, classOfIso, minorTold, Outcomes, refused, unknown } from './outcome.ts';
import { type ReplyNode, xmlOf } from './reply-node.ts';
import { worded } from './reply-text.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';
import { attribute, escaped } from './xml-text.ts';

export interface WorldpayOptions {
  readonly merchantCode: string;
  readonly user: string;
  readonly password: string;
  /** A caller cannot key a name, and the gateway wants one. */
  readonly cardholderName: string;
}

const kPath = '/jsp/merchant/xml/paymentService.jsp';
const kDocument =
  '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE paymentService PUBLIC "-//Worldpay//DTD Worldpay PaymentService v1//EN" "http://dtd.worldpay.com/paymentService_v1.dtd">';
const kCharged = new Set(['AUTHORISED', 'CAPTURED', 'SETTLED', 'SETTLED_BY_MERCHANT']);
const kTakenBack = new Set(['CANCELLED', 'REFUNDED', 'SENT_FOR_REFUND', 'REFUNDED_BY_MERCHANT', 'EXPIRED']);

/**
 * Worldpay WPG, XML. Whether an order is captured by itself is the account's setting, so sales and authorizations are sent alike; the
 * order of elements is the DTD's.
 */
export function worldpayDialect(options: WorldpayOptions, clock: Clock): Dialect {
  const headers = { authorization: basic(options.user, options.password), accept: 'text/xml' };
  const post = (segments: readonly Segment[]): Ask => ({
    method: 'POST',
    path: kPath,
    headers,
    body: {
      contentType: 'text/xml',
      segments: [
        `${kDocument}<paymentService version="1.4"${attribute('merchantCode', options.merchantCode)}>`,
        ...segments,
        '</paymentService>',
      ],
    },
  });
  const inquiry = ({ idempotencyKey }: PaymentRef) =>
    post([`<inquiry><orderInquiry${attribute('orderCode', idempotencyKey)}/></inquiry>`]);

  async function reverse(wire: Wire, ref: PaymentRef): Promise<ReversalResult | Silence> {
    const found = await wire.ask(inquiry(ref), (reply) => queryResultOf(reply, ref));
    if (isSilence(found)) return found;
    if (found.kind === 'not_found') return 'nothing_to_reverse';
    if (found.kind === 'declined') return kTakenBack.has(found.code) ? 'reversed' : 'nothing_to_reverse';
    const order = `<modify><orderModification${attribute('orderCode', ref.idempotencyKey)}><cancelOrRefund/></orderModification></modify>`;
    // Only received, not done: the next look-up tells.
    return wire.ask({ ...post([order]), charges: true }, (reply) =>
      xmlOf(reply)?.has('/paymentService/reply/ok') || reply.status >= 500 ? 'pending' : 'failed',
    );
  }

  const followUp = (wire: Wire, order: FollowUp) =>
    wire.ask({ ...post([changeOf(order, clock.date())]), charges: true }, (reply) =>
      believed(reply, followUpResultOf),
    );

  return {
    name: 'worldpay',
    idempotency: 'none',
    capabilities: { lookUp: 'every', reversal: 'later' },
    operations: kGatewayKinds.worldpay.operations,
    followUp,
    findFollowUp: (wire, order) => wire.ask(inquiry(order.payment), (reply) => followUpIn(reply, order)),
    submit: (wire, request, card) =>
      request.operation === 'tokenize'
        ? wire.ask({ ...post(tokenOrderOf(request, card, options)), charges: true }, (reply) =>
            believed(reply, (each) => tokenOf(each, request)),
          )
        : wire.ask({ ...post(orderOf(request, card, options)), charges: true }, (reply) =>
            believed(reply, (each) => verdictOf(each, request)),
          ),
    query: (wire, ref) => wire.ask(inquiry(ref), (reply) => queryResultOf(reply, ref)),
    reverse,
    check: (wire) =>
      wire.ask(post(['<inquiry><orderInquiry orderCode="hushpay-check"/></inquiry>']), checkOf),
  };
}

function orderOf(request: PaymentRequest, card: CardSecret, options: WorldpayOptions): Segment[] {
  const { idempotencyKey, reference } = request;
  return [
    `<submit><order${attribute('orderCode', idempotencyKey)}><description>${escaped((reference ?? idempotencyKey).slice(0, 50))}</description>`,
    `<amount${amountOf(request)}/>`,
    '<paymentDetails><CARD-SSL>',
    ...cardOf(card, options),
    '</CARD-SSL></paymentDetails><dynamicInteractionType type="MOTO"/></order></submit>',
  ];
}

function tokenOrderOf(
  { idempotencyKey }: PaymentRequest,
  card: CardSecret,
  options: WorldpayOptions,
): Segment[] {
  const name = `<tokenEventReference>${idempotencyKey}</tokenEventReference>`;
  return [
    `<submit><paymentTokenCreate><createToken tokenScope="merchant">${name}</createToken><paymentInstrument><cardDetails>`,
    ...cardOf(card, options),
    '</cardDetails></paymentInstrument></paymentTokenCreate></submit>',
  ];
}

function amountOf({ amount }: Pick<PaymentRef, 'amount'>): string {
  return ` value="${amount.minor}" currencyCode="${amount.currency}" exponent="${amount.exponent}"`;
}

function cardOf(card: CardSecret, { cardholderName }: WorldpayOptions): Segment[] {
  return [
    '<cardNumber>',
    ...digits(card, 'pan'),
    '</cardNumber>',
    ...around(
      '<expiryDate><date month="',
      [...month(card, 'mm'), ...around('" year="', year(card, 'yyyy'))],
      '"/></expiryDate>',
    ),
    `<cardHolderName>${escaped(cardholderName)}</cardHolderName>`,
    ...around('<issueNumber>', digits(card, 'issue'), '</issueNumber>'),
    ...around('<cvc>', digits(card, 'cvv'), '</cvc>'),
    ...around(
      '<cardAddress><address><postalCode>',
      digits(card, 'postal'),
      '</postalCode></address></cardAddress>',
    ),
  ];
}

function changeOf(order: FollowUp, now: Date): string {
  const amount = amountOf(order);
  const today = `<date dayOfMonth="${now.getUTCDate()}" month="${now.getUTCMonth() + 1}" year="${now.getUTCFullYear()}"/>`;
  const change = {
    capture: `<capture>${today}<amount${amount} debitCreditIndicator="credit"/></capture>`,
    void: '<cancel/>',
    refund: `<refund><amount${amount} debitCreditIndicator="credit"/></refund>`,
  }[order.kind];
  return `<modify><orderModification${attribute('orderCode', order.payment.idempotencyKey)}>${change}</orderModification></modify>`;
}

const kReply = '/paymentService/reply';
const kOrder = `${kReply}/orderStatus`;

function errorOf(xml: ReplyNode): { readonly code: string; readonly text: string } | undefined {
  const at = [`${kReply}/error`, `${kOrder}/error`].find((path) => xml.has(path));
  if (at === undefined) return undefined;
  return { code: xml.text(`${at}@code`) ?? '', text: xml.text(at) ?? '' };
}

function verdictOf(reply: RawReply, ref: PaymentRef): SubmitResult {
  const xml = xmlOf(reply);
  if (reply.status !== 200 || !xml?.has(kReply)) return byStatus(reply.status);
  const error = errorOf(xml);
  if (error) return refusalOf(error, reply);
  return paymentOf(xml, reply, ref);
}

function refusalOf(
  { code, text }: { readonly code: string; readonly text: string },
  reply: RawReply,
): SubmitResult {
  if (code === '7') return new Outcomes(reply).declined('reenter', 'invalid_details');
  // 1: internal error. An order code that is taken was sent before.
  if (code === '1' || /duplicate|already exist/i.test(text)) return unknown(worded`error ${code}`);
  return ['2', '3', '4', '5', '6'].includes(code)
    ? refused(`error ${code}`, text)
    : unknown(worded`error ${code}`);
}

function paymentOf(
  xml: ReplyNode,
  reply: RawReply,
  { idempotencyKey, amount }: PaymentRef,
): Exclude<QueryResult, { kind: 'not_found' }> {
  if (xml.text(`${kOrder}@orderCode`) !== idempotencyKey) return unknown('the answer names another payment');
  const at = `${kOrder}/payment`;
  const event = xml.text(`${at}/lastEvent`) ?? 'without an event';
  const iso = xml.text(`${at}/ISO8583ReturnCode@code`);
  const outcomes = new Outcomes(reply);
  if (event === 'REFUSED') return outcomes.declined(classOfIso(iso ?? ''), iso, idempotencyKey);
  if (kTakenBack.has(event)) return outcomes.takenBack(idempotencyKey, event);
  if (!kCharged.has(event)) return unknown(worded`last event ${event}`);
  const told = minorTold(xml.text(`${at}/amount@value`), amount, {});
  return outcomes.approvedFor(amount, told, idempotencyKey, xml.text(`${at}/AuthorisationId@id`));
}

function tokenOf(reply: RawReply, { idempotencyKey }: PaymentRef): SubmitResult {
  const xml = xmlOf(reply);
  if (reply.status !== 200 || !xml?.has(kReply)) return byStatus(reply.status);
  const error = errorOf(xml);
  if (error) return refusalOf(error, reply);
  const token = xml.text(`${kReply}/token/tokenDetails/paymentTokenID`);
  const named = xml.text(`${kReply}/token/tokenEventReference`) ?? idempotencyKey;
  if (token === undefined || named !== idempotencyKey) return unknown('no token of this payment');
  return new Outcomes(reply).approved(idempotencyKey, undefined, undefined, token);
}

/** An order to change is only received: the inquiry tells later whether it was carried out. */
function followUpResultOf(reply: RawReply): FollowUpResult {
  const xml = xmlOf(reply);
  if (reply.status !== 200 || !xml?.has(kReply)) return followUpByStatus(reply);
  const error = errorOf(xml);
  if (error) return error.code === '1' ? unheard('error 1') : refusal(`error ${error.code}`, error.text);
  return xml.has(`${kReply}/ok`) ? accepted() : unheard('no readable answer');
}

const kChanged: Readonly<Record<FollowUp['kind'], ReadonlySet<string>>> = {
  capture: new Set(['CAPTURED', 'SETTLED', 'SETTLED_BY_MERCHANT', 'SENT_FOR_REFUND', 'REFUNDED']),
  void: new Set(['CANCELLED']),
  refund: new Set(['SENT_FOR_REFUND', 'REFUNDED', 'REFUNDED_BY_MERCHANT']),
};

/** What did not show yet may come: never absent. After a first refund the last event says nothing of a second one. */
function followUpIn(reply: RawReply, { kind, payment, beforeMinor }: FollowUp): FollowUpResult | NotFound {
  const xml = xmlOf(reply);
  const isOwn = xml?.text(`${kOrder}@orderCode`) === payment.idempotencyKey;
  const event = xml?.text(`${kOrder}/payment/lastEvent`) ?? 'without an event';
  return reply.status === 200 && isOwn && beforeMinor === 0 && kChanged[kind].has(event)
    ? done()
    : unheard(worded`look-up: last event ${event}`);
}

function queryResultOf(reply: RawReply, ref: PaymentRef): QueryResult {
  const xml = xmlOf(reply);
  if (reply.status !== 200 || !xml?.has(kReply)) return unknown(`look-up: status ${reply.status}`);
  const error = errorOf(xml);
  if (!error) return paymentOf(xml, reply, ref);
  const isAbsent = error.code === '5' && /could not find|not found/i.test(error.text);
  return isAbsent ? { kind: 'not_found' } : unknown(worded`look-up: error ${error.code}`);
}

function checkOf(reply: RawReply): CheckResult {
  if (reply.status === 401) return { ok: false, reason: 'status 401: the credentials were refused' };
  const xml = reply.status === 200 ? xmlOf(reply) : undefined;
  const error = xml && errorOf(xml);
  if (error?.code === '4') return { ok: false, reason: 'error 4: the merchant code was refused' };
  return xml ? { ok: true } : { ok: false, reason: `status ${reply.status}` };
}
