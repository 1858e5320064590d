import { createHash, createHmac } from 'node:crypto';
import type { CardSecret } from '../card/card-secret.ts';
import { formatMajor } from '../money/money.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeclineClass, PaymentRef, PaymentRequest, SubmitResult } from '../ports/payment-gateway.ts';
import {
  type Ask,
  type Dialect,
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
} from './dialect.ts';
import { byStatus, classIn, Outcomes, refused, transient, unknown } from './outcome.ts';
import { jsonOf, type ReplyNode } from './reply-node.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';

export interface CybersourceOptions {
  readonly merchantId: string;
  readonly keyId: string;
  /** Base64 as the business centre shows it; never logged. */
  readonly sharedSecret: string;
  /** Goes into the signature: host and port of the base URL. */
  readonly host: string;
}

// errorInformation.reason.
const kClasses: Readonly<Record<DeclineClass, string>> = {
  reenter: 'EXPIRED_CARD INVALID_ACCOUNT CVN_NOT_MATCH INVALID_CVN CV_FAILED CVV_FAILED AVS_FAILED',
  hard: 'STOLEN_LOST_CARD UNAUTHORIZED_CARD CONSUMER_AUTHENTICATION_FAILED ACCOUNT_NOT_ALLOWED BLACKLISTED_CUSTOMER SUSPENDED_ACCOUNT DECISION_PROFILE_REJECT SCORE_EXCEEDS_THRESHOLD',
  auth_required: 'CONSUMER_AUTHENTICATION_REQUIRED CUSTOMER_AUTHENTICATION_REQUIRED PENDING_AUTHENTICATION',
  soft: '',
};
const kTransient = new Set(['PROCESSOR_UNAVAILABLE']);
const kCardFields = /^paymentInformation\.card\./;

/** Cybersource REST with HTTP signatures. An unknown sale is voided by our own transaction id, which needs none of theirs. */
export function cybersourceDialect(options: CybersourceOptions, clock: Clock): Dialect {
  const post = (path: string, segments: readonly Segment[]): Ask => ({
    method: 'POST',
    path,
    headers: (body) => signed(options, clock.date(), path, body),
    body: { contentType: 'application/json', segments },
  });
  return {
    name: 'cybersource',
    idempotency: 'none',
    capabilities: { lookUp: 'booked', reversal: 'told' },
    submit: (wire, request, card) =>
      wire.ask({ ...post('/pts/v2/payments', saleOf(request, card)), charges: true }, (reply) =>
        verdictOf(reply, request),
      ),
    query: (wire, ref) => {
      const search = {
        query: `clientReferenceInformation.code:${ref.idempotencyKey}`,
        sort: 'submitTimeUtc:desc',
        offset: 0,
        limit: 20,
      };
      return wire.ask(post('/tss/v2/searches', [JSON.stringify(search)]), (reply) =>
        queryResultOf(reply, ref),
      );
    },
    reverse: (wire, { idempotencyKey }) => {
      const order = { clientReferenceInformation: { code: idempotencyKey, transactionId: idempotencyKey } };
      return wire.ask({ ...post('/pts/v2/voids', [JSON.stringify(order)]), charges: true }, reversalOf);
    },
    check: (wire) =>
      wire.ask(
        post('/tss/v2/searches', [
          JSON.stringify({ query: 'clientReferenceInformation.code:hushpay-check', limit: 1 }),
        ]),
        reachable,
      ),
  };
}

/** HTTP signature over host, date, target, digest of the body and merchant. */
function signed(
  { merchantId, keyId, sharedSecret, host }: CybersourceOptions,
  now: Date,
  path: string,
  body: Uint8Array,
) {
  const date = now.toUTCString();
  const digest = `SHA-256=${createHash('sha256').update(body).digest('base64')}`;
  const text = [
    `host: ${host}`,
    `date: ${date}`,
    `request-target: post ${path}`,
    `digest: ${digest}`,
    `v-c-merchant-id: ${merchantId}`,
  ].join('\n');
  const signature = createHmac('sha256', Buffer.from(sharedSecret, 'base64')).update(text).digest('base64');
  return {
    date,
    digest,
    'v-c-merchant-id': merchantId,
    signature: `keyid="${keyId}", algorithm="HmacSHA256", headers="host date request-target digest v-c-merchant-id", signature="${signature}"`,
  };
}

