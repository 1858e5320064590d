import { formatMajor, type Money, parseMajor } from '../money/money.ts';
import type { FollowUpPlan, FollowUpRequest } from '../ports/follow-ups.ts';
import type { FollowUp, FollowUpKind } from '../ports/payment-gateway.ts';
import type { AttemptRecord, FollowUpRecord, FollowUpState, PaymentBook } from '../ports/store.ts';
import { kCrockford } from './payment-ref.ts';

const kChanged: ReadonlySet<FollowUpState> = new Set(['DONE', 'ACCEPTED']);
const kOpen: ReadonlySet<FollowUpState> = new Set(['SUBMITTING', 'UNKNOWN', 'MANUAL']);
const kMost = kCrockford.length - 1; // one character of the key counts them

/** Whether something can be done about a payment as its book stands, and exactly what. */
export function planFollowUp(
  book: PaymentBook,
  request: FollowUpRequest,
  gateway: string,
  sentAt: string,
): FollowUpPlan {
  const { attempts, followUps } = book;
  const again = followUps.find(({ requestKey }) => requestKey === request.requestKey);
  if (again) return repeated(again, request);
  if (attempts.length === 0) return { kind: 'no_such_payment' };
  const paid = approvedOf(book);
  if (!paid) return no('no attempt of it is approved');
  const { operation = 'sale' } = paid;
  if (operation !== 'sale' && operation !== 'authorize')
    return no(`nothing was charged: it is of type ${operation}`);
  if (paid.gateway !== gateway)
    return no(`it belongs to gateway ${paid.gateway}, which is not the one in use`);
  const open = followUps.find(({ state }) => kOpen.has(state));
  if (open) return no(`a ${open.kind} of it is ${open.state}: what became of that must be known first`);
  if (followUps.length >= kMost) return no(`it was changed ${kMost} times already`);
  const most = mostOf(paid, followUps, request.kind);
  if (typeof most === 'string') return no(most);
  const amount = request.amount === null ? most : parseMajor(request.amount, most.currency);
  if (!amount || amount.minor < 1)
    return no(`amount: expects more than zero in ${most.currency}, such as 10.50`);
  if (amount.minor > most.minor)
    return no(`amount: at most ${formatMajor(most)} ${most.currency} can be ${kDone[request.kind]}`);
  if (request.kind === 'void' && amount.minor !== most.minor)
    return no('amount: a void takes back all of it');
  return {
    kind: 'planned',
    isNew: true,
    record: recordOf(paid, followUps.length + 1, request, amount, sentAt),
  };
}

/** What the gateway is told; the record's payment must be in the book. */
export function orderOf({ attempts, followUps }: PaymentBook, record: FollowUpRecord): FollowUp | undefined {
  const paid = attempts.find(({ attempt }) => attempt === record.attempt);
  if (!paid || paid.transactionId === null) return undefined;
  const earlier = followUps.filter(({ key }) => key !== record.key);
  return {
    kind: record.kind,
    payment: paid,
    transactionId: paid.transactionId,
    captureId:
      earlier.find(({ kind, state }) => kind === 'capture' && kChanged.has(state))?.transactionId ?? null,
    last4: paid.last4,
    key: record.key,
    sentAt: record.sentAt,
    amount: record.amount,
    beforeMinor: sumOf(earlier, record.kind),
  };
}

const kDone: Readonly<Record<FollowUpKind, string>> = {
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
};

function no(reason: string): FollowUpPlan {
  return { kind: 'not_possible', reason };
}

function repeated(record: FollowUpRecord, { kind, paymentRef, amount }: FollowUpRequest): FollowUpPlan {
  const isSame =
    record.kind === kind &&
    record.paymentRef === paymentRef &&
    (amount === null || parseMajor(amount, record.amount.currency)?.minor === record.amount.minor);
  return isSame
    ? { kind: 'planned', record, isNew: false }
    : no('the request key was used for something else');
}

function approvedOf({ attempts }: PaymentBook): AttemptRecord | undefined {
  return attempts.find(({ state, transactionId }) => state === 'APPROVED' && transactionId !== null);
}

/** The largest amount, or why there is none. */
function mostOf(
  { amount, approvedMinor, operation }: AttemptRecord,
  followUps: readonly FollowUpRecord[],
  kind: FollowUpKind,
): Money | string {
  const approved: Money = { ...amount, minor: approvedMinor ?? amount.minor };
  if (sumOf(followUps, 'void') > 0) return 'it is voided already';
  const isHeld = operation === 'authorize';
  const capturedMinor = isHeld ? sumOf(followUps, 'capture') : approved.minor;
  const refundedMinor = sumOf(followUps, 'refund');
  switch (kind) {
    case 'capture':
      if (!isHeld) return 'a sale is captured by itself';
      return capturedMinor > 0 ? 'it is captured already' : approved;
    case 'void':
      if (isHeld && capturedMinor > 0) return 'it is captured: what is captured is refunded';
      return refundedMinor > 0 ? 'some of it is refunded: refund the rest' : approved;
    case 'refund':
      if (capturedMinor === 0) return 'it is not captured: what is only authorized is voided';
      return refundedMinor >= capturedMinor
        ? 'all of it is refunded already'
        : { ...approved, minor: capturedMinor - refundedMinor };
  }
}

function sumOf(followUps: readonly FollowUpRecord[], kind: FollowUpKind): number {
  return followUps
    .filter((each) => each.kind === kind && kChanged.has(each.state))
    .reduce((sum, { amount }) => sum + amount.minor, 0);
}

function recordOf(
  { sessionId, attempt, paymentRef, idempotencyKey, gateway }: AttemptRecord,
  count: number,
  { kind, requestKey, actor, note }: FollowUpRequest,
  amount: Money,
  sentAt: string,
): FollowUpRecord {
  return {
    key: `${idempotencyKey}F${kCrockford.charAt(count)}`,
    requestKey,
    sessionId,
    attempt,
    paymentRef,
    kind,
    state: 'SUBMITTING',
    amount,
    gateway,
    transactionId: null,
    reason: null,
    actor,
    note,
    sentAt,
    doneAt: null,
  };
}
