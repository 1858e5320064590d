import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { type GatewayType, kGatewayKinds } from '../ports/gateway-kinds.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway } from '../ports/payment-gateway.ts';
import { adyenDialect } from './adyen.ts';
import { authorizeNetDialect } from './authorizenet.ts';
import { braintreeDialect } from './braintree.ts';
import { cybersourceDialect } from './cybersource.ts';
import { basic, type Dialect } from './dialect.ts';
import { HttpGateway } from './http-gateway.ts';
import { mappedDialect } from './mapping.ts';
import { nmiDialect } from './nmi.ts';
import { type PayConnectorOptions, payConnectorDialect } from './pay-connector.ts';
import { restDialect } from './rest.ts';
import type { SecureHttpOptions } from './secure-http.ts';
import { SimulatorGateway } from './simulator.ts';
import { stripeDialect } from './stripe.ts';
import { worldpayDialect } from './worldpay.ts';
import { xmlDialect } from './xml.ts';

const kConnectTimeoutMs = 5_000;

/** What configuration says of the gateway; keys that only `payment/` needs are not in it. */
export interface GatewayConfig {
  readonly type: GatewayType;
  /** Base URL; null: where this type is for all merchants. */
  readonly url: string | null;
  readonly account: string | null;
  readonly user: string | null;
  /** The secret, from the environment; never printed. */
  readonly token: string | null;
  /** File that holds the token instead. */
  readonly tokenFile: string | null;
  /** PEM certificates to trust instead of the system's. */
  readonly caFile: string | null;
  /** Our certificate and its key, PEM. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly proxy: string | null;
  readonly cardholderName: string;
  /** `rest`: ask about a card's first digits before going on. */
  readonly cardCheck: boolean;
  /** A foreign gateway's JSON or XML, for `rest` and `xml`; null: our own contract. */
  readonly mapping: unknown;
  readonly payConnector: Pick<PayConnectorOptions, 'amountName' | 'yearForm'>;
}

/** Throws AppError CFG_INVALID or CFG_UNREADABLE_FILE. Another gateway is another file here and another case. */
export function createGateway(config: GatewayConfig, clock: Clock, log: Log): PaymentGateway {
  if (config.type === 'simulator') return new SimulatorGateway(clock, log);
  const options = httpOptionsOf(config);
  const { host } = new URL(options.baseUrl);
  const token = checkedToken(
    config.tokenFile === null
      ? config.token
      : readSecret('gateway.tokenFile', config.tokenFile).toString('utf8'),
  );
  return new HttpGateway(dialectOf(config, config.type, token, host, clock), options, clock, log);
}

function dialectOf(
  config: GatewayConfig,
  type: Exclude<GatewayType, 'simulator'>,
  token: string | null,
  host: string,
  clock: Clock,
): Dialect {
  const secret = () => needed('token', token);
  const account = () => needed('account', config.account);
  const user = () => needed('user', config.user);
  switch (type) {
    case 'rest': {
      const authorization = token === null ? null : `Bearer ${token}`;
      return config.mapping === null
        ? restDialect(token, config.cardCheck)
        : mappedDialect(type, config.mapping, authorization);
    }
    case 'xml': {
      const credentials = token === null ? null : { user: user(), password: token };
      const authorization = credentials && basic(credentials.user, credentials.password);
      return config.mapping === null
        ? xmlDialect({ credentials })
        : mappedDialect(type, config.mapping, authorization);
    }
    case 'pay-connector':
      return payConnectorDialect({ ...config.payConnector, user: user(), password: secret() });
    case 'stripe':
      return stripeDialect({ secretKey: secret() });
    case 'adyen':
      return adyenDialect({ merchantAccount: account(), apiKey: secret() });
    case 'worldpay': {
      const { cardholderName } = config;
      return worldpayDialect(
        { merchantCode: account(), user: user(), password: secret(), cardholderName },
        clock,
      );
    }
    case 'authorizenet':
      return authorizeNetDialect({ login: user(), transactionKey: secret() }, clock);
    case 'braintree':
      return braintreeDialect({ merchantId: account(), publicKey: user(), privateKey: secret() });
    case 'cybersource':
      return cybersourceDialect(
        { merchantId: account(), keyId: user(), sharedSecret: secret(), host },
        clock,
      );
    case 'nmi':
      return nmiDialect({ securityKey: secret() });
  }
}

function httpOptionsOf(config: GatewayConfig): SecureHttpOptions {
  const { type, caFile, certFile, keyFile, proxy } = config;
  const baseUrl = config.url ?? kGatewayKinds[type].home;
  if (baseUrl === null || !URL.canParse(baseUrl)) {
    throw new AppError(
      'CFG_INVALID',
      'gateway.url: missing or not a URL; expected https://host[:port][/path]',
    );
  }
  const hasClient = certFile !== null && keyFile !== null;
  return {
    baseUrl,
    ca: caFile === null ? null : checkedCertificates(readSecret('gateway.caFile', caFile)),
    client: hasClient
      ? { cert: readSecret('gateway.certFile', certFile), key: readSecret('gateway.keyFile', keyFile) }
      : null,
    proxy,
    connectTimeoutMs: kConnectTimeoutMs,
  };
}

function needed(key: string, value: string | null): string {
  if (value === null)
    throw new AppError('CFG_INVALID', `gateway.${key}: missing; docs/gateways.md says what it is`);
  return value;
}

function readSecret(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new AppError(
      'CFG_UNREADABLE_FILE',
      `${key}: cannot read ${path}; expected a file this user may read`,
      error,
    );
  }
}

function checkedToken(token: string | null): string | null {
  if (token === null) return null;
  const text = token.trim();
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new AppError(
      'CFG_INVALID',
      'gateway.token: empty, or holds blanks or characters that no header may carry',
    );
  }
  return text;
}

/** Node takes any bytes for certificates and then trusts nobody; the first one must be one. */
function checkedCertificates(pem: Buffer): Buffer {
  try {
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new AppError('CFG_INVALID', 'gateway.caFile: holds no certificate; expected PEM', error);
  }
}
