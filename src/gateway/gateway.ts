import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway } from '../ports/payment-gateway.ts';
import { RestGateway, type RestOptions } from './rest.ts';
import { SimulatorGateway } from './simulator.ts';

const kConnectTimeoutMs = 5_000;

/** What configuration says of the gateway; keys that only `payment/` needs are not in it. */
export interface GatewayConfig {
  readonly type: 'simulator' | 'rest';
  /** Base URL; `rest` only. */
  readonly url: string | null;
  /** Bearer token, from the environment; never printed. */
  readonly token: string | null;
  /** File that holds the token instead. */
  readonly tokenFile: string | null;
  /** PEM certificates to trust instead of the system's. */
  readonly caFile: string | null;
}

/** Throws AppError CFG_INVALID or CFG_UNREADABLE_FILE. Another gateway is another file here and another case. */
export function createGateway(config: GatewayConfig, clock: Clock, log: Log): PaymentGateway {
  switch (config.type) {
    case 'simulator':
      return new SimulatorGateway(clock, log);
    case 'rest':
      return new RestGateway(restOptionsOf(config), clock, log);
  }
}

function restOptionsOf({ url, token, tokenFile, caFile }: GatewayConfig): RestOptions {
  if (url === null)
    throw new AppError('CFG_INVALID', 'gateway.url: missing; expected https://host[:port][/path]');
  return {
    baseUrl: url,
    ca: caFile === null ? null : checkedCertificates(readSecret('gateway.caFile', caFile)),
    connectTimeoutMs: kConnectTimeoutMs,
    token: checkedToken(
      tokenFile === null ? token : readSecret('gateway.tokenFile', tokenFile).toString('utf8'),
    ),
  };
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