function saleOf(request: PaymentRequest, card: CardSecret): Segment[] {
  const { idempotencyKey, amount } = request;
  const head = JSON.stringify({
    clientReferenceInformation: { code: idempotencyKey, transactionId: idempotencyKey },
    processingInformation: { capture: true, commerceIndicator: 'MOTO' },
  });
  const totals = JSON.stringify({ totalAmount: formatMajor(amount), currency: amount.currency });
  return [
    `${head.slice(0, -1)},"paymentInformation":{"card":{"number":"`,
    ...digits(card, 'pan'),
    '"',
    ...around(',"expirationMonth":"', month(card, 'mm'), '"'),
    ...around(',"expirationYear":"', year(card, 'yyyy'), '"'),
    ...around(',"securityCode":"', digits(card, 'cvv'), '"'),
    `}},"orderInformation":{"amountDetails":${totals}`,
    ...around(',"billTo":{"postalCode":"', digits(card, 'postal'), '"}'),
    '}}',
  ];
}

function verdictOf(reply: RawReply, { idempotencyKey, amount }: PaymentRef): SubmitResult {
  const json = jsonOf(reply);
  const status = json?.text('/status');
  if (!json || status === undefined) return byStatus(reply.status);
  if ((json.text('/clientReferenceInformation/code') ?? idempotencyKey) !== idempotencyKey)
    return unknown('the answer names another payment');
  if (reply.status === 201 && status === 'AUTHORIZED') {
    const authorized = json.text('/orderInformation/amountDetails/authorizedAmount');
    if (authorized !== undefined && Number(authorized) !== Number(formatMajor(amount)))
      return unknown('approved for another amount');
    return new Outcomes(reply).approved(json.text('/id'), json.text('/processorInformation/approvalCode'));
  }
  if (reply.status === 201 && status === 'DECLINED') return declineOf(reply, json);
  if (reply.status === 400 && status === 'INVALID_REQUEST') return invalid(reply, json);
  return reply.status >= 400 && reply.status < 500 && status === undefined
    ? byStatus(reply.status)
    : unknown(`status ${status}`);
}

function declineOf(reply: RawReply, json: ReplyNode): SubmitResult {
  const reason = json.text('/errorInformation/reason') ?? 'unspecified';
  if (kTransient.has(reason)) return transient(reason);
  return new Outcomes(reply).declined(classIn(kClasses, reason), reason, json.text('/id'));
}

function invalid(reply: RawReply, json: ReplyNode): SubmitResult {
  const reason = json.text('/reason') ?? json.text('/errorInformation/reason') ?? 'INVALID_REQUEST';
  // Sent before: what became of that is for the look-up.
  if (reason === 'DUPLICATE_REQUEST') return unknown(reason);
  const fields = json.list('/details').map((detail) => detail.text('/field') ?? '');
  const isCard = fields.length > 0 && fields.every((field) => kCardFields.test(field));
  return isCard ? new Outcomes(reply).declined('reenter', reason) : refused(reason, json.text('/message'));
}

/** The search lags behind by minutes: what it does not know yet is unknown, not absent. */
function queryResultOf(reply: RawReply, { idempotencyKey }: PaymentRef): QueryResult {
  const json = jsonOf(reply);
  if (reply.status !== 200 && reply.status !== 201) return unknown(`look-up: status ${reply.status}`);
  const own = (json?.list('/_embedded/transactionSummaries') ?? []).filter(
    (item) => item.text('/clientReferenceInformation/code') === idempotencyKey,
  );
  const applications = own.flatMap((item) =>
    item.list('/applicationInformation/applications').map((application) => ({ item, application })),
  );
  const done = (name: string) =>
    applications.find(
      ({ application }) => application.text('/name') === name && application.text('/reasonCode') === '100',
    );
  const outcomes = new Outcomes(reply);
  const back = done('ics_void') ?? done('ics_auth_reversal') ?? done('ics_credit');
  if (back) return outcomes.declined('soft', 'reversed', back.item.text('/id'));
  const bill = done('ics_bill');
  if (bill)
    return outcomes.approved(bill.item.text('/id'), bill.item.text('/processorInformation/approvalCode'));
  const auth = applications.find(({ application }) => application.text('/name') === 'ics_auth');
  if (!auth || auth.application.text('/reasonCode') === '100') return unknown('look-up: nothing final yet');
  const reason = auth.application.text('/rFlag') ?? 'unspecified';
  return outcomes.declined(classIn(kClasses, reason), reason, auth.item.text('/id'));
}

function reversalOf(reply: RawReply): ReversalResult {
  const json = jsonOf(reply);
  const status = json?.text('/status');
  const reason = json?.text('/reason') ?? json?.text('/errorInformation/reason');
  if (reply.status === 201 && (status === 'VOIDED' || status === 'REVERSED')) return 'reversed';
  if (json !== undefined && (reply.status === 404 || reason === 'NOT_FOUND')) return 'nothing_to_reverse';
  return reply.status >= 500 || reply.status < 300 ? 'pending' : 'failed';
}
