import { createHash } from 'node:crypto';
import { formatMajor } from '../../money/money.ts';
import type { PaymentType } from '../../ports/payment-gateway.ts';
import type { BankVerdict, LedgerChange, LedgerEntry, SimulatorBank } from '../simulator-bank.ts';
import { textIn } from './json-body.ts';
import {
  Books,
  CardReader,
  json,
  major,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
} from './simulated.ts';

const kReasons: Readonly<Record<string, string>> = {
  '05': 'PROCESSOR_DECLINED',
  '51': 'INSUFFICIENT_FUND',
  '54': 'EXPIRED_CARD',
  N7: 'CVN_NOT_MATCH',
  '14': 'INVALID_ACCOUNT',
  '41': 'STOLEN_LOST_CARD',
  '43': 'STOLEN_LOST_CARD',
  '59': 'DECISION_PROFILE_REJECT',
  '1A': 'CONSUMER_AUTHENTICATION_REQUIRED',
  not_a_test_card: 'UNAUTHORIZED_CARD',
};

/** Cybersource REST: payments, voids by our transaction id, searches. The digest of every body is checked. */
export function simulatedCybersource(bank: SimulatorBank): SimulatedDialect {
  const books = new Books(bank);
  return {
    paths:
      /^\/(pts\/v2\/(payments|voids|reversals|(payments|captures)\/[^/]+\/(captures|refunds|voids|reversals))|tss\/v2\/searches)$/,
    answer(request): SimulatedAnswer {
      const digest = `SHA-256=${createHash('sha256').update(request.body).digest('base64')}`;
      if (request.headers['digest'] !== digest || request.headers['signature'] === undefined) {
        return json(401, { response: { rmsg: 'Authentication Failed' } });
      }
      const { card } = new CardReader(request.body)
        .take('pan', '"number":"')
        .take('expiry', '"expirationMonth":"', { most: 2 })
        .take('expiry', '"expirationYear":"', { from: 2 })
        .take('cvv', '"securityCode":"');
      const text = textIn(request);
      if (request.path === '/tss/v2/searches')
        return search(books, (text('/query') ?? '').split(':')[1] ?? '');
      const code = text('/clientReferenceInformation/transactionId') ?? '';
      if (request.path === '/pts/v2/voids' || request.path === '/pts/v2/reversals')
        return voided(books, code);
      const change = /^\/pts\/v2\/\w+\/([^/]+)\/(\w+)$/.exec(request.path);
      if (change) return changed(books, decodeURIComponent(change[1] ?? ''), change[2] ?? '', text);
      const amount = major(
        text('/orderInformation/amountDetails/totalAmount'),
        text('/orderInformation/amountDetails/currency') ?? 'USD',
      );
      const isHeld = text('/processingInformation/capture') === 'false';
      const isToken = request.body.includes('TOKEN_CREATE');
      const operation = isToken
        ? 'tokenize'
        : !isHeld
          ? 'sale'
          : amount?.minor === 0
            ? 'verify'
            : 'authorize';
      const ref = amount && refOf(code, amount, operation);
      if (!ref) return json(400, { status: 'INVALID_REQUEST', reason: 'MISSING_FIELD', message: 'missing' });
      if (books.entries(code).length > 0)
        return json(400, { status: 'INVALID_REQUEST', reason: 'DUPLICATE_REQUEST' });
      return { receipt: books.charge(ref, card, true), reply: (verdict) => verdictOf(code, verdict) };
    },
  };
}

function changed(
  books: Books,
  id: string,
  verb: string,
  text: (path: string) => string | undefined,
): SimulatedReply {
  const kind = verb === 'captures' ? 'capture' : verb === 'refunds' ? 'refund' : 'void';
  const code = text('/clientReferenceInformation/code') ?? '';
  // A refund of a capture names the capture.
  const entry =
    books.byId(id) ??
    books.bank.ledger().find(({ changes }) => changes.some((each) => each.transactionId === id));
  const total =
    text('/orderInformation/amountDetails/totalAmount') ??
    text('/reversalInformation/amountDetails/totalAmount');
  const minor = entry && major(total, entry.amount.currency)?.minor;
  const change = books.change(entry?.transactionId ?? '', kind, minor, code);
  if (change.outcome === 'refused')
    return json(400, { status: 'INVALID_REQUEST', reason: 'NOT_VOIDABLE', message: change.code });
  const status = verb === 'reversals' ? 'REVERSED' : verb === 'voids' ? 'VOIDED' : 'PENDING';
  return json(201, { id: change.transactionId, status, clientReferenceInformation: { code } });
}

