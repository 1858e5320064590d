import { Types } from '@adyen/api-library';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  adyenAt,
  braintreeAt,
  formOf,
  jsonOf,
  RecordedBanks,
  stripeAt,
} from '../../support/official-libraries.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import type { Recorded, RecordingProxy } from '../../support/recording-proxy.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kPan = '4242424242424242';
const kKey = requestOf().idempotencyKey;
const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };

/** The gateways' own libraries, pointed at the simulated bank, send what our adapters send. */
describe('as the official library sends it', () => {
  const banks = new RecordedBanks();
  const tls = selfSigned();
  let proxy: RecordingProxy;

  beforeEach(async () => {
    proxy = await banks.open();
  });
  afterEach(() => banks.close());

  /** What our adapter sends for a sale, its look-up and its reversal. */
  function ours(
    name: string,
    steps: readonly ('submit' | 'query' | 'reverse')[],
    request = requestOf(),
  ): Promise<readonly Recorded[]> {
    return banks.ours(name, async (gateway, take) => {
      for (const step of steps) {
        if (step === 'submit')
          expect(await gateway.submit(request, cardOf({ pan: kPan }), kContext)).toMatchObject({
            kind: 'approved',
          });
        else await gateway[step](request);
      }
      return take();
    });
  }

  it('a Stripe sale, look-up and refund', async () => {
    const [intent, method, confirm, look, , refund] = await ours('stripe', ['submit', 'query', 'reverse']);
    const stripe = stripeAt(proxy);
    const { paymentRef } = requestOf();
    const made = await stripe.paymentIntents.create(
      {
        amount: 1050,
        currency: 'eur',
        allowed_payment_method_types: ['card'],
        capture_method: 'automatic',
        description: 'INV-7',
        metadata: { payment_ref: paymentRef, attempt: 1 },
      },
      { idempotencyKey: `${kKey}-pi` },
    );
    const card = await stripe.paymentMethods.create(
      { type: 'card', card: { number: kPan, exp_month: 3, exp_year: 2030, cvc: '123' } },
      { idempotencyKey: `${kKey}-pm` },
    );
    await stripe.paymentIntents.confirm(
      made.id,
      {
        payment_method: card.id,
        payment_method_options: { card: { moto: true } },
        error_on_requires_action: true,
      },
      { idempotencyKey: `${kKey}-cf` },
    );
    await stripe.paymentIntents.retrieve(made.id, { expand: ['latest_charge'] });
    await stripe.refunds.create({ payment_intent: made.id }, { idempotencyKey: `${kKey}-rf` });
    const theirs = proxy.take();
    expect(theirs).toHaveLength(5);
    expect([intent, method, confirm, refund].map((each) => each && formOf(each))).toEqual(
      theirs.filter(({ method: verb }) => verb === 'POST').map(formOf),
    );
    expect(decodeURIComponent(look?.path ?? '')).toBe(decodeURIComponent(theirs[3]?.path ?? ''));
  });

  it('a Stripe search and cancellation', async () => {
    const [search, , , cancel] = await ours('stripe', ['reverse'], requestOf({ reference: null }));
    const stripe = stripeAt(proxy);
    const { paymentRef } = requestOf();
    await stripe.paymentIntents.search({
      query: `metadata['payment_ref']:'${paymentRef}' AND metadata['attempt']:'1'`,
    });
    const id = /payment_intents\/(pi_[0-9a-f]+)\/cancel/.exec(cancel?.path ?? '')?.[1] ?? 'none';
    // Its bank never heard of the intent; what is sent counts.
    await stripe.paymentIntents.cancel(id, {}, { idempotencyKey: `${kKey}-cn` }).catch(() => undefined);
    const [theirSearch, theirCancel] = proxy.take();
    expect(decoded(search?.path)).toBe(decoded(theirSearch?.path));
    expect([cancel?.method, cancel?.path, cancel?.body]).toEqual([
      theirCancel?.method,
      theirCancel?.path,
      theirCancel?.body,
    ]);
  });

  it('an Adyen sale and technical cancel', async () => {
    const [payment, cancel] = await ours('adyen', ['submit', 'reverse'], requestOf({ customerId: null }));
    const own = await banks.open(tls);
    const checkout = adyenAt(own, tls);
    await checkout.PaymentsApi.payments(
      {
        merchantAccount: 'ShopMOTO',
        reference: kKey,
        amount: { currency: 'EUR', value: 1050 },
        returnUrl: 'https://unused.invalid/',
        shopperInteraction: Types.checkout.PaymentRequest.ShopperInteractionEnum.Moto,
        paymentMethod: {
          type: Types.checkout.CardDetails.TypeEnum.Scheme,
          number: kPan,
          expiryMonth: '03',
          expiryYear: '2030',
          cvc: '123',
        },
      },
      { idempotencyKey: kKey },
    );
    await checkout.ModificationsApi.cancelAuthorisedPayment(
      { merchantAccount: 'ShopMOTO', paymentReference: kKey, reference: `${kKey}-cancel` },
      { idempotencyKey: `${kKey}-cn` },
    );
    expect([payment, cancel].map(jsonIn)).toEqual(own.take().map(jsonOf));
  });

  it('a Braintree sale, search, look-up and void', async () => {
    const [sale, ids, look] = await ours('braintree', ['submit', 'query']);
    const voided = (await ours('braintree', ['submit', 'reverse'])).at(-1);
    const gateway = braintreeAt(proxy);
    const made = await gateway.transaction.sale({
      amount: '10.50',
      orderId: kKey,
      transactionSource: 'moto',
      creditCard: { number: kPan, expirationDate: '03/2030', cvv: '123' },
      options: { submitForSettlement: true },
    });
    expect(made.success).toBe(true);
    await new Promise((resolve, reject) => {
      gateway.transaction.search(
        (search) => search.orderId().is(kKey),
        (error, found) => (error ? reject(error) : resolve(found)),
      );
    });
    await gateway.transaction.find(idIn(look));
    await gateway.transaction.void(idIn(look));
    const theirs = proxy.take();
    expect([sale, ids, look, voided].map(jsonIn)).toEqual(theirs.slice(0, 4).map(jsonOf));
  });
});

function jsonIn(recorded: Recorded | undefined) {
  return recorded && jsonOf(recorded);
}

function idIn(recorded: Recorded | undefined): string {
  return /transactions\/([^/]+)$/.exec(recorded?.path ?? '')?.[1] ?? 'none';
}

function decoded(path: string | undefined): string {
  return decodeURIComponent((path ?? '').replaceAll('+', '%20'));
}
