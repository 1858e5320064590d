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
import { customerMembers, customerVerdict, followUpMembers, followUpOf } from './authorizenet-more.ts';
import {
  type Ask,
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
import { done, unheard } from './follow-up.ts';
import { believed, byStatus, classIn, Outcomes, refused, transient, unknown } from './outcome.ts';
import { jsonOf, type ReplyNode } from './reply-node.ts';
import { worded } from './reply-text.ts';
import { around, digits, month, type Segment, year } from './secret-body.ts';

export interface AuthorizeNetOptions {
  /** API login id and transaction key; never logged. */
  readonly login: string;
  readonly transactionKey: string;
}

const kPath = '/xml/v1/request.api';
const kDuplicateWindowS = '28800'; // the longest there is
const kListed = 1000;
// A batch is cut once a day, when the account says: whatever is older may have been settled, whatever the lists say.
const kUnsettledForMs = 20 * 3_600_000;
// Batches are asked for from so long before a transaction was sent, as its clock and ours may differ.
const kClocksDifferMs = 3_600_000;
// A date that was set back must hide no batch either. The gateway takes 31 days at most.
const kWeekMs = 7 * 24 * 3_600_000;

// Response reason codes.
const kClasses: Readonly<Record<DeclineClass, string>> = {
  reenter: '6 7 8 27 37 44 45 65 78 127 315 316 317',
  hard: '4 41 200 250 251 254',
  auth_required: '',
  soft: '',
};
const kConfigCodes =
  '5 9 10 12 13 14 15 17 28 33 36 38 40 47 49 55 66 68 69 70 71 72 73 74 75 87 88 89 90 91 92 102 103 116 117 118 128 171 172 173 243 244 245 246';
const kTransientCodes = '19 20 21 22 23 25 26 57 58 59 60 61 62 63 120 121 122';
const kDuplicate = '11';
const kBooked = new Set(['capturedPendingSettlement', 'settledSuccessfully']);
const kVoidable = new Set([
  'authorizedPendingCapture',
  'capturedPendingSettlement',
  'underReview',
  'FDSPendingReview',
  'FDSAuthorizedPendingReview',
  'approvedReview',
]);

/** Authorize.Net, JSON. Its JSON is read by the order of an XML schema: members stay in the order they have here. */
export function authorizeNetDialect(options: AuthorizeNetOptions, clock: Clock): Dialect {
  const credentials = JSON.stringify({ name: options.login, transactionKey: options.transactionKey });
  const call = (name: string, members: readonly Segment[], charges = false): Ask => ({
    method: 'POST',
    path: kPath,
    body: {
      contentType: 'application/json',
      segments: [`{"${name}":{"merchantAuthentication":${credentials}`, ...members, '}}'],
    },
    ...(charges ? { charges: true } : {}),
  });

  /** @param ref - of the payment, or with the key of a refund, which is listed like one. */
  async function find(
    wire: Wire,
    ref: Pick<PaymentRef, 'idempotencyKey' | 'sentAt'>,
  ): Promise<Found | Silence> {
    const found = await findUnsettled(wire, ref);
    return found.kind === 'not_found' ? isNowhere(wire, ref.sentAt) : found;
  }

  async function findUnsettled(
    wire: Wire,
    ref: Pick<PaymentRef, 'idempotencyKey'>,
  ): Promise<Found | Silence> {
    const members = `,"sorting":{"orderBy":"submitTimeUTC","orderDescending":true},"paging":{"limit":"${kListed}","offset":"1"}`;
    return wire.ask(call('getUnsettledTransactionListRequest', [members]), (reply) => {
      const json = jsonOf(reply);
      if (json?.text('/messages/resultCode') !== 'Ok') return unknown(`look-up: status ${reply.status}`);
      const listed = json.list('/transactions');
      const own = listed.find((item) => item.text('/invoiceNumber') === ref.idempotencyKey);
      const id = own?.text('/transId');
      if (own && id !== undefined) return { kind: 'found', id, status: own.text('/transactionStatus') ?? '' };
      return listed.length >= kListed
        ? unknown('look-up: there are more than are listed')
        : { kind: 'not_found' };
    });
  }

  /**
   * Whether what is not in the list of unsettled transactions never was in it: settlement takes them out, so that no batch may have been
   * settled since it was sent. The list comes first: a batch that is cut between the two is seen.
   */
  async function isNowhere(wire: Wire, sentAt: string | undefined): Promise<NotFound | Silence> {
    const nowMs = clock.date().getTime();
    const sentMs = Date.parse(sentAt ?? '');
    if (!(nowMs - sentMs <= kUnsettledForMs)) return unknown('look-up: may have been settled already');
    const dates = JSON.stringify({
      firstSettlementDate: dateTime(Math.min(sentMs, nowMs) - kClocksDifferMs),
      lastSettlementDate: dateTime(Math.max(sentMs, nowMs) + kWeekMs),
    });
    return wire.ask(call('getSettledBatchListRequest', [`,${dates.slice(1, -1)}`]), (reply) => {
      const json = jsonOf(reply);
      if (json?.text('/messages/resultCode') !== 'Ok') return unknown(`batches: status ${reply.status}`);
      const isAny = json.list('/batchList').length > 0 || json.has('/batchList/batch');
      return isAny ? unknown('look-up: may have been settled since') : { kind: 'not_found' };
    });
  }

  async function query(wire: Wire, ref: PaymentRef): Promise<QueryResult | Silence> {
    const found = await find(wire, ref);
    if (found.kind !== 'found') return found;
    const details = call('getTransactionDetailsRequest', [`,"transId":${JSON.stringify(found.id)}`]);
    return wire.ask(details, (reply) => stateOf(reply, found, ref));
  }

  async function reverse(wire: Wire, ref: PaymentRef): Promise<ReversalResult | Silence> {
    const found = await find(wire, ref);
    if (isSilence(found)) return found;
    if (found.kind === 'not_found') return 'nothing_to_reverse';
    if (found.status === 'voided') return 'reversed';
    if (!kVoidable.has(found.status)) return isOver(found.status) ? 'nothing_to_reverse' : 'failed';
    const order = JSON.stringify({ transactionType: 'voidTransaction', refTransId: found.id });
    const voiding = call(
      'createTransactionRequest',
      [`,"refId":${JSON.stringify(ref.idempotencyKey)},"transactionRequest":${order}`],
      true,
    );
    return wire.ask(voiding, (reply) => {
      const json = jsonOf(reply);
      if (json?.text('/transactionResponse/responseCode') === '1') return 'reversed';
      return json === undefined || reply.status >= 500 ? 'pending' : 'failed';
    });
  }

  const followUp = (wire: Wire, order: FollowUp) =>
    wire.ask(call('createTransactionRequest', [followUpMembers(order)], true), (reply) =>
      believed(reply, (each) => followUpOf(each, order)),
    );

  async function findFollowUp(wire: Wire, order: FollowUp): Promise<FollowUpResult | NotFound> {
    const { kind, key, transactionId, sentAt } = order;
    if (kind === 'refund') {
      const found = await find(wire, { idempotencyKey: key, ...(sentAt === undefined ? {} : { sentAt }) });
      if (found.kind !== 'found') return found;
      return isOver(found.status) ? unheard(worded`status ${found.status}`) : done(found.id);
    }
    const details = call('getTransactionDetailsRequest', [`,"transId":${JSON.stringify(transactionId)}`]);
    return wire.ask(details, (reply) => {
      const status = jsonOf(reply)?.text('/transaction/transactionStatus') ?? '';
      if (kind === 'void' ? status === 'voided' : kBooked.has(status)) return done(transactionId);
      const before = kind === 'void' ? kVoidable : new Set(['authorizedPendingCapture']);
      return before.has(status) ? { kind: 'not_found' } : unheard(worded`look-up: status ${status}`);
    });
  }

  return {
    name: 'authorizenet',
    idempotency: 'none',
    capabilities: { lookUp: 'every', reversal: 'told' },
    operations: kGatewayKinds.authorizenet.operations,
    followUp,
    findFollowUp,
    submit: (wire, request, card) =>
      request.operation === 'tokenize'
        ? wire.ask(
            call('createCustomerProfileRequest', customerMembers(request, cardMembers(card)), true),
            (reply) => believed(reply, customerVerdict),
          )
        : wire.ask(call('createTransactionRequest', saleMembers(request, card), true), (reply) =>
            believed(reply, (each) => verdictOf(each, request)),
          ),
    query,
    reverse,
    check: (wire) => wire.ask(call('authenticateTestRequest', []), checkOf),
  };
}

/** As its schema has dates: to the second. */
function dateTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

type Found =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'found'; readonly id: string; readonly status: string };

