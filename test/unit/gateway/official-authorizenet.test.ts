import sdk from 'authorizenet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { type SimulatorServer, startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { money } from '../../../src/money/money.ts';
import type { FollowUp, FollowUpKind, PaymentType } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { type Recorded, type RecordingProxy, startRecordingProxy } from '../../support/recording-proxy.ts';

const kCard = { pan: '4242424242424242', postal: '90210' };
const kKey = `${requestOf().paymentRef}01`;
const kAuthentication = { name: 'login', transactionKey: 'key' };

/** Authorize.Net's own library, pointed at the simulated bank, sends what our adapter sends: members in the order of the schema. */
describe('as Authorize.Net’s library sends it', () => {
  let server: SimulatorServer;
  let proxy: RecordingProxy;
  let gateway: HttpGateway;

  beforeEach(async () => {
    server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    proxy = await startRecordingProxy(server.url);
    const adapter = kAdapters.find(({ name }) => name === 'authorizenet');
    if (!adapter) throw new Error('no adapter');
    gateway = openAdapter(adapter, proxy.url, new FakeClock(), new FakeLog());
  });
  afterEach(async () => {
    await gateway.close();
    await proxy.close();
    await server.close();
  });

  /** What the library makes of a request; its own name in it is no part of the contract. */
  async function theirs(name: string, members: object): Promise<Recorded | undefined> {
    const Request = sdk.APIContracts[`${name}Request`];
    const Controller = sdk.APIControllers[`${name}Controller`];
    if (!Request || !Controller) throw new Error(name);
    const controller = new Controller(
      new Request({ merchantAuthentication: kAuthentication, ...members }).getJSON(),
    );
    controller.setEnvironment(`${proxy.url}/xml/v1/request.api`);
    await new Promise<void>((resolve) => controller.execute(resolve));
    return proxy.take()[0];
  }

  function expectSame(own: Recorded | undefined, their: Recorded | undefined): void {
    expect([own?.method, own?.path, own?.headers['content-type']]).toEqual([
      their?.method,
      their?.path,
      their?.headers['content-type'],
    ]);
    // As text: the order counts.
    expect(own?.body).toBe(
      (their?.body ?? '').replace(/"clientId":(null|"[^"]*"),?/g, '').replaceAll(',}', '}'),
    );
  }

  const amount = (operation: PaymentType) =>
    money(operation === 'verify' || operation === 'tokenize' ? 0 : 1050, 'EUR');
  async function submitted(operation: PaymentType): Promise<string> {
    const request = requestOf({ operation, idempotencyKey: kKey, amount: amount(operation) });
    const context = { deadlineMs: 30_000, onFlushed: () => undefined };
    const result = await gateway.submit(request, cardOf(kCard), context);
    if (result.kind !== 'approved') throw new Error(JSON.stringify(result));
    return result.transactionId;
  }
  const creditCard = { cardNumber: kCard.pan, expirationDate: '2030-03', cardCode: '123' };

  it.each([
    ['sale', 'authCaptureTransaction', '10.50'],
    ['authorize', 'authOnlyTransaction', '10.50'],
    ['verify', 'authOnlyTransaction', '0.00'],
  ] as const)('a %s', async (operation, transactionType, total) => {
    await submitted(operation);
    const [own] = proxy.take();
    const transactionRequest = {
      transactionType,
      amount: total,
      currencyCode: 'EUR',
      payment: { creditCard },
      order: { invoiceNumber: kKey, description: 'INV-7' },
      customer: { id: 'C-77' },
      billTo: { zip: '90210' },
      retail: { marketType: '1' },
      transactionSettings: [{ settingName: 'duplicateWindow', settingValue: '28800' }],
    };
    expectSame(own, await theirs('CreateTransaction', { refId: kKey, transactionRequest }));
  });

  it.each([
    ['capture', 'authorize', 'priorAuthCaptureTransaction'],
    ['void', 'sale', 'voidTransaction'],
    ['refund', 'sale', 'refundTransaction'],
  ] as const)('a %s', async (kind: FollowUpKind, operation, transactionType) => {
    const refTransId = await submitted(operation);
    proxy.take();
    const order: FollowUp = {
      kind,
      payment: requestOf({ operation, idempotencyKey: kKey }),
      transactionId: refTransId,
      captureId: null,
      last4: '4242',
      key: `${kKey}F1`,
      amount: amount('sale'),
      beforeMinor: 0,
    };
    expect(await gateway.followUp(order)).toMatchObject({ kind: 'done' });
    const [own] = proxy.take();
    const isRefund = kind === 'refund';
    const transactionRequest = {
      transactionType,
      ...(kind === 'void' ? {} : { amount: '10.50' }),
      ...(isRefund ? { payment: { creditCard: { cardNumber: '4242', expirationDate: 'XXXX' } } } : {}),
      refTransId,
      ...(isRefund ? { order: { invoiceNumber: `${kKey}F1` } } : {}),
    };
    expectSame(own, await theirs('CreateTransaction', { refId: `${kKey}F1`, transactionRequest }));
  });

  it('a customer that keeps the card', async () => {
    await submitted('tokenize');
    const [own] = proxy.take();
    const profile = {
      merchantCustomerId: kKey,
      description: 'C-77',
      paymentProfiles: [{ customerType: 'individual', payment: { creditCard } }],
    };
    expectSame(own, await theirs('CreateCustomerProfile', { profile, validationMode: 'liveMode' }));
  });

  it('a look-up', async () => {
    const transId = await submitted('sale');
    proxy.take();
    await gateway.query(requestOf({ idempotencyKey: kKey }));
    const [list, details] = proxy.take();
    const sorting = { orderBy: 'submitTimeUTC', orderDescending: true };
    const paging = { limit: '1000', offset: '1' };
    expectSame(list, await theirs('GetUnsettledTransactionList', { sorting, paging }));
    expectSame(details, await theirs('GetTransactionDetails', { transId }));
  });

  it('a look-up of what is not listed', async () => {
    await gateway.query(requestOf({ idempotencyKey: kKey, sentAt: '2026-11-21T11:30:15.250Z' }));
    const [, batches] = proxy.take();
    const firstSettlementDate = '2026-11-21T10:30:15Z';
    const lastSettlementDate = '2026-11-28T12:00:00Z';
    expectSame(batches, await theirs('GetSettledBatchList', { firstSettlementDate, lastSettlementDate }));
  });
});
