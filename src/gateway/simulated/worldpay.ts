import { money } from '../../money/money.ts';
import type { PaymentRef } from '../../ports/payment-gateway.ts';
import { xmlOf } from '../reply-node.ts';
import type { BankVerdict, LedgerEntry, SimulatorBank } from '../simulator-bank.ts';
import {
  Books,
  CardReader,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  xml,
} from './simulated.ts';

const kDocType =
  '<!DOCTYPE paymentService PUBLIC "-//WorldPay//DTD WorldPay PaymentService v1//EN" "http://dtd.worldpay.com/paymentService_v1.dtd">';

/** Whose merchant code this is captures nothing by itself. */
const kHeldAccount = 'SHOPHOLD';

/** Worldpay WPG: orders, inquiries, changes of orders, tokens. */
export function simulatedWorldpay(bank: SimulatorBank): SimulatedDialect {
  const books = new Books(bank);
  const cancelled = (orderCode: string) => books.entries(orderCode)[0];
  return {
    paths: /^\/jsp\/merchant\/xml\/paymentService\.jsp$/,
    answer(request): SimulatedAnswer {
      const { card } = new CardReader(request.body)
        .take('pan', '<cardNumber>')
        .take('expiry', '<date month="', { most: 2 })
        .take('expiry', 'year="', { from: 2 })
        .take('cvv', '<cvc>');
      const body = xmlOf({ status: 200, contentType: '', body: request.body, cardMasked: true });
      const inquired = body?.text('/paymentService/inquiry/orderInquiry@orderCode');
      if (inquired !== undefined) return inquiry(books, inquired);
      const modified = body?.text('/paymentService/modify/orderModification@orderCode');
      if (modified !== undefined) {
        const entry = cancelled(modified);
        if (!entry) return error('5', 'Could not find payment for order');
        return change(
          books,
          entry,
          modified,
          (path) => body?.text(path),
          (path) => body?.has(path) ?? false,
        );
      }
      const create = '/paymentService/submit/paymentTokenCreate';
      if (body?.has(create)) {
        const named = refOf(
          body.text(`${create}/createToken/tokenEventReference`) ?? '',
          kNothing,
          'tokenize',
        );
        if (!named) return error('2', 'Invalid request');
        return { receipt: books.charge(named, card), reply: (verdict) => tokenOf(named, verdict) };
      }
      const order = '/paymentService/submit/order';
      const orderCode = body?.text(`${order}@orderCode`) ?? '';
      const currency = body?.text(`${order}/amount@currencyCode`) ?? '';
      const minor = Number(body?.text(`${order}/amount@value`));
      const isHeld = body?.text('/paymentService@merchantCode') === kHeldAccount;
      const operation = minor === 0 ? 'verify' : isHeld ? 'authorize' : 'sale';
      const ref = refOf(orderCode, money(minor, currency), operation);
      if (!ref) return error('2', 'Invalid request');
      if (books.entries(orderCode).length > 0) return error('5', 'Duplicate Order');
      return { receipt: books.charge(ref, card), reply: (verdict) => verdictOf(ref, verdict) };
    },
  };
}

const kNothing = money(0, 'EUR');

/** Every change is only received, whatever comes of it. */
function change(
  books: Books,
  entry: LedgerEntry,
  orderCode: string,
  text: (path: string) => string | undefined,
  has: (path: string) => boolean,
): SimulatedReply {
  const at = '/paymentService/modify/orderModification';
  const id = entry.transactionId;
  if (has(`${at}/capture`)) {
    books.change(id, 'capture', Number(text(`${at}/capture/amount@value`)));
    return reply(`<ok><captureReceived orderCode="${orderCode}"/></ok>`);
  }
  if (has(`${at}/refund`)) {
    books.change(id, 'refund', Number(text(`${at}/refund/amount@value`)));
    return reply(`<ok><refundReceived orderCode="${orderCode}"/></ok>`);
  }
  if (has(`${at}/cancel`)) books.change(id, 'void');
  else books.reverse(entry);
  return reply(`<ok><cancelReceived orderCode="${orderCode}"/></ok>`);
}

function tokenOf({ idempotencyKey }: PaymentRef, verdict: BankVerdict): SimulatedReply {
  if (verdict.outcome !== 'approved') return error('7', 'Invalid payment details');
  return reply(
    `<token><tokenEventReference>${idempotencyKey}</tokenEventReference><tokenDetails tokenEvent="NEW"><paymentTokenID>${verdict.token}</paymentTokenID></tokenDetails></token>`,
  );
}

function inquiry(books: Books, orderCode: string): SimulatedReply {
  const entry = books.entries(orderCode)[0];
  const verdict = entry && books.verdict(entry);
  if (!entry || !verdict) return error('5', 'Could not find payment for order');
  const ref = { ...entry, idempotencyKey: orderCode };
  if (verdict.outcome === 'approved' && entry.changes.some(({ kind }) => kind === 'refund'))
    return status(ref, 'SENT_FOR_REFUND', '');
  if (verdict.outcome === 'approved' && entry.changes.some(({ kind }) => kind === 'capture'))
    return status(ref, 'CAPTURED', '');
  return verdictOf({ ...entry, idempotencyKey: orderCode }, verdict);
}

function verdictOf(ref: PaymentRef, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved':
      return status(ref, 'AUTHORISED', `<AuthorisationId id="${verdict.authCode}"/>`);
    case 'declined':
      if (verdict.code === 'reversed') return status(ref, 'CANCELLED', '');
      return status(
        ref,
        'REFUSED',
        `<ISO8583ReturnCode code="${isoOf(verdict.code)}" description="REFUSED"/>`,
      );
    case 'transient':
      return error('1', 'Internal error');
    case 'pending':
      return status(ref, 'SENT_FOR_AUTHORISATION', '');
    case 'conflict':
      return error('5', 'Duplicate Order');
  }
}

/** Without a leading zero, as the gateway writes them. */
function isoOf(code: string): string {
  return code === 'not_a_test_card' ? '57' : code.replace(/^0/, '');
}

function status({ idempotencyKey, amount }: PaymentRef, event: string, more: string): SimulatedReply {
  return reply(
    `<orderStatus orderCode="${idempotencyKey}"><payment><paymentMethod>VISA-SSL</paymentMethod>` +
      `<amount value="${amount.minor}" currencyCode="${amount.currency}" exponent="${amount.exponent}" debitCreditIndicator="credit"/>` +
      `<lastEvent>${event}</lastEvent>${more}</payment></orderStatus>`,
  );
}

function error(code: string, text: string): SimulatedReply {
  return reply(`<error code="${code}"><![CDATA[${text}]]></error>`);
}

function reply(content: string): SimulatedReply {
  return xml(
    200,
    `${kDocType}<paymentService version="1.4" merchantCode="SHOPMOTO"><reply>${content}</reply></paymentService>`,
  );
}