/** A void waits for the sale it is about: one that arrives later is not charged. */
function voided(books: Books, code: string): SimulatedReply {
  const entry = books.entries(code)[0];
  const ref = entry ?? refOf(code, { minor: 0, currency: 'EUR', exponent: 2 });
  const done = ref ? books.reverse(ref) : 'nothing_to_reverse';
  return done === 'reversed'
    ? json(201, { id: 'VOID1', status: 'VOIDED' })
    : json(404, { status: 'INVALID_REQUEST', reason: 'NOT_FOUND' });
}

function search(books: Books, code: string): SimulatedReply {
  const named = books.changeNamed(code);
  const transactionSummaries = [
    ...books.entries(code).flatMap((entry) => summaries(entry, code, books.verdict(entry))),
    ...(named ? [summaryOf(named.change, named.entry.operation, code)] : []),
  ];
  return json(201, { totalCount: transactionSummaries.length, _embedded: { transactionSummaries } });
}

function summaryOf({ kind, transactionId: id }: LedgerChange, operation: PaymentType, code: string) {
  const name = {
    capture: 'ics_bill',
    refund: 'ics_credit',
    void: operation === 'authorize' ? 'ics_auth_reversal' : 'ics_void',
  }[kind];
  return {
    id,
    clientReferenceInformation: { code },
    applicationInformation: { applications: [{ name, reasonCode: '100' }] },
  };
}

function summaries(entry: LedgerEntry, code: string, verdict: BankVerdict | undefined): unknown[] {
  const summary = (id: string, applications: readonly object[]) => ({
    id,
    clientReferenceInformation: { code },
    applicationInformation: { applications },
    ...(verdict?.outcome === 'approved' ? { processorInformation: { approvalCode: verdict.authCode } } : {}),
  });
  const id = entry.transactionId;
  const ok = (name: string) => ({ name, reasonCode: '100' });
  switch (entry.state) {
    case 'approved':
      return [summary(id, [ok('ics_auth'), ok('ics_bill')])];
    case 'authorized':
    case 'verified':
      return [summary(id, [ok('ics_auth')])];
    case 'reversed':
      return [summary(id, [ok('ics_auth'), ok('ics_bill')]), summary('VOID1', [ok('ics_void')])];
    case 'declined': {
      const rFlag = verdict?.outcome === 'declined' ? (kReasons[verdict.code] ?? 'PROCESSOR_DECLINED') : '';
      return [summary(id, [{ name: 'ics_auth', reasonCode: '203', rFlag }])];
    }
    default:
      return [];
  }
}

function verdictOf(code: string, verdict: BankVerdict): SimulatedReply {
  const clientReferenceInformation = { code };
  switch (verdict.outcome) {
    case 'approved': {
      const processorInformation = { approvalCode: verdict.authCode, responseCode: '100' };
      const { part, token } = verdict;
      const amountDetails = part && { authorizedAmount: formatMajor(part), currency: part.currency };
      return json(201, {
        id: verdict.transactionId,
        status: part ? 'PARTIAL_AUTHORIZED' : 'AUTHORIZED',
        clientReferenceInformation,
        processorInformation,
        ...(amountDetails && { orderInformation: { amountDetails } }),
        ...(token === null ? {} : { tokenInformation: { paymentInstrument: { id: token } } }),
      });
    }
    case 'declined': {
      const errorInformation = {
        reason: kReasons[verdict.code] ?? 'PROCESSOR_DECLINED',
        message: 'declined',
      };
      return json(201, {
        id: verdict.transactionId,
        status: 'DECLINED',
        clientReferenceInformation,
        errorInformation,
      });
    }
    case 'transient':
      return json(429, { response: { rmsg: 'too many requests' } });
    case 'pending':
    case 'conflict':
      return json(502, { status: 'SERVER_ERROR', reason: 'SYSTEM_ERROR' });
  }
}
