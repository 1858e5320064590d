import { z } from 'zod';
import { money } from '../../money/money.ts';
import type { FollowUpKind } from '../../ports/payment-gateway.ts';
import type { BankVerdict, LedgerEntry, SimulatorBank } from '../simulator-bank.ts';
import {
  Books,
  CardReader,
  json,
  major,
  orderOf,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  type SimulatedRequest,
} from './simulated.ts';

const kText = z.string();
const kSale = z.object({
  createTransactionRequest: z.object({
    refId: kText,
    transactionRequest: z.object({
      transactionType: kText,
      amount: kText.optional(),
      currencyCode: kText.optional(),
      refTransId: kText.optional(),
      order: z.object({ invoiceNumber: kText }).optional(),
    }),
  }),
});
type Sale = z.output<typeof kSale>['createTransactionRequest']['transactionRequest'];
const kChanges: Readonly<Record<string, FollowUpKind>> = {
  priorAuthCaptureTransaction: 'capture',
  refundTransaction: 'refund',
};
const kProfile = z.object({
  createCustomerProfileRequest: z.object({ profile: z.object({ merchantCustomerId: kText }) }),
});
const kBatches = z.object({
  getSettledBatchListRequest: z.object({ firstSettlementDate: kText, lastSettlementDate: kText }),
});
const kDetails = z.object({ getTransactionDetailsRequest: z.object({ transId: kText }) });

const kReasons: Readonly<Record<string, string>> = {
  '05': '2',
  '51': '2',
  '54': '8',
  N7: '65',
  '14': '6',
  '41': '4',
  '43': '4',
  '59': '251',
  '1A': '2',
  not_a_test_card: '4',
};

/** Authorize.Net's JSON: sales with a duplicate window, the list of what is unsettled, batches that are, details and voids. */
export function simulatedAuthorizeNet(bank: SimulatorBank): SimulatedDialect {
  const books = new Books(bank);

  function sell(request: SimulatedRequest): SimulatedAnswer {
    const { card } = new CardReader(request.body)
      .take('pan', '"cardNumber":"')
      .take('expiry', '"expirationDate":"', { from: 5, most: 2 })
      .take('expiry', '"expirationDate":"', { from: 2, most: 2 })
      .take('cvv', '"cardCode":"');
    const order = kSale.safeParse(parsed(request)).data?.createTransactionRequest;
    const sale = order?.transactionRequest;
    if (order && sale?.transactionType === 'voidTransaction') return undo(order.refId, sale.refTransId ?? '');
    const kind = kChanges[sale?.transactionType ?? ''];
    if (order && sale && kind) return change(order.refId, kind, sale);
    const amount = major(sale?.amount, sale?.currencyCode ?? 'USD');
    const isHeld = sale?.transactionType === 'authOnlyTransaction';
    const operation = !isHeld ? 'sale' : amount?.minor === 0 ? 'verify' : 'authorize';
    const ref = amount && refOf(sale?.order?.invoiceNumber ?? '', amount, operation);
    if (!order || !ref) return failed('E00003', 'the request is not valid');
    if (books.entries(ref.idempotencyKey).length > 0) return transaction(order.refId, '3', '0', '11');
    const receipt = books.charge(ref, card);
    return { receipt, reply: (verdict) => verdictOf(order.refId, verdict) };
  }

  function change(refId: string, kind: FollowUpKind, asked: Sale): SimulatedReply {
    const id = asked.refTransId ?? '';
    const minor = major(asked.amount, books.byId(id)?.amount.currency ?? 'USD')?.minor;
    const done = books.change(id, kind, minor, asked.order?.invoiceNumber);
    if (done.outcome === 'refused') return transaction(refId, '3', '0', kind === 'refund' ? '54' : '16');
    return transaction(refId, '1', kind === 'capture' ? id : done.transactionId);
  }

  /** A card kept with a customer of its own, after the bank has looked at it. */
  function keep(request: SimulatedRequest): SimulatedAnswer {
    const { card } = new CardReader(request.body)
      .take('pan', '"cardNumber":"')
      .take('expiry', '"expirationDate":"', { from: 5, most: 2 })
      .take('expiry', '"expirationDate":"', { from: 2, most: 2 })
      .take('cvv', '"cardCode":"');
    const asked = kProfile.safeParse(parsed(request)).data?.createCustomerProfileRequest.profile;
    const ref = refOf(asked?.merchantCustomerId ?? '', money(0, 'USD'), 'tokenize');
    if (!ref) return failed('E00003', 'the request is not valid');
    return { receipt: books.charge(ref, card), reply: profileOf };
  }

  function undo(refId: string, id: string): SimulatedReply {
    const entry = isSettled(id) ? undefined : books.byId(id);
    const done = entry && books.reverse(entry) === 'reversed';
    return done ? transaction(refId, '1', id) : transaction(refId, '3', '0', '16');
  }

  function isSettled(id: string): boolean {
    return bank.batches.some(({ transactionIds }) => transactionIds.has(id));
  }

  function settled(request: SimulatedRequest): SimulatedReply {
    const asked = kBatches.safeParse(parsed(request)).data?.getSettledBatchListRequest;
    if (!asked) return failed('E00003', 'the request is not valid');
    const [from, to] = [Date.parse(asked.firstSettlementDate), Date.parse(asked.lastSettlementDate)];
    const batchList = bank.batches
      .filter(({ settledAt }) => settledAt.getTime() >= from && settledAt.getTime() <= to)
      .map(({ settledAt }) => ({
        batchId: String(bank.batches.length),
        settlementTimeUTC: settledAt.toISOString(),
        settlementState: 'settledSuccessfully',
        paymentMethod: 'creditCard',
      }));
    const none = { resultCode: 'Ok', message: [{ code: 'I00004', text: 'No records found.' }] };
    return withMark(json(200, batchList.length > 0 ? { batchList, messages: kOk } : { messages: none }));
  }

  function list(): SimulatedReply {
    const entries = bank
      .ledger()
      .filter(({ state, transactionId }) => state !== 'not_processed' && !isSettled(transactionId));
    const transactions = entries.flatMap((entry) => [
      {
        transId: entry.transactionId,
        invoiceNumber: orderOf(entry),
        transactionStatus: statusOf(entry),
      },
      ...entry.changes
        .filter(({ kind }) => kind === 'refund')
        .map(({ transactionId: transId, key }) => ({
          transId,
          invoiceNumber: key.split('#')[0],
          transactionStatus: 'refundPendingSettlement',
        })),
    ]);
    return json(200, {
      transactions: transactions.toReversed(),
      totalNumInResultSet: transactions.length,
      messages: kOk,
    });
  }

  function details(request: SimulatedRequest): SimulatedReply {
    const id = kDetails.safeParse(parsed(request)).data?.getTransactionDetailsRequest.transId ?? '';
    const entry = books.byId(id);
    if (!entry) return failed('E00040', 'the record cannot be found');
    const verdict = books.verdict(entry);
    const responseReasonCode = verdict?.outcome === 'declined' ? Number(kReasons[verdict.code] ?? 2) : 1;
    const authCode = verdict?.outcome === 'approved' ? verdict.authCode : '';
    const transactionStatus = isSettled(id) ? 'settledSuccessfully' : statusOf(entry);
    return json(200, {
      transaction: { transId: id, transactionStatus, responseReasonCode, authCode },
      messages: kOk,
    });
  }

  return {
    paths: /^\/xml\/v1\/request\.api$/,
    answer(request) {
      const name = request.body.toString('latin1', 2, 60).split('"')[0];
      if (name === 'createTransactionRequest') return sell(request);
      if (name === 'createCustomerProfileRequest') return keep(request);
      if (name === 'getUnsettledTransactionListRequest') return list();
      if (name === 'getSettledBatchListRequest') return settled(request);
      if (name === 'getTransactionDetailsRequest') return details(request);
      return name === 'authenticateTestRequest'
        ? withMark(json(200, { messages: kOk }))
        : failed('E00045', 'unknown request');
    },
  };
}

