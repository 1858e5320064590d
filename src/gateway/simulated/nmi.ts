import { formatMajor, money } from '../../money/money.ts';
import { kFollowUpKinds, type PaymentType } from '../../ports/payment-gateway.ts';
import type { BankVerdict, LedgerEntry, SimulatorBank } from '../simulator-bank.ts';
import {
  Books,
  CardReader,
  major,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  xml,
} from './simulated.ts';

const kCodes: Readonly<Record<string, string>> = {
  '05': '201',
  '51': '202',
  '54': '223',
  N7: '225',
  '14': '222',
  '41': '251',
  '43': '252',
  '59': '253',
  '1A': '200',
  not_a_test_card: '204',
};

/** NMI: sales with a duplicate check, voids and refunds in forms; look-ups in XML. */
export function simulatedNmi(bank: SimulatorBank): SimulatedDialect {
  const books = new Books(bank);
  return {
    paths: /^\/api\/(transact|query)\.php$/,
    answer(request): SimulatedAnswer {
      const { card } = new CardReader(request.body)
        .take('pan', 'ccnumber=')
        .take('expiry', 'ccexp=')
        .take('cvv', 'cvv=');
      const form = new URLSearchParams(request.body.toString('latin1'));
      if (request.path === '/api/query.php') return query(books, form.get('order_id') ?? '');
      if (form.get('security_key') === null) return reply('3', 'Authentication Failed', '300');
      const operation = kTypes[form.get('type') ?? ''];
      if (!operation) return changed(books, form);
      const movesMoney = operation !== 'verify';
      const amount = movesMoney
        ? major(form.get('amount') ?? undefined, form.get('currency') ?? 'USD')
        : money(0, 'USD');
      const isToken = form.get('customer_vault') === 'add_customer';
      const ref = amount && refOf(form.get('orderid') ?? '', amount, isToken ? 'tokenize' : operation);
      if (!ref) return reply('3', 'Invalid amount', '300');
      if (books.entries(ref.idempotencyKey).length > 0)
        return reply('3', 'Duplicate transaction', '430', ref.idempotencyKey);
      return { receipt: books.charge(ref, card), reply: (verdict) => verdictOf(ref.idempotencyKey, verdict) };
    },
  };
}

const kTypes: Readonly<Record<string, PaymentType>> = { sale: 'sale', auth: 'authorize', validate: 'verify' };

/** A refund or void without an amount is of all of it. */
function changed(books: Books, form: URLSearchParams): SimulatedReply {
  const entry = books.byId(form.get('transactionid') ?? '');
  const kind = kFollowUpKinds.find((each) => each === form.get('type'));
  if (!entry || !kind) return reply('3', 'Transaction not found', '300');
  const total = form.get('amount');
  if (total === null) {
    return books.reverse(entry) === 'reversed'
      ? reply('1', 'SUCCESS', '100', '', entry.transactionId)
      : reply('3', 'Transaction was previously voided', '300');
  }
  const change = books.change(entry.transactionId, kind, major(total, entry.amount.currency)?.minor);
  return change.outcome === 'done'
    ? reply('1', 'SUCCESS', '100', '', kind === 'capture' ? entry.transactionId : change.transactionId)
    : reply('3', `Not possible: ${change.code}`, '300');
}

function verdictOf(orderId: string, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved':
      return reply('1', 'SUCCESS', '100', orderId, verdict.transactionId, verdict.authCode, verdict.token);
    case 'declined':
      return reply('2', 'DECLINE', kCodes[verdict.code] ?? '200', orderId, verdict.transactionId);
    case 'transient':
      return reply('3', 'Communication error', '420', orderId);
    case 'pending':
      return reply('3', 'Still processing', '400', orderId);
    case 'conflict':
      return reply('3', 'Duplicate transaction', '430', orderId);
  }
}

function reply(
  response: string,
  text: string,
  code: string,
  orderid = '',
  transactionid = '',
  authcode = '',
  token: string | null = null,
): SimulatedReply {
  const fields = {
    response,
    responsetext: text,
    authcode,
    transactionid,
    avsresponse: '',
    cvvresponse: '',
    orderid,
    type: 'sale',
    response_code: code,
    ...(token === null ? {} : { customer_vault_id: token }),
  };
  return { status: 200, contentType: 'text/html', text: String(new URLSearchParams(fields)) };
}

function query(books: Books, orderId: string): SimulatedReply {
  const transactions = books
    .entries(orderId)
    .map((entry) => transactionOf(entry, orderId, books.verdict(entry)));
  return xml(200, `<nm_response>${transactions.join('')}</nm_response>`);
}

function transactionOf(entry: LedgerEntry, orderId: string, verdict: BankVerdict | undefined): string {
  const code = verdict?.outcome === 'declined' ? (kCodes[verdict.code] ?? '200') : '100';
  const authCode = verdict?.outcome === 'approved' ? verdict.authCode : '';
  const refunds = entry.changes
    .filter(({ kind }) => kind === 'refund')
    .map(({ minor }) => {
      const total = formatMajor({ ...entry.amount, minor });
      return `<action><action_type>refund</action_type><success>1</success><amount>-${total}</amount></action>`;
    })
    .join('');
  return (
    `<transaction><transaction_id>${entry.transactionId}</transaction_id><condition>${conditionOf(entry)}</condition>` +
    `<order_id>${orderId}</order_id><authorization_code>${authCode}</authorization_code>` +
    `<action><action_type>${entry.operation === 'authorize' ? 'auth' : 'sale'}</action_type><success>${code === '100' ? 1 : 0}</success><response_code>${code}</response_code></action>${refunds}</transaction>`
  );
}

function conditionOf({ state }: LedgerEntry): string {
  switch (state) {
    case 'approved':
      return 'pendingsettlement';
    case 'authorized':
      return 'pending';
    case 'reversed':
      return 'canceled';
    case 'declined':
      return 'failed';
    default:
      return 'in_progress';
  }
}
