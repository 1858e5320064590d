import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { adyenDialect } from '../../src/gateway/adyen.ts';
import { authorizeNetDialect } from '../../src/gateway/authorizenet.ts';
import { braintreeDialect } from '../../src/gateway/braintree.ts';
import { cybersourceDialect } from '../../src/gateway/cybersource.ts';
import type { Dialect } from '../../src/gateway/dialect.ts';
import { HttpGateway } from '../../src/gateway/http-gateway.ts';
import { mappedDialect } from '../../src/gateway/mapping.ts';
import { nmiDialect } from '../../src/gateway/nmi.ts';
import { payConnectorDialect } from '../../src/gateway/pay-connector.ts';
import { restDialect } from '../../src/gateway/rest.ts';
import { stripeDialect } from '../../src/gateway/stripe.ts';
import { worldpayDialect } from '../../src/gateway/worldpay.ts';
import { xmlDialect } from '../../src/gateway/xml.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Log } from '../../src/ports/log.ts';

export interface Adapter {
  readonly name: string;
  /** What is behind the server's own address. */
  readonly path: string;
  readonly dialect: (clock: Clock, host: string) => Dialect;
}

const kSecret = Buffer.from('shared secret').toString('base64');

/** Every adapter with credentials the simulated bank takes. */
export const kAdapters: readonly Adapter[] = [
  { name: 'rest', path: '', dialect: () => restDialect(null) },
  {
    name: 'xml',
    path: '/xml',
    dialect: () => xmlDialect({ credentials: null }),
  },
  {
    name: 'pay-connector',
    path: '/pay-connector',
    dialect: () =>
      payConnectorDialect({ user: 'u', password: 'p', amountName: 'chargeAmount', yearForm: 'yyyy' }),
  },
  {
    name: 'stripe',
    path: '',
    dialect: () => stripeDialect({ secretKey: 'sk_test_1' }),
  },
  {
    name: 'adyen',
    path: '',
    dialect: () => adyenDialect({ merchantAccount: 'ShopMOTO', apiKey: 'key' }),
  },
  {
    name: 'worldpay',
    path: '',
    dialect: (clock) =>
      worldpayDialect(
        { merchantCode: 'SHOPMOTO', user: 'u', password: 'p', cardholderName: 'Telephone Payment' },
        clock,
      ),
  },
  {
    name: 'authorizenet',
    path: '',
    dialect: (clock) => authorizeNetDialect({ login: 'login', transactionKey: 'key' }, clock),
  },
  {
    name: 'braintree',
    path: '',
    dialect: () => braintreeDialect({ merchantId: 'm1', publicKey: 'pub', privateKey: 'priv' }),
  },
  {
    name: 'cybersource',
    path: '',
    dialect: (clock, host) =>
      cybersourceDialect({ merchantId: 'm1', keyId: 'k1', sharedSecret: kSecret, host }, clock),
  },
  {
    name: 'nmi',
    path: '',
    dialect: () => nmiDialect({ securityKey: 'key' }),
  },
  {
    name: 'rest, mapped',
    path: '',
    dialect: () => mappedDialect('rest', mappingIn('foreign-json'), null),
  },
  {
    name: 'xml, mapped',
    path: '',
    dialect: () => mappedDialect('xml', mappingIn('foreign-xml'), null),
  },
];

/** @param url - of the server, without a path. */
export function openAdapter(
  adapter: Adapter,
  url: string,
  clock: Clock,
  log: Log,
  ca: Buffer | null = null,
): HttpGateway {
  const dialect = adapter.dialect(clock, new URL(url).host);
  return new HttpGateway(
    dialect,
    { baseUrl: `${url}${adapter.path}`, ca, connectTimeoutMs: 5_000 },
    clock,
    log,
  );
}

function mappingIn(name: string): unknown {
  return parse(readFileSync(join(import.meta.dirname, `../fixtures/mapping/${name}.yaml`), 'utf8'));
}
