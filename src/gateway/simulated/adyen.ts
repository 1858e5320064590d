import { money } from '../../money/money.ts';
import type { BankVerdict, SimulatorBank } from '../simulator-bank.ts';
import { textIn } from './json-body.ts';
import {
  CardReader,
  json,
  refOf,
  type SimulatedAnswer,
  type SimulatedDialect,
  type SimulatedReply,
  submitOnce,
} from './simulated.ts';

const kReasons: Readonly<Record<string, string>> = {
  '05': '2',
  '51': '12',
  '54': '6',
  N7: '24',
  '14': '8',
  '41': '5',
  '43': '5',
  '59': '20',
  '1A': '38',
  not_a_test_card: '22',
};

/** Adyen Checkout: payments by idempotency key, technical cancels. */
export function simulatedAdyen(bank: SimulatorBank): SimulatedDialect {
  return {
    paths: /^\/v72\/(payments|cancels|paymentMethods|payments\/[^/]+\/(captures|cancels|refunds))$/,
    answer(request): SimulatedAnswer {
      if (request.headers['x-api-key'] === undefined) return json(401, { status: 401, errorCode: '000' });
      if (request.path === '/v72/paymentMethods') return json(200, { paymentMethods: [] });
      const { card } = new CardReader(request.body)
        .take('pan', '"number":"')
        .take('expiry', '"expiryMonth":"', { most: 2 })
        .take('expiry', '"expiryYear":"', { from: 2 })
        .take('cvv', '"cvc":"');
      const text = textIn(request);
      const key = String(request.headers['idempotency-key'] ?? '');
      const change = /^\/v72\/payments\/([^/]+)\/(\w+)$/.exec(request.path);
      if (change) return changed(bank, decodeURIComponent(change[1] ?? ''), change[2] ?? '', text, key);
      if (request.path === '/v72/cancels') {
        const cancelled = refOf(text('/paymentReference') ?? '', money(0, 'EUR'));
        if (cancelled) bank.reverse(cancelled.paymentRef, cancelled.attempt);
        return json(201, {
          status: 'received',
          pspReference: 'CANCEL1',
          paymentReference: text('/paymentReference'),
        });
      }
      const currency = text('/amount/currency') ?? '';
      const operation =
        text('/shopperReference') !== undefined
          ? 'tokenize'
          : text('/additionalData/manualCapture') === 'true'
            ? 'authorize'
            : text('/amount/value') === '0'
              ? 'verify'
              : 'sale';
      const ref = refOf(text('/reference') ?? '', money(Number(text('/amount/value')), currency), operation);
      if (!ref) return json(422, { status: 422, errorCode: '130', message: 'Required field reference' });
      return {
        receipt: submitOnce(bank, { ...ref, idempotencyKey: key || ref.idempotencyKey }, card, true),
        reply: (verdict) => verdictOf(ref.idempotencyKey, { currency, value: ref.amount.minor }, verdict),
      };
    },
  };
}

/** Every change is only received, whatever comes of it. */
function changed(
  bank: SimulatorBank,
  id: string,
  verb: string,
  text: (path: string) => string | undefined,
  key: string,
): SimulatedReply {
  const entry = bank.ledger().find(({ transactionId }) => transactionId === id);
  if (!entry) return json(422, { status: 422, errorCode: '167', message: 'Original pspReference required' });
  const kind = verb === 'captures' ? 'capture' : verb === 'refunds' ? 'refund' : 'void';
  bank.change(id, kind, Number(text('/amount/value') ?? entry.amount.minor), key);
  return json(201, { status: 'received', pspReference: `MOD-${key.slice(-8)}`, paymentPspReference: id });
}

function verdictOf(merchantReference: string, amount: object, verdict: BankVerdict): SimulatedReply {
  switch (verdict.outcome) {
    case 'approved': {
      const { transactionId: pspReference, authCode, part, token } = verdict;
      const kept = token === null ? {} : { 'tokenization.storedPaymentMethodId': token };
      return json(200, {
        additionalData: { authCode, ...kept },
        pspReference,
        resultCode: 'Authorised',
        amount: part ? { ...amount, value: part.minor } : amount,
        merchantReference,
      });
    }
    case 'declined': {
      const refusalReasonCode = kReasons[verdict.code] ?? '2';
      return json(200, {
        pspReference: verdict.transactionId,
        refusalReason: 'Refused',
        resultCode: 'Refused',
        refusalReasonCode,
        merchantReference,
      });
    }
    case 'transient':
      return json(429, { status: 429, errorCode: '905', message: 'try again' });
    case 'pending':
      return json(200, { pspReference: 'PENDING1', resultCode: 'Received', merchantReference });
    case 'conflict':
      return json(422, { status: 422, errorCode: '702', message: 'the key belongs to another request' });
  }
}