const kOk = { resultCode: 'Ok', message: [{ code: 'I00001', text: 'Successful.' }] };

function profileOf(verdict: BankVerdict): SimulatedReply {
  if (verdict.outcome !== 'approved') return failed('E00027', 'the transaction was unsuccessful');
  return withMark(
    json(200, {
      customerProfileId: verdict.transactionId,
      customerPaymentProfileIdList: [verdict.token],
      messages: kOk,
    }),
  );
}

function verdictOf(refId: string, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved':
      return transaction(refId, '1', verdict.transactionId, undefined, verdict.authCode);
    case 'declined':
      return transaction(refId, '2', verdict.transactionId, kReasons[verdict.code] ?? '2');
    case 'transient':
      return transaction(refId, '3', '0', '19');
    case 'pending':
      return transaction(refId, '4', '0');
    case 'conflict':
      return transaction(refId, '3', '0', '11');
  }
}

function transaction(
  refId: string,
  responseCode: string,
  transId: string,
  errorCode?: string,
  authCode = '',
): SimulatedReply {
  const errors = errorCode === undefined ? {} : { errors: [{ errorCode, errorText: `reason ${errorCode}` }] };
  const resultCode = responseCode === '3' ? 'Error' : 'Ok';
  const messages = { ...kOk, resultCode };
  return withMark(
    json(200, { transactionResponse: { responseCode, authCode, transId, ...errors }, refId, messages }),
  );
}

function failed(code: string, text: string): SimulatedReply {
  return withMark(json(200, { messages: { resultCode: 'Error', message: [{ code, text }] } }));
}

/** The byte order mark the real one puts before its JSON. */
function withMark(reply: SimulatedReply): SimulatedReply {
  return { ...reply, text: `\uFEFF${reply.text}` };
}

function statusOf({ state }: LedgerEntry): string {
  switch (state) {
    case 'approved':
      return 'capturedPendingSettlement';
    case 'authorized':
      return 'authorizedPendingCapture';
    case 'reversed':
      return 'voided';
    case 'declined':
      return 'declined';
    default:
      return 'FDSPendingReview';
  }
}

function parsed({ body }: SimulatedRequest): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
