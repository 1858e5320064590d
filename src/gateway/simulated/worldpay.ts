import { money } from '../../money/money.ts';
import type { PaymentRef } from '../../ports/payment-gateway.ts';
import { xmlOf } from '../reply-node.ts';
import type { BankVerdict, SimulatorBank } from '../simulator-bank.ts';
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

/** Worldpay WPG: orders, inquiries, cancelOrRefund. */
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
        books.reverse(entry);
        return reply(`<ok><cancelReceived orderCode="${modified}"/></ok>`);
      }
      const order = '/paymentService/submit/order';
      const orderCode = body?.text(`${order}@orderCode`) ?? '';
      const currency = body?.text(`${order}/amount@currencyCode`) ?? '';
      const ref = refOf(orderCode, money(Number(body?.text(`${order}/amount@value`)), currency));
      if (!ref) return error('2', 'Invalid request');
      if (books.entries(orderCode).length > 0) return error('5', 'Duplicate Order');
      return { receipt: books.charge(ref, card), reply: (verdict) => verdictOf(ref, verdict) };
    },
  };
}

function inquiry(books: Books, orderCode: string): SimulatedReply {
  const entry = books.entries(orderCode)[0];
  const verdict = entry && books.verdict(entry);
  if (!entry || !verdict) return error('5', 'Could not find payment for order');
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