function saleMembers(request: PaymentRequest, card: CardSecret): Segment[] {
  const key = JSON.stringify(request.idempotencyKey);
  const isSale = (request.operation ?? 'sale') === 'sale';
  const order = {
    invoiceNumber: request.idempotencyKey,
    ...(request.reference === null ? {} : { description: request.reference.slice(0, 255) }),
  };
  return [
    `,"refId":${key},"transactionRequest":{"transactionType":"${isSale ? 'authCaptureTransaction' : 'authOnlyTransaction'}","amount":"${formatMajor(request.amount)}","currencyCode":"${request.amount.currency}",`,
    ...cardMembers(card),
    `,"order":${JSON.stringify(order)}`,
    ...(request.customerId === null
      ? []
      : [`,"customer":${JSON.stringify({ id: request.customerId.slice(0, 20) })}`]),
    ...around(',"billTo":{"zip":"', digits(card, 'postal'), '"}'),
    `,"retail":{"marketType":"1"},"transactionSettings":{"setting":[{"settingName":"duplicateWindow","settingValue":"${kDuplicateWindowS}"}]}}`,
  ];
}

function cardMembers(card: CardSecret): Segment[] {
  return [
    '"payment":{"creditCard":{"cardNumber":"',
    ...digits(card, 'pan'),
    '"',
    ...around(',"expirationDate":"', [...year(card, 'yyyy'), ...around('-', month(card, 'mm'))], '"'),
    ...around(',"cardCode":"', digits(card, 'cvv'), '"'),
    '}}',
  ];
}

