import type { CardSecret } from '../../card/card-secret.ts';
import { formatMajor, money } from '../../money/money.ts';
import type { FollowUpKind } from '../../ports/payment-gateway.ts';
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
    paths: /^\/merchants\/[^/]+\/(transactions|verifications$|customers$)/,
    answer(request): SimulatedAnswer {
      if (!/^Basic /.test(String(request.headers['authorization']))) return xml(401, '<api-error-response/>');
      const [, resource, path = ''] = /^\/merchants\/[^/]+\/(\w+)(.*)$/.exec(request.path) ?? [];
      const { card } = new CardReader(request.body)
        .take('pan', '"number":"')
        .take('expiry', '"expiration_date":"', { most: 2 })
        .take('expiry', '"expiration_date":"', { from: 5, most: 2 })
        .take('cvv', '"cvv":"');
      const text = textIn(request);
      if (resource === 'verifications' || resource === 'customers')
        return withoutMoney(books, resource, card);
      if (path === '/advanced_search_ids') return found(books, text('/search/order_id/is') ?? '');
      const [, id, verb] = /^\/([^/]+)(?:\/(void|refund|submit_for_settlement))?$/.exec(path) ?? [];
      if (id !== undefined && verb !== undefined && verb !== 'void' && request.body.length > 20)
        return changed(books, id, verb === 'refund' ? 'refund' : 'capture', text);
      if (id !== undefined) return one(books, id, verb);
      const amount = major(text('/transaction/amount'), kCurrency);
      const isSale = text('/transaction/options/submit_for_settlement') === 'true';
      const ref = amount && refOf(text('/transaction/order_id') ?? '', amount, isSale ? 'sale' : 'authorize');
      if (!ref) return problem('81502', 'Amount is required.');
      const total = text('/transaction/amount') ?? '';
      return {
        receipt: books.charge(ref, card),
        reply: (verdict) => verdictOf(ref.idempotencyKey, total, verdict, isSale),
      };
    },
  };
}

/** The bank looks at the card; nothing tells two requests of this kind apart. */
function withoutMoney(books: Books, resource: string, card: CardSecret): SimulatedAnswer {
  const isToken = resource === 'customers';
  const name = `KEPT${String(books.next()).padStart(12, '0')}01`;
  const ref = refOf(name, money(0, kCurrency), isToken ? 'tokenize' : 'verify');
  if (!ref) return problem('81502', 'Amount is required.');
  return {
    receipt: books.charge(ref, card),
    reply: (verdict) => (isToken ? customerOf(verdict) : verificationOf(verdict)),
  };
}

function verificationOf(verdict: BankVerdict): SimulatedReply {
  if (verdict.outcome === 'approved')
    return xml(
      201,
      `<verification><status>verified</status><id>${verdict.transactionId}</id></verification>`,
    );
  const code = verdict.outcome === 'declined' ? (kCodes[verdict.code] ?? '2000') : '3000';
  return xml(
    422,
    `<api-error-response><verification><status>processor_declined</status><processor-response-code>${code}</processor-response-code></verification><message>Declined</message></api-error-response>`,
  );
}

function customerOf(verdict: BankVerdict): SimulatedReply {
  if (verdict.outcome !== 'approved') return verificationOf(verdict);
  return xml(
    201,
    `<customer><id>${verdict.transactionId}</id><credit-cards type="array"><credit-card><token>${verdict.token}</token></credit-card></credit-cards></customer>`,
  );
}

function changed(
  books: Books,
  id: string,
  kind: FollowUpKind,
  text: (path: string) => string | undefined,
): SimulatedReply {
  const entry = books.byId(id);
  const amount = major(text('/transaction/amount'), entry?.amount.currency ?? kCurrency);
  if (!entry || !amount) return xml(404, '<api-error-response/>');
  const name = text('/transaction/order_id') ?? '';
  const change = books.change(id, kind, amount.minor, name);
  if (change.outcome === 'refused') return problem('91506', 'Cannot refund or settle this transaction.');
  if (kind === 'capture') return one(books, id, undefined);
  const of = `<refunded-transaction-id>${id}</refunded-transaction-id>`;
  return xml(201, refund(name, formatMajor(amount), change.transactionId, of));
}

function refund(orderId: string, amount: string, id: string, more: string): string {
  return (
    `<transaction><id>${id}</id><status>submitted_for_settlement</status><type>credit</type><currency-iso-code>${kCurrency}</currency-iso-code>` +
    `<amount>${amount}</amount><order-id>${orderId}</order-id>${more}<refund-ids type="array"/></transaction>`
  );
}

function one(books: Books, id: string, verb: string | undefined): SimulatedReply {
  const named = books.bank
    .ledger()
    .flatMap(({ changes, amount }) => changes.map((change) => ({ change, amount })))
    .find(({ change }) => change.transactionId === id);
  if (named) {
    const { change, amount } = named;
    return xml(
      200,
      refund(change.key.split('#')[0] ?? '', formatMajor({ ...amount, minor: change.minor }), id, ''),
    );
  }
  const entry = books.byId(id);
  if (!entry) return xml(404, '<api-error-response/>');
  if (verb !== undefined) books.reverse(entry);
  const now = books.byId(id) ?? entry;
  return xml(200, transaction(orderOf(now), formatMajor(now.amount), statusOf(now), id, books.verdict(now)));
}

function found(books: Books, orderId: string): SimulatedReply {
  const ids = books.entries(orderId).map(({ transactionId }) => transactionId);
  const named = books.changeNamed(orderId)?.change.transactionId;
  const items = [...ids, ...(named === undefined ? [] : [named])].map((id) => `<item>${id}</item>`).join('');
  return xml(
    200,
    `<search-results><page-size type="integer">50</page-size><ids type="array">${items}</ids></search-results>`,
  );
}

function verdictOf(orderId: string, amount: string, verdict: BankVerdict, isSale: boolean): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved':
      return xml(
        201,
        transaction(
          orderId,
          amount,
          isSale ? 'submitted_for_settlement' : 'authorized',
          verdict.transactionId,
          verdict,
        ),
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
    case 'authorized':
      return 'authorized';
    case 'reversed':
      return 'voided';
    case 'declined':
      return 'processor_declined';
    default:
      return 'authorizing';
  }
}
