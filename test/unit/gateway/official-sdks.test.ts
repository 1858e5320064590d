import { CheckoutAPI, Client, EnvironmentEnum, HttpURLConnectionClient, Types } from '@adyen/api-library';
import braintree from 'braintree';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { type Recorded, type RecordingProxy, startRecordingProxy } from '../../support/recording-proxy.ts';
import { type SelfSigned, selfSigned } from '../../support/self-signed.ts';

const kPan = '4242424242424242';
const kKey = requestOf().idempotencyKey;
const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };

/** The gateways' own libraries, pointed at the simulated bank, send what our adapters send. */
describe('as the official library sends it', () => {
  const tls = selfSigned();
  let proxy: RecordingProxy;
  const closing: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    proxy = await bank();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** A bank of its own, so that neither side meets the other's payments. */
  async function bank(certificate?: SelfSigned): Promise<RecordingProxy> {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const opened = await startRecordingProxy(server.url, certificate);
    closing.push(
      () => opened.close(),
      () => server.close(),
    );
    return opened;
  }

  /** What our adapter sends for a sale, its look-up and its reversal. */
  async function ours(
    name: string,
    steps: readonly ('submit' | 'query' | 'reverse')[],
    request = requestOf(),
  ) {
    const adapter = kAdapters.find((each) => each.name === name);
    if (!adapter) throw new Error(`no adapter ${name}`);
    const own = await bank();
    const gateway = openAdapter(adapter, own.url, new FakeClock(), new FakeLog());
    for (const step of steps) {
      if (step === 'submit')
        expect(await gateway.submit(request, cardOf({ pan: kPan }), kContext)).toMatchObject({
          kind: 'approved',
        });
      else await gateway[step](request);
    }
    await gateway.close();
    return own.take();
  }

  it('a Stripe sale, look-up and refund', async () => {
    const [intent, method, confirm, look, , refund] = await ours('stripe', ['submit', 'query', 'reverse']);
    const stripe = new Stripe('sk_test_1', {
      host: '127.0.0.1',
      port: proxy.port,
      protocol: 'http',
      maxNetworkRetries: 0,
    });
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
    const headers = ['authorization', 'stripe-version', 'idempotency-key', 'content-type'];
    const theirs = proxy.take();
    expect(theirs).toHaveLength(5);
    expect([intent, method, confirm, refund].map((each) => formOf(each, headers))).toEqual(
      theirs.filter(({ method: verb }) => verb === 'POST').map((each) => formOf(each, headers)),
    );
    expect(decodeURIComponent(look?.path ?? '')).toBe(decodeURIComponent(theirs[3]?.path ?? ''));
  });

  it('a Stripe search and cancellation', async () => {
    const [search, , , cancel] = await ours('stripe', ['reverse'], requestOf({ reference: null }));
    const stripe = new Stripe('sk_test_1', {
      host: '127.0.0.1',
      port: proxy.port,
      protocol: 'http',
      maxNetworkRetries: 0,
    });
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
    const client = new Client({ apiKey: 'key', environment: EnvironmentEnum.TEST });
    const http = new HttpURLConnectionClient();
    Reflect.set(http, 'agentOptions', { ca: tls.cert });
    const { url, take } = await bank(tls);
    client.httpClient = {
      request: (endpoint, ...rest) =>
        http.request(endpoint.replace('https://checkout-test.adyen.com', url), ...rest),
    };
    const checkout = new CheckoutAPI(client);
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
    const headers = ['x-api-key', 'idempotency-key', 'content-type'];
    expect([payment, cancel].map((each) => jsonOf(each, headers))).toEqual(
      take().map((each) => jsonOf(each, headers)),
    );
  });

  it('a Braintree sale, search, look-up and void', async () => {
    const [sale, ids, look] = await ours('braintree', ['submit', 'query']);
    const voided = (await ours('braintree', ['submit', 'reverse'])).at(-1);
    const environment = new braintree.Environment(
      '127.0.0.1',
      String(proxy.port),
      '',
      false,
      '127.0.0.1',
      '1',
    );
    const gateway = new braintree.BraintreeGateway({
      environment,
      merchantId: 'm1',
      publicKey: 'pub',
      privateKey: 'priv',
    });
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
    const headers = ['authorization', 'x-apiversion', 'accept'];
    expect([sale, ids, look, voided].map((each) => jsonOf(each, headers))).toEqual(
      [theirs[0], theirs[1], theirs[2], theirs[3]].map((each) => jsonOf(each, headers)),
    );
  });
});

function idIn(recorded: Recorded | undefined): string {
  return /transactions\/([^/]+)$/.exec(recorded?.path ?? '')?.[1] ?? 'none';
}

function decoded(path: string | undefined): string {
  return decodeURIComponent((path ?? '').replaceAll('+', '%20'));
}

function headersOf({ headers }: Recorded, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

function formOf(recorded: Recorded | undefined, names: readonly string[]) {
  if (!recorded) return undefined;
  const { method, path, body } = recorded;
  return { method, path, headers: headersOf(recorded, names), fields: [...new URLSearchParams(body)].sort() };
}

function jsonOf(recorded: Recorded | undefined, names: readonly string[]) {
  if (!recorded) return undefined;
  const { method, path, body } = recorded;
  return { method, path, headers: headersOf(recorded, names), json: body === '' ? null : JSON.parse(body) };
}
