import { Types } from '@adyen/api-library';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { FollowUpKind, PaymentType } from '../../../src/ports/payment-gateway.ts';
import {
  adyenAt,
  braintreeAt,
  formOf,
  jsonOf,
  RecordedBanks,
  stripeAt,
} from '../../support/official-libraries.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import type { RecordingProxy } from '../../support/recording-proxy.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kPan = '4242424242424242';
const kRef = requestOf().paymentRef;
const kKey = `${kRef}01`;
const kChangeKey = `${kKey}F1`;

/** The libraries of Stripe, Adyen and Braintree send what our adapters send when a payment is changed, or a card verified or kept. */
describe('as the official library sends it', () => {
  const banks = new RecordedBanks();
  const tls = selfSigned();
  let proxy: RecordingProxy;

  beforeEach(async () => {
    proxy = await banks.open();
  });
  afterEach(() => banks.close());

  /** What our adapter sends: of the card, or of the change that follows. */
  function ours(name: string, operation: PaymentType, kind?: FollowUpKind) {
    return banks.ours(name, async (gateway, take) => {
      const minor = operation === 'verify' || operation === 'tokenize' ? 0 : 1050;
      const request = requestOf({
        operation,
        idempotencyKey: kKey,
        amount: money(minor, 'EUR'),
        customerId: null,
        reference: null,
      });
      const context = { deadlineMs: 30_000, onFlushed: () => undefined };
      const result = await gateway.submit(request, cardOf({ pan: kPan }), context);
      if (result.kind !== 'approved') throw new Error(JSON.stringify(result));
      const { transactionId } = result;
      if (kind) {
        take();
        const of = { kind, payment: request, transactionId, captureId: null, last4: '4242', key: kChangeKey };
        const answer = await gateway.followUp({ ...of, amount: money(500, 'EUR'), beforeMinor: 0 });
        expect(['done', 'accepted']).toContain(answer.kind);
      }
      return { sent: take(), transactionId };
    });
  }

  describe('Stripe', () => {
    const key = { idempotencyKey: kChangeKey };

    it.each(['capture', 'void', 'refund'] as const)('%s', async (kind) => {
      const { sent, transactionId: id } = await ours(
        'stripe',
        kind === 'refund' ? 'sale' : 'authorize',
        kind,
      );
      const stripe = stripeAt(proxy);
      const calls = {
        capture: () => stripe.paymentIntents.capture(id, { amount_to_capture: 500 }, key),
        void: () => stripe.paymentIntents.cancel(id, {}, key),
        refund: () =>
          stripe.refunds.create({ payment_intent: id, amount: 500, metadata: { key: kChangeKey } }, key),
      };
      await calls[kind]().catch(() => undefined); // its bank never heard of the payment; what is sent counts
      expect(sent.map(formOf)).toEqual(proxy.take().map(formOf));
    });

    it('a card that is kept', async () => {
      const { sent } = await ours('stripe', 'tokenize');
      const stripe = stripeAt(proxy);
      const customer = await stripe.customers.create(
        { metadata: { payment_ref: kRef } },
        { idempotencyKey: `${kKey}-cu` },
      );
      const method = await stripe.paymentMethods.create(
        { type: 'card', card: { number: kPan, exp_month: 3, exp_year: 2030, cvc: '123' } },
        { idempotencyKey: `${kKey}-pm` },
      );
      await stripe.setupIntents.create(
        {
          confirm: true,
          payment_method: method.id,
          customer: customer.id,
          allowed_payment_method_types: ['card'],
          payment_method_options: { card: { moto: true } },
          metadata: { payment_ref: kRef, attempt: 1 },
        },
        { idempotencyKey: `${kKey}-si` },
      );
      expect(sent.map(formOf)).toEqual(proxy.take().map(formOf));
    });
  });

  describe('Adyen', () => {
    it.each(['capture', 'void', 'refund'] as const)('%s', async (kind) => {
      const { sent, transactionId: id } = await ours('adyen', kind === 'refund' ? 'sale' : 'authorize', kind);
      const { checkout, take } = await adyen();
      const order = { merchantAccount: 'ShopMOTO', reference: kChangeKey };
      const amount = { currency: 'EUR', value: 500 };
      const options = { idempotencyKey: kChangeKey };
      const { ModificationsApi: api } = checkout;
      const calls = {
        capture: () => api.captureAuthorisedPayment(id, { ...order, amount }, options),
        void: () => api.cancelAuthorisedPaymentByPspReference(id, order, options),
        refund: () => api.refundCapturedPayment(id, { ...order, amount }, options),
      };
      await calls[kind]().catch(() => undefined);
      expect(sent.map(jsonOf)).toEqual(take().map(jsonOf));
    });

    it.each(['authorize', 'verify', 'tokenize'] as const)('%s', async (operation) => {
      const { sent } = await ours('adyen', operation);
      const { checkout, take } = await adyen();
      const { PaymentRequest, CardDetails } = Types.checkout;
      await checkout.PaymentsApi.payments(
        {
          merchantAccount: 'ShopMOTO',
          reference: kKey,
          amount: { currency: 'EUR', value: operation === 'authorize' ? 1050 : 0 },
          returnUrl: 'https://unused.invalid/',
          shopperInteraction: PaymentRequest.ShopperInteractionEnum.Moto,
          ...(operation === 'authorize' ? { additionalData: { manualCapture: 'true' } } : {}),
          ...(operation === 'tokenize'
            ? {
                storePaymentMethod: true,
                shopperReference: kRef,
                recurringProcessingModel: PaymentRequest.RecurringProcessingModelEnum.UnscheduledCardOnFile,
              }
            : {}),
          paymentMethod: {
            type: CardDetails.TypeEnum.Scheme,
            number: kPan,
            expiryMonth: '03',
            expiryYear: '2030',
            cvc: '123',
          },
        },
        { idempotencyKey: kKey },
      );
      expect(sent.map(jsonOf)).toEqual(take().map(jsonOf));
    });

    async function adyen() {
      const own = await banks.open(tls);
      return { checkout: adyenAt(own, tls), take: own.take };
    }
  });

  describe('Braintree', () => {
    const card = { number: kPan, expirationDate: '03/2030', cvv: '123' };

    it.each(['capture', 'refund'] as const)('%s', async (kind) => {
      const { sent, transactionId: id } = await ours(
        'braintree',
        kind === 'refund' ? 'sale' : 'authorize',
        kind,
      );
      const { transaction } = braintreeAt(proxy);
      const calls = {
        capture: () => transaction.submitForSettlement(id, '5.00'),
        refund: () => transaction.refund(id, { amount: '5.00', orderId: kChangeKey }),
      };
      await calls[kind]().catch(() => undefined);
      expect(sent.map(jsonOf)).toEqual(proxy.take().map(jsonOf));
    });

    it('a verification, and a card that is kept', async () => {
      const verified = (await ours('braintree', 'verify')).sent;
      const kept = (await ours('braintree', 'tokenize')).sent;
      const { creditCardVerification, customer } = braintreeAt(proxy);
      await creditCardVerification.create({ creditCard: card });
      await customer.create({ creditCard: { ...card, options: { verifyCard: true } } });
      expect([...verified, ...kept].map(jsonOf)).toEqual(proxy.take().map(jsonOf));
    });
  });
});
