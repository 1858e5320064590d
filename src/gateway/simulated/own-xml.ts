import { kFollowUpKinds, kPaymentTypes, type PaymentRef } from '../../ports/payment-gateway.ts';
import { type ReplyNode, xmlOf } from '../reply-node.ts';
import type { BankVerdict, SimulatorBank } from '../simulator-bank.ts';
import {
  CardReader,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  submitOnce,
  xml,
} from './simulated.ts';

/** Hushpay's own XML contract: docs/gateway-xml.xsd. */
export function simulatedXml(bank: SimulatorBank): SimulatedDialect {
  return {
    paths: /^\/xml$/,
    answer(request): SimulatedAnswer {
      if (request.method === 'GET') return xml(200, '<Ready/>');
      const { card } = new CardReader(request.body)
        .take('pan', '<Number>')
        .take('expiry', '<Expiry month="', { most: 2 })
        .take('expiry', 'year="', { from: 2 })
        .take('cvv', '<SecurityCode>');
      const body = xmlOf({ status: 200, contentType: '', body: request.body, cardMasked: true });
      for (const element of [
        'PaymentRequest',
        'PaymentInquiry',
        'PaymentReversal',
        'PaymentChange',
      ] as const) {
        if (!body?.has(`/${element}`)) continue;
        const ref = refOf(body, element, String(request.headers['idempotency-key']));
        if (element === 'PaymentChange') return changed(bank, body, ref);
        if (element === 'PaymentReversal') return answer(ref, bank.reverse(ref.paymentRef, ref.attempt));
        if (element === 'PaymentRequest')
          return { receipt: submitOnce(bank, ref, card, true), reply: (verdict) => verdictOf(ref, verdict) };
        const verdict = bank.query(ref.paymentRef, ref.attempt);
        return verdict ? verdictOf(ref, verdict) : answer(ref, 'not_found');
      }
      return xml(400, '<Problem/>');
    },
  };
}

function refOf(body: ReplyNode, element: string, idempotencyKey: string): PaymentRef {
  const at = `/${element}/Amount`;
  const operation = kPaymentTypes.find((each) => each === body.text(`/${element}@operation`)) ?? 'sale';
  return {
    operation,
    paymentRef: body.text(`/${element}@paymentRef`) ?? '',
    attempt: Number(body.text(`/${element}@attempt`)),
    idempotencyKey,
    amount: {
      minor: Number(body.text(`${at}@value`)),
      currency: body.text(`${at}@currency`) ?? '',
      exponent: Number(body.text(`${at}@exponent`)),
    },
  };
}

function changed(bank: SimulatorBank, body: ReplyNode, ref: PaymentRef): SimulatedReply {
  const kind = kFollowUpKinds.find((each) => each === body.text('/PaymentChange@operation'));
  const id = body.text('/PaymentChange/TransactionId') ?? '';
  if (!kind) return xml(400, '<Problem/>');
  const change = bank.change(id, kind, ref.amount.minor, ref.idempotencyKey);
  return change.outcome === 'done'
    ? answer(ref, 'done', `<TransactionId>${change.transactionId}</TransactionId>`)
    : answer(ref, 'refused', `<Message>${change.code}</Message>`);
}

function verdictOf(ref: PaymentRef, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved': {
      const { transactionId, authCode, spokenReference, part, token } = verdict;
      const told = part
        ? `<ApprovedAmount value="${part.minor}" currency="${part.currency}" exponent="${part.exponent}"/>`
        : '';
      return answer(
        ref,
        'approved',
        `<TransactionId>${transactionId}</TransactionId><AuthCode>${authCode}</AuthCode><SpokenReference>${spokenReference}</SpokenReference>` +
          `${token === null ? '' : `<Token>${token}</Token>`}${told}`,
      );
    }
    case 'declined':
      return answer(
        ref,
        'declined',
        `<TransactionId>${verdict.transactionId}</TransactionId><Decline class="${verdict.class}" code="${verdict.code}"/>`,
      );
    case 'transient':
      return answer(ref, 'error', `<Decline class="transient" code="${verdict.code}"/>`);
    case 'pending':
      return answer(ref, 'pending');
    case 'conflict':
      return answer(ref, 'error', '<Decline class="config" code="conflict"/>');
  }
}

function answer({ paymentRef, attempt }: PaymentRef, outcome: string, content = ''): SimulatedReply {
  return xml(
    200,
    `<PaymentResponse version="1" outcome="${outcome}" paymentRef="${paymentRef}" attempt="${attempt}">${content}</PaymentResponse>`,
  );
}
