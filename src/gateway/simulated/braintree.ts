import type { BankVerdict, LedgerEntry, SimulatorBank } from '../simulator-bank.ts';
import { textIn } from './json-body.ts';
import {
  Books,
  CardReader,
  major,
  orderOf,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  xml,
} from './simulated.ts';

const kCurrency = 'EUR'; // a merchant account has one
const kCodes: Readonly<Record<string, string>> = {
  '05': '2000',
  '51': '2001',
  '54': '2004',
  N7: '2010',
  '14': '2005',
  '41': '2012',
  '43': '2013',
  '59': '2014',
  '1A': '2099',
  not_a_test_card: '2057',
};

/** Braintree: transactions, searches by order id, voids and refunds. Nothing tells a resend from a new sale. */
export function simulatedBraintree(bank: SimulatorBank): SimulatedDialect {
  const books = new Books(bank);
  return {
    paths: /^\/merchants\/[^/]+\/transactions/,
    answer(request): SimulatedAnswer {
      if (!/^Basic /.test(String(request.headers['authorization']))) return xml(401, '<api-error-response/>');
      const path = request.path.replace(/^\/merchants\/[^/]+\/transactions/, '');
      const { card } = new CardReader(request.body)
        .take('pan', '"number":"')
        .take('expiry', '"expiration_date":"', { most: 2 })
        .take('expiry', '"expiration_date":"', { from: 5, most: 2 })
        .take('cvv', '"cvv":"');
      const text = textIn(request);
      if (path === '/advanced_search_ids') return found(books.entries(text('/search/order_id/is') ?? ''));
      const [, id, verb] = /^\/([^/]+)(?:\/(void|refund))?$/.exec(path) ?? [];
      if (id !== undefined) return one(books, id, verb);
      const amount = major(text('/transaction/amount'), kCurrency);
      const ref = amount && refOf(text('/transaction/order_id') ?? '', amount);
      if (!ref) return problem('81502', 'Amount is required.');
      const total = text('/transaction/amount') ?? '';
      return {
        receipt: books.charge(ref, card),
        reply: (verdict) => verdictOf(ref.idempotencyKey, total, verdict),
      };
    },
  };
}

function one(books: Books, id: string, verb: string | undefined): SimulatedReply {
  const entry = books.byId(id);
  if (!entry) return xml(404, '<api-error-response/>');
  if (verb !== undefined) books.reverse(entry);
  const now = books.byId(id) ?? entry;
  return xml(
    200,
    transaction(orderOf(now), (now.amount.minor / 100).toFixed(2), statusOf(now), id, books.verdict(now)),
  );
}

function found(entries: readonly LedgerEntry[]): SimulatedReply {
  const items = entries.map(({ transactionId }) => `<item>${transactionId}</item>`).join('');
  return xml(
    200,
    `<search-results><page-size type="integer">50</page-size><ids type="array">${items}</ids></search-results>`,
  );
}

function verdictOf(orderId: string, amount: string, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved':
      return xml(
        201,
        transaction(orderId, amount, 'submitted_for_settlement', verdict.transactionId, verdict),
      );
    case 'declined': {
      const status = verdict.code === 'reversed' ? 'voided' : 'processor_declined';
      const declined = transaction(orderId, amount, status, verdict.transactionId, verdict);
      return xml(
        422,
        `<api-error-response><errors><errors type="array"/></errors><message>Declined</message>${declined}</api-error-response>`,
      );
    }
    case 'transient':
      return xml(429, '<api-error-response/>');
    case 'pending':
    case 'conflict':
      return xml(500, '<api-error-response/>');
  }
}

function transaction(
  orderId: string,
  amount: string,
  status: string,
  id: string,
  verdict: BankVerdict | undefined,
): string {
  const code =
    verdict?.outcome === 'declined'
      ? `<processor-response-code>${kCodes[verdict.code] ?? '2000'}</processor-response-code>`
      : '';
  const auth =
    verdict?.outcome === 'approved'
      ? `<processor-authorization-code>${verdict.authCode}</processor-authorization-code>`
      : '';
  return (
    `<transaction><id>${id}</id><status>${status}</status><type>sale</type><currency-iso-code>${kCurrency}</currency-iso-code>` +
    `<amount>${amount}</amount><order-id>${orderId}</order-id>${code}${auth}<refund-ids type="array"/></transaction>`
  );
}

function problem(code: string, message: string): SimulatedReply {
  const error = `<errors type="array"><error><code>${code}</code><attribute type="symbol">amount</attribute></error></errors>`;
  return xml(
    422,
    `<api-error-response><errors><errors type="array"/><transaction>${error}</transaction></errors><message>${message}</message></api-error-response>`,
  );
}

function statusOf({ state }: LedgerEntry): string {
  switch (state) {
    case 'approved':
      return 'submitted_for_settlement';
    case 'reversed':
      return 'voided';
    case 'declined':
      return 'processor_declined';
    default:
      return 'authorizing';
  }
}
