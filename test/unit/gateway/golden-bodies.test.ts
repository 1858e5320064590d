import { createHash, createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { payConnectorDialect } from '../../../src/gateway/pay-connector.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { money } from '../../../src/money/money.ts';
import type { FollowUpKind, PaymentType } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, type KeyedCard, requestOf } from '../../support/payment-request.ts';
import { type RecordingProxy, startRecordingProxy } from '../../support/recording-proxy.ts';

const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };
const kVisa = { pan: '4242424242424242' };
const kRef = 'R4K7Z2M9QX3TB8VA';

/** The bytes of a MOTO sale of 10.50 EUR, gateway by gateway. */
describe('the body of a sale', () => {
  let proxy: RecordingProxy;
  let close: () => Promise<void>;

  beforeEach(async () => {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    proxy = await startRecordingProxy(server.url);
    close = () => proxy.close().then(() => server.close());
  });
  afterEach(() => close());

  async function sent(name: string, keyed: KeyedCard = kVisa, changes = {}) {
    const adapter = kAdapters.find((each) => each.name === name);
    if (!adapter) throw new Error(`no adapter ${name}`);
    const gateway = openAdapter(adapter, proxy.url, new FakeClock(), new FakeLog());
    const request = requestOf({ customerId: null, idempotencyKey: `${kRef}01`, ...changes });
    await gateway.submit(request, cardOf(keyed), kContext);
    await gateway.close();
    return proxy.take();
  }

  it('is this for Stripe, in three steps of which the last one charges', async () => {
    const [intent, method, confirm] = await sent('stripe');
    expect([intent, method, confirm].map((each) => [each?.path, each?.headers['idempotency-key']])).toEqual([
      ['/v1/payment_intents', `${kRef}01-pi`],
      ['/v1/payment_methods', `${kRef}01-pm`],
      [expect.stringMatching(/^\/v1\/payment_intents\/pi_[0-9a-f]{24}\/confirm$/), `${kRef}01-cf`],
    ]);
    expect(intent?.body).toBe(
      `amount=1050&currency=eur&allowed_payment_method_types[0]=card&capture_method=automatic&description=INV-7&metadata[payment_ref]=${kRef}&metadata[attempt]=1`,
    );
    expect(method?.body).toBe(
      'type=card&card[number]=4242424242424242&card[exp_month]=3&card[exp_year]=2030&card[cvc]=123',
    );
    expect(confirm?.body).toMatch(
      /^payment_method=pm_[0-9a-f]{24}&payment_method_options\[card\]\[moto\]=true&error_on_requires_action=true$/,
    );
  });

  it('is this for Adyen', async () => {
    const [sale] = await sent('adyen', { pan: '4111111111111111', cvv: '737' });
    expect([sale?.method, sale?.path, sale?.headers['idempotency-key']]).toEqual([
      'POST',
      '/v72/payments',
      `${kRef}01`,
    ]);
    expect(sale?.body).toBe(
      `{"merchantAccount":"ShopMOTO","reference":"${kRef}01","amount":{"currency":"EUR","value":1050},"returnUrl":"https://unused.invalid/",` +
        '"shopperInteraction":"Moto","paymentMethod":{"type":"scheme","number":"4111111111111111","expiryMonth":"03","expiryYear":"2030","cvc":"737"}}',
    );
  });

  it('is this for Authorize.Net, members in the order of its schema', async () => {
    const [sale] = await sent('authorizenet', kVisa, { reference: null });
    expect([sale?.path, sale?.headers['content-type']]).toEqual(['/xml/v1/request.api', 'application/json']);
    expect(sale?.body).toBe(
      '{"createTransactionRequest":{"merchantAuthentication":{"name":"login","transactionKey":"key"},' +
        `"refId":"${kRef}01","transactionRequest":{"transactionType":"authCaptureTransaction","amount":"10.50","currencyCode":"EUR",` +
        '"payment":{"creditCard":{"cardNumber":"4242424242424242","expirationDate":"2030-03","cardCode":"123"}},' +
        `"order":{"invoiceNumber":"${kRef}01"},"retail":{"marketType":"1"},` +
        '"transactionSettings":{"setting":[{"settingName":"duplicateWindow","settingValue":"28800"}]}}}}',
    );
  });

  it('is this for Worldpay, elements in the order of its DTD', async () => {
    const [sale] = await sent('worldpay', { pan: '4444333322221111' });
    expect([sale?.path, sale?.headers['content-type']]).toEqual([
      '/jsp/merchant/xml/paymentService.jsp',
      'text/xml',
    ]);
    expect(sale?.body).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE paymentService PUBLIC "-//Worldpay//DTD Worldpay PaymentService v1//EN" "http://dtd.worldpay.com/paymentService_v1.dtd">' +
        `<paymentService version="1.4" merchantCode="SHOPMOTO"><submit><order orderCode="${kRef}01"><description>INV-7</description>` +
        '<amount value="1050" currencyCode="EUR" exponent="2"/><paymentDetails><CARD-SSL><cardNumber>4444333322221111</cardNumber>' +
        '<expiryDate><date month="03" year="2030"/></expiryDate><cardHolderName>Telephone Payment</cardHolderName><cvc>123</cvc></CARD-SSL></paymentDetails>' +
        '<dynamicInteractionType type="MOTO"/></order></submit></paymentService>',
    );
  });

  it('is this for hushpay’s own XML, with what was said escaped', async () => {
    const reference = `a "q" <b> & 'c' \u0007Ü`;
    const [sale] = await sent('xml', { ...kVisa, postal: '90210' }, { reference, merchantId: null });
    expect(sale?.headers['idempotency-key']).toBe(`${kRef}01`);
    expect(sale?.body).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><PaymentRequest version="1" paymentRef="${kRef}" attempt="1" operation="sale">` +
        '<Reference>a &quot;q&quot; &lt;b&gt; &amp; &apos;c&apos; Ü</Reference><Amount value="1050" currency="EUR" exponent="2"/>' +
        '<Card brand="visa"><Number>4242424242424242</Number><Expiry month="03" year="2030"/><SecurityCode>123</SecurityCode>' +
        '<PostalCode>90210</PostalCode></Card><Call id="call-1" ani="+4930123" dnis="+4930999" mode="ivr" channel="moto"/></PaymentRequest>',
    );
  });

  it('is this for NMI', async () => {
    const [sale] = await sent('nmi');
    expect(sale?.path).toBe('/api/transact.php');
    expect(sale?.body).toBe(
      `security_key=key&type=sale&ccnumber=4242424242424242&ccexp=0330&cvv=123&amount=10.50&currency=EUR&orderid=${kRef}01&order_description=INV-7&industry=moto&dup_seconds=1200`,
    );
  });

  it('is this for Cybersource, and signed', async () => {
    const [sale] = await sent('cybersource');
    expect(sale?.body).toBe(
      `{"clientReferenceInformation":{"code":"${kRef}01","transactionId":"${kRef}01"},"processingInformation":{"capture":true,"commerceIndicator":"MOTO"},` +
        '"paymentInformation":{"card":{"number":"4242424242424242","expirationMonth":"03","expirationYear":"2030","securityCode":"123"}},' +
        '"orderInformation":{"amountDetails":{"totalAmount":"10.50","currency":"EUR"}}}',
    );
    const digest = `SHA-256=${createHash('sha256')
      .update(sale?.body ?? '')
      .digest('base64')}`;
    const signed = `host: ${sale?.headers.host}\ndate: ${sale?.headers.date}\nrequest-target: post /pts/v2/payments\ndigest: ${digest}\nv-c-merchant-id: m1`;
    const signature = createHmac('sha256', 'shared secret').update(signed).digest('base64');
    expect(sale?.headers).toMatchObject({
      digest,
      'v-c-merchant-id': 'm1',
      date: 'Sat, 21 Nov 2026 12:00:00 GMT',
    });
    expect(sale?.headers['signature']).toBe(
      `keyid="k1", algorithm="HmacSHA256", headers="host date request-target digest v-c-merchant-id", signature="${signature}"`,
    );
  });

  it.each([
    ['chargeAmount', 'yyyy', '2030'],
    ['charge_amount', 'yy', '30'],
  ] as const)('is this for a pay-connector that says %s and %s', async (amountName, yearForm, year) => {
    const dialect = payConnectorDialect({ user: 'u', password: 'p', amountName, yearForm });
    const options = { baseUrl: `${proxy.url}/pay-connector`, ca: null, connectTimeoutMs: 5_000 };
    const gateway = new HttpGateway(dialect, options, new FakeClock(), new FakeLog());
    const request = requestOf({ customerId: null, merchantId: null, idempotencyKey: `${kRef}01` });
    expect(await gateway.submit(request, cardOf({ ...kVisa, postal: '90210' }), kContext)).toMatchObject({
      kind: 'approved',
    });
    await gateway.close();
    const [sale] = proxy.take();
    expect(sale?.headers.authorization).toBe('Basic dTpw');
    expect(sale?.body).toBe(
      `{"transaction_id":"${kRef}01","method":"credit-card","cardnumber":"4242424242424242","cvv":"123","postal_code":"90210",` +
        `"expiry_month":"03","expiry_year":"${year}","${amountName}":"10.50","currency_code":"eur","token_type":"one-time","description":"INV-7",` +
        `"parameters":{"payment_ref":"${kRef}","attempt":"1","call_id":"call-1"}}`,
    );
  });

  it.each([
    ['stripe', 'JPY', 1050, 'amount=1050&currency=jpy'],
    ['stripe', 'UGX', 1050, 'amount=105000&currency=ugx'],
    ['stripe', 'ISK', 1050, 'amount=105000&currency=isk'],
    ['stripe', 'MGA', 500_000, 'amount=5000&currency=mga'],
    ['stripe', 'HUF', 1050, 'amount=1050&currency=huf'],
    ['stripe', 'TWD', 1050, 'amount=1050&currency=twd'],
    ['stripe', 'KWD', 1050, 'amount=1050&currency=kwd'],
    ['adyen', 'ISK', 1050, '"amount":{"currency":"ISK","value":105000}'],
    ['adyen', 'CVE', 10_500, '"amount":{"currency":"CVE","value":105}'],
    ['adyen', 'CLP', 1050, '"amount":{"currency":"CLP","value":105000}'],
    ['adyen', 'IDR', 105_000, '"amount":{"currency":"IDR","value":1050}'],
    ['authorizenet', 'JPY', 1050, '"amount":"1050","currencyCode":"JPY"'],
    ['cybersource', 'BHD', 1050, '"totalAmount":"1.050","currency":"BHD"'],
    ['nmi', 'CLF', 10_500, 'amount=1.0500&currency=CLF'],
    ['braintree', 'JPY', 5, '"amount":"5"'],
    ['worldpay', 'KWD', 1, '<amount value="1" currencyCode="KWD" exponent="3"/>'],
    ['worldpay', 'JPY', 1050, '<amount value="1050" currencyCode="JPY" exponent="0"/>'],
    ['worldpay', 'CLF', 10_500, '<amount value="10500" currencyCode="CLF" exponent="4"/>'],
    ['rest', 'JPY', 1050, '"amount":{"value":1050,"currency":"JPY","exponent":0}'],
    ['rest', 'KWD', 1050, '"amount":{"value":1050,"currency":"KWD","exponent":3}'],
    ['rest', 'CLF', 10_500, '"amount":{"value":10500,"currency":"CLF","exponent":4}'],
    ['xml', 'JPY', 1050, '<Amount value="1050" currency="JPY" exponent="0"/>'],
    ['xml', 'KWD', 1050, '<Amount value="1050" currency="KWD" exponent="3"/>'],
    ['xml', 'CLF', 10_500, '<Amount value="10500" currency="CLF" exponent="4"/>'],
    ['pay-connector', 'JPY', 1050, '"chargeAmount":"1050","currency_code":"jpy"'],
    ['pay-connector', 'KWD', 1, '"chargeAmount":"0.001","currency_code":"kwd"'],
    ['pay-connector', 'CLF', 10_500, '"chargeAmount":"1.0500","currency_code":"clf"'],
    ['stripe', 'CLF', 10_500, 'amount=10500&currency=clf'],
    ['adyen', 'JPY', 1050, '"amount":{"currency":"JPY","value":1050}'],
    ['adyen', 'KWD', 1050, '"amount":{"currency":"KWD","value":1050}'],
    ['adyen', 'CLF', 10_500, '"amount":{"currency":"CLF","value":10500}'],
    ['authorizenet', 'KWD', 1, '"amount":"0.001","currencyCode":"KWD"'],
    ['authorizenet', 'CLF', 10_500, '"amount":"1.0500","currencyCode":"CLF"'],
    ['cybersource', 'JPY', 1050, '"totalAmount":"1050","currency":"JPY"'],
    ['cybersource', 'CLF', 10_500, '"totalAmount":"1.0500","currency":"CLF"'],
    ['nmi', 'JPY', 1050, 'amount=1050&currency=JPY'],
    ['nmi', 'KWD', 1050, 'amount=1.050&currency=KWD'],
    ['braintree', 'KWD', 1050, '"amount":"1.050"'],
    ['braintree', 'CLF', 10_500, '"amount":"1.0500"'],
  ])('of %s counts %s as that gateway does', async (name, currency, minor, expected) => {
    const [sale] = await sent(name, kVisa, { amount: money(minor, currency) });
    expect(sale?.body).toContain(expected);
  });

  it.each('BIF CLP DJF GNF KMF KRW PYG RWF VND VUV XAF XOF XPF'.split(' '))(
    'of stripe counts %s without decimals',
    async (currency) => {
      const [sale] = await sent('stripe', kVisa, { amount: money(1050, currency) });
      expect(sale?.body).toContain(`amount=1050&currency=${currency.toLowerCase()}`);
    },
  );

  it.each([
    ['stripe', 'KWD', 1051],
    ['stripe', 'MGA', 500_020],
    ['adyen', 'IDR', 105_001],
  ])('of %s is not sent for an amount it cannot say', async (name, currency, minor) => {
    expect(await sent(name, kVisa, { amount: money(minor, currency) })).toEqual([]);
  });

  it.each([
    ['EUR', 1050],
    ['JPY', 1050],
    ['KWD', 1050],
    ['CLF', 10_500],
  ])('is charged as it was asked in %s, whoever the gateway is', async (currency, minor) => {
    const amount = money(minor, currency);
    for (const adapter of kAdapters) {
      const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
      const gateway = openAdapter(adapter, server.url, new FakeClock(), new FakeLog());
      const result = await gateway.submit(requestOf({ amount }), cardOf(kVisa), kContext);
      await gateway.close();
      await server.close();
      // A Braintree account has one currency, and the simulated one has euros: an approval in another is not believed.
      const isOther = adapter.name === 'braintree' && currency !== 'EUR';
      expect([adapter.name, result.kind === 'approved']).toEqual([adapter.name, !isOther]);
      if (!isOther) expect([adapter.name, server.ledger()[0]?.amount]).toEqual([adapter.name, amount]);
    }
  });
});

/** Changes of payments at gateways whose library is not at hand; the others: official-changes.test.ts. */
describe('what is sent to change a payment', () => {
  const key = `${kRef}01`;
  const kWorldpay = (change: string) =>
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE paymentService PUBLIC "-//Worldpay//DTD Worldpay PaymentService v1//EN" "http://dtd.worldpay.com/paymentService_v1.dtd">' +
    `<paymentService version="1.4" merchantCode="SHOPMOTO"><modify><orderModification orderCode="${key}">${change}</orderModification></modify></paymentService>`;
  const kTotal = '"amountDetails":{"totalAmount":"5.00","currency":"EUR"}';
  const kNames = `"clientReferenceInformation":{"code":"${key}F1","transactionId":"${key}F1"}`;

  it.each<[string, FollowUpKind, PaymentType, string | null, string, string]>([
    [
      'nmi',
      'capture',
      'authorize',
      null,
      '/api/transact.php',
      'security_key=key&type=capture&transactionid=T1&amount=5.00',
    ],
    ['nmi', 'void', 'sale', null, '/api/transact.php', 'security_key=key&type=void&transactionid=T1'],
    [
      'nmi',
      'refund',
      'sale',
      null,
      '/api/transact.php',
      'security_key=key&type=refund&transactionid=T1&amount=5.00',
    ],
    [
      'worldpay',
      'capture',
      'authorize',
      null,
      '/jsp/merchant/xml/paymentService.jsp',
      kWorldpay(
        '<capture><date dayOfMonth="21" month="11" year="2026"/><amount value="500" currencyCode="EUR" exponent="2" debitCreditIndicator="credit"/></capture>',
      ),
    ],
    ['worldpay', 'void', 'sale', null, '/jsp/merchant/xml/paymentService.jsp', kWorldpay('<cancel/>')],
    [
      'worldpay',
      'refund',
      'sale',
      null,
      '/jsp/merchant/xml/paymentService.jsp',
      kWorldpay(
        '<refund><amount value="500" currencyCode="EUR" exponent="2" debitCreditIndicator="credit"/></refund>',
      ),
    ],
    [
      'cybersource',
      'capture',
      'authorize',
      null,
      '/pts/v2/payments/T1/captures',
      `{${kNames},"orderInformation":{${kTotal}}}`,
    ],
    [
      'cybersource',
      'refund',
      'sale',
      null,
      '/pts/v2/payments/T1/refunds',
      `{${kNames},"orderInformation":{${kTotal}}}`,
    ],
    [
      'cybersource',
      'refund',
      'authorize',
      'C1',
      '/pts/v2/captures/C1/refunds',
      `{${kNames},"orderInformation":{${kTotal}}}`,
    ],
    ['cybersource', 'void', 'sale', null, '/pts/v2/payments/T1/voids', `{${kNames}}`],
    [
      'cybersource',
      'void',
      'authorize',
      null,
      '/pts/v2/payments/T1/reversals',
      `{${kNames},"reversalInformation":{${kTotal}}}`,
    ],
  ])('%s: %s of a %s (captured as %s)', async (name, kind, operation, captureId, path, body) => {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const proxy = await startRecordingProxy(server.url);
    const adapter = kAdapters.find((each) => each.name === name);
    if (!adapter) throw new Error(`no adapter ${name}`);
    const gateway = openAdapter(adapter, proxy.url, new FakeClock(), new FakeLog());
    const payment = requestOf({ operation, idempotencyKey: key });
    const order = {
      kind,
      payment,
      transactionId: 'T1',
      captureId,
      last4: '4242',
      key: `${key}F1`,
      beforeMinor: 0,
    };
    await gateway.followUp({ ...order, amount: money(500, 'EUR') });
    await gateway.close();
    const [sent] = proxy.take();
    await proxy.close();
    await server.close();
    expect([sent?.method, sent?.path, sent?.body]).toEqual(['POST', path, body]);
  });
});
