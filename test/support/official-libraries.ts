import { CheckoutAPI, Client, EnvironmentEnum, HttpURLConnectionClient } from '@adyen/api-library';
import braintree from 'braintree';
import Stripe from 'stripe';
import type { HttpGateway } from '../../src/gateway/http-gateway.ts';
import { startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { kAdapters, openAdapter } from './gateway-adapters.ts';
import { type Recorded, type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';
import type { SelfSigned } from './self-signed.ts';

/** Simulated banks behind recorders: one for a gateway's own library and one for our adapter, so that neither meets the other's payments. */
export class RecordedBanks {
  readonly #closing: (() => Promise<void>)[] = [];

  async open(certificate?: SelfSigned): Promise<RecordingProxy> {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const opened = await startRecordingProxy(server.url, certificate);
    this.#closing.push(
      () => opened.close(),
      () => server.close(),
    );
    return opened;
  }

  /** @param work - with our adapter, and what it has sent since the last take. */
  async ours<T>(
    name: string,
    work: (gateway: HttpGateway, take: RecordingProxy['take']) => Promise<T>,
  ): Promise<T> {
    const adapter = kAdapters.find((each) => each.name === name);
    if (!adapter) throw new Error(`no adapter ${name}`);
    const { url, take } = await this.open();
    const gateway = openAdapter(adapter, url, new FakeClock(), new FakeLog());
    try {
      return await work(gateway, take);
    } finally {
      await gateway.close();
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}

export function stripeAt({ port }: RecordingProxy): Stripe {
  return new Stripe('sk_test_1', { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: 0 });
}

/** Speaks TLS only. */
export function adyenAt({ url }: RecordingProxy, { cert }: SelfSigned): CheckoutAPI {
  const client = new Client({ apiKey: 'key', environment: EnvironmentEnum.TEST });
  const http = new HttpURLConnectionClient();
  Reflect.set(http, 'agentOptions', { ca: cert });
  client.httpClient = {
    request: (endpoint, ...rest) =>
      http.request(endpoint.replace('https://checkout-test.adyen.com', url), ...rest),
  };
  return new CheckoutAPI(client);
}

export function braintreeAt({ port }: RecordingProxy): InstanceType<typeof braintree.BraintreeGateway> {
  return new braintree.BraintreeGateway({
    environment: new braintree.Environment('127.0.0.1', String(port), '', false, '127.0.0.1', '1'),
    merchantId: 'm1',
    publicKey: 'pub',
    privateKey: 'priv',
  });
}

/** Headers that are part of a contract; a library's own name in others is not. */
const kHeaders = ['authorization', 'x-api-key', 'idempotency-key', 'stripe-version', 'x-apiversion'];

/** Braintree's library says of what type a body is that is not there. */
function headersOf({ headers, body }: Recorded) {
  const names = body === '' ? kHeaders : [...kHeaders, 'content-type'];
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

/** A request with a form, as far as it counts: the order of fields does not. */
export function formOf(recorded: Recorded) {
  const { method, path, body } = recorded;
  return { method, path, headers: headersOf(recorded), fields: [...new URLSearchParams(body)].sort() };
}

/** The same with JSON. */
export function jsonOf(recorded: Recorded) {
  const { method, path, body } = recorded;
  return { method, path, headers: headersOf(recorded), json: body === '' ? null : JSON.parse(body) };
}
