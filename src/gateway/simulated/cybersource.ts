import { createHash } from 'node:crypto';
import type { BankVerdict, LedgerEntry, SimulatorBank } from '../simulator-bank.ts';
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
    paths: /^\/(pts\/v2\/(payments|voids)|tss\/v2\/searches)$/,
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
      if (request.path === '/pts/v2/voids') return voided(books, code);
      const amount = major(
        text('/orderInformation/amountDetails/totalAmount'),
        text('/orderInformation/amountDetails/currency') ?? 'USD',
      );
      const ref = amount && refOf(code, amount);
      if (!ref) return json(400, { status: 'INVALID_REQUEST', reason: 'MISSING_FIELD', message: 'missing' });
      if (books.entries(code).length > 0)
        return json(400, { status: 'INVALID_REQUEST', reason: 'DUPLICATE_REQUEST' });
      return { receipt: books.charge(ref, card), reply: (verdict) => verdictOf(code, verdict) };
    },
  };
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
  const transactionSummaries = books
    .entries(code)
    .flatMap((entry) => summaries(entry, code, books.verdict(entry)));
  return json(201, { totalCount: transactionSummaries.length, _embedded: { transactionSummaries } });
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
      return json(201, {
        id: verdict.transactionId,
        status: 'AUTHORIZED',
        clientReferenceInformation,
        processorInformation,
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
