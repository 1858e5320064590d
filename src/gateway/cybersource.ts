import { createHash, createHmac } from 'node:crypto';
import type { CardSecret } from '../card/card-secret.ts';
import { formatMajor } from '../money/money.ts';
import type { Clock } from '../ports/clock.ts';
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
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
} from './dialect.ts';
import { done, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { believed, byStatus, classIn, majorTold, Outcomes, refused, transient, unknown } from './outcome.ts';
import { jsonOf, type ReplyNode } from './reply-node.ts';
import { worded } from './reply-text.ts';
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
  const search = (code: string) =>
    post('/tss/v2/searches', [
      JSON.stringify({
        query: `clientReferenceInformation.code:${code}`,
        sort: 'submitTimeUtc:desc',
        offset: 0,
        limit: 20,
      }),
    ]);
  return {
    name: 'cybersource',
    idempotency: 'none',
    capabilities: { lookUp: 'booked', reversal: 'told' },
    operations: kGatewayKinds.cybersource.operations,
    followUp: (wire, order) =>
      wire.ask({ ...post(pathOf(order), [JSON.stringify(changeOf(order))]), charges: true }, (reply) =>
        believed(reply, (each) => followUpOf(each, order)),
      ),
    findFollowUp: (wire, order) =>
      wire.ask(search(order.key), (reply) => {
        const found = doneIn(reply, order.key, kApplications[order.kind]);
        return found === undefined ? unheard('look-up: nothing yet') : done(found);
      }),
    submit: (wire, request, card) =>
      wire.ask({ ...post('/pts/v2/payments', saleOf(request, card)), charges: true }, (reply) =>
        believed(reply, (each) => verdictOf(each, request)),
      ),
    query: (wire, ref) => wire.ask(search(ref.idempotencyKey), (reply) => queryResultOf(reply, ref)),
    reverse: (wire, { idempotencyKey, operation, amount }) => {
      const clientReferenceInformation = { code: idempotencyKey, transactionId: idempotencyKey };
      const amountDetails = { totalAmount: formatMajor(amount), currency: amount.currency };
      const ask =
        operation === 'authorize'
          ? post('/pts/v2/reversals', [
              JSON.stringify({ clientReferenceInformation, reversalInformation: { amountDetails } }),
            ])
          : post('/pts/v2/voids', [JSON.stringify({ clientReferenceInformation })]);
      return wire.ask({ ...ask, charges: true }, reversalOf);
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
  const { idempotencyKey, amount, operation } = request;
  const head = JSON.stringify({
    clientReferenceInformation: { code: idempotencyKey, transactionId: idempotencyKey },
    processingInformation: {
      capture: (operation ?? 'sale') === 'sale',
      commerceIndicator: 'MOTO',
      ...(operation === 'tokenize'
        ? { actionList: ['TOKEN_CREATE'], actionTokenTypes: ['customer', 'paymentInstrument'] }
        : {}),
    },
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

const kApplications: Readonly<Record<FollowUp['kind'], readonly string[]>> = {
  capture: ['ics_bill'],
  void: ['ics_void', 'ics_auth_reversal'],
  refund: ['ics_credit'],
};

/** An authorization is given back by a reversal, what was captured by a void or a refund of its capture. */
function pathOf({ kind, transactionId, captureId, payment }: FollowUp): string {
  const id = encodeURIComponent(captureId ?? transactionId);
  const of = captureId === null ? 'payments' : 'captures';
  if (kind === 'refund') return `/pts/v2/${of}/${id}/refunds`;
  if (kind === 'capture') return `/pts/v2/payments/${id}/captures`;
  return `/pts/v2/${of}/${id}/${payment.operation === 'authorize' ? 'reversals' : 'voids'}`;
}

function changeOf({ kind, key, amount, payment }: FollowUp) {
  const clientReferenceInformation = { code: key, transactionId: key };
  const amountDetails = { totalAmount: formatMajor(amount), currency: amount.currency };
  if (kind !== 'void') return { clientReferenceInformation, orderInformation: { amountDetails } };
  return payment.operation === 'authorize'
    ? { clientReferenceInformation, reversalInformation: { amountDetails } }
    : { clientReferenceInformation };
}

function followUpOf(reply: RawReply, { key }: FollowUp): FollowUpResult {
  const json = jsonOf(reply);
  const status = json?.text('/status');
  if (!json || status === undefined) return followUpByStatus(reply);
  if ((json.text('/clientReferenceInformation/code') ?? key) !== key)
    return unheard('the answer names another request');
  const reason = json.text('/reason') ?? json.text('/errorInformation/reason') ?? status;
  if (reply.status === 201 && ['PENDING', 'VOIDED', 'REVERSED', 'TRANSMITTED'].includes(status))
    return done(json.text('/id'));
  if (reason === 'DUPLICATE_REQUEST') return unheard(reason);
  const isRefusal = reply.status === 400 || (reply.status === 201 && status === 'DECLINED');
  return isRefusal ? refusal(reason, json.text('/message')) : followUpByStatus(reply);
}

/** The id of what was done under a reference, if one of the applications did it. */
function doneIn(reply: RawReply, code: string, applications: readonly string[]): string | undefined {
  const json = reply.status === 200 || reply.status === 201 ? jsonOf(reply) : undefined;
  const own = (json?.list('/_embedded/transactionSummaries') ?? []).find(
    (item) =>
      item.text('/clientReferenceInformation/code') === code &&
      item
        .list('/applicationInformation/applications')
        .some(
          (each) => applications.includes(each.text('/name') ?? '') && each.text('/reasonCode') === '100',
        ),
  );
  return own?.text('/id');
}

function verdictOf(reply: RawReply, { idempotencyKey, amount }: PaymentRef): SubmitResult {
  const json = jsonOf(reply);
  const status = json?.text('/status');
  if (!json || status === undefined) return byStatus(reply.status);
  if ((json.text('/clientReferenceInformation/code') ?? idempotencyKey) !== idempotencyKey)
    return unknown('the answer names another payment');
  if (reply.status === 201 && (status === 'AUTHORIZED' || status === 'PARTIAL_AUTHORIZED')) {
    const told = majorTold(json.text('/orderInformation/amountDetails/authorizedAmount'), amount);
    return new Outcomes(reply).approvedFor(
      amount,
      status === 'PARTIAL_AUTHORIZED' ? (told ?? null) : told,
      json.text('/id'),
      json.text('/processorInformation/approvalCode'),
      undefined,
      json.text('/tokenInformation/paymentInstrument/id'),
    );
  }
  if (reply.status === 201 && status === 'DECLINED') return declineOf(reply, json);
  if (reply.status === 400 && status === 'INVALID_REQUEST') return invalid(reply, json);
  return reply.status >= 400 && reply.status < 500 && status === undefined
    ? byStatus(reply.status)
    : unknown(worded`status ${status}`);
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
function queryResultOf(reply: RawReply, { idempotencyKey, operation }: PaymentRef): QueryResult {
  const json = jsonOf(reply);
  if (reply.status !== 200 && reply.status !== 201) return unknown(`look-up: status ${reply.status}`);
  const own = (json?.list('/_embedded/transactionSummaries') ?? []).filter(
    (item) => item.text('/clientReferenceInformation/code') === idempotencyKey,
  );
  const applications = own.flatMap((item) =>
    item.list('/applicationInformation/applications').map((application) => ({ item, application })),
  );
  const applied = (name: string) =>
    applications.find(
      ({ application }) => application.text('/name') === name && application.text('/reasonCode') === '100',
    );
  const outcomes = new Outcomes(reply);
  const back = applied('ics_void') ?? applied('ics_auth_reversal') ?? applied('ics_credit');
  if (back) return outcomes.takenBack(back.item.text('/id'));
  const bill = applied(operation === 'authorize' ? 'ics_auth' : 'ics_bill');
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