function verdictOf(reply: RawReply, { idempotencyKey }: PaymentRef): SubmitResult {
  const json = jsonOf(reply);
  const resultCode = json?.text('/messages/resultCode');
  if (!json || reply.status !== 200 || resultCode === undefined) return byStatus(reply.status);
  if ((json.text('/refId') ?? idempotencyKey) !== idempotencyKey)
    return unknown('the answer names another payment');
  const id = json.text('/transactionResponse/transId');
  const code =
    json.text('/transactionResponse/errors/0/errorCode') ?? json.text('/transactionResponse/messages/0/code');
  switch (json.text('/transactionResponse/responseCode')) {
    case '1':
      return resultCode === 'Ok'
        ? new Outcomes(reply).approved(id, json.text('/transactionResponse/authCode'))
        : unknown('approved with an error');
    case '2':
    case '3':
      return failureOf(
        reply,
        code ?? 'unspecified',
        json.text('/transactionResponse/errors/0/errorText'),
        id,
      );
    case '4':
      return unknown('held for review');
    default:
      return requestFailure(json);
  }
}

function failureOf(reply: RawReply, code: string, text: string | undefined, id?: string): SubmitResult {
  if (code === kDuplicate) return unknown('taken for a duplicate of an earlier one');
  if (kConfigCodes.split(' ').includes(code)) return refused(`reason code ${code}`, text);
  if (kTransientCodes.split(' ').includes(code)) return transient(`reason code ${code}`);
  return new Outcomes(reply).declined(classIn(kClasses, code), code, id);
}

/** E00001 and E00053: the gateway itself is in trouble. All others: the request was not taken. */
function requestFailure(json: ReplyNode): SubmitResult {
  const code = json.text('/messages/message/0/code') ?? 'no code';
  if (json.text('/messages/resultCode') !== 'Error' || code === 'E00001' || code === 'E00027')
    return unknown(code);
  return code === 'E00053' || code === 'E00104'
    ? transient(code)
    : refused(code, json.text('/messages/message/0/text'));
}

function stateOf(
  reply: RawReply,
  { id, status }: Extract<Found, { kind: 'found' }>,
  { operation }: PaymentRef,
): QueryResult {
  const details = jsonOf(reply);
  if (details?.text('/transaction/transId') !== id) return unknown('look-up: no details');
  const outcomes = new Outcomes(reply);
  const now = details.text('/transaction/transactionStatus') ?? status;
  if (now === 'voided') return outcomes.takenBack(id, 'voided');
  const code = details.text('/transaction/responseReasonCode');
  if (isOver(now)) return outcomes.declined(classIn(kClasses, code ?? ''), code, id);
  const isCharge = kBooked.has(now) || (operation === 'authorize' && now === 'authorizedPendingCapture');
  return isCharge
    ? outcomes.approved(id, details.text('/transaction/authCode'))
    : unknown(worded`status ${now}`);
}

/** Ended without a charge. */
function isOver(status: string): boolean {
  return ['declined', 'expired', 'voided', 'generalError', 'failedReview'].includes(status);
}

function checkOf(reply: RawReply): CheckResult {
  const json = jsonOf(reply);
  if (json?.text('/messages/resultCode') === 'Ok') return { ok: true };
  const code = json?.text('/messages/message/0/code');
  return {
    ok: false,
    reason: code === undefined ? `status ${reply.status}` : `${code}: the credentials were refused`,
  };
}
