import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentRef } from '../ports/payment-gateway.ts';
import { type Dialect, reachable } from './dialect.ts';
import { HttpGateway } from './http-gateway.ts';
import { saleSegments } from './rest-body.ts';
import { queryResultOf, reversalResultOf, submitResultOf } from './rest-reply.ts';
import type { SecureHttpOptions } from './secure-http.ts';

export interface RestOptions extends SecureHttpOptions {
  /** Bearer token, or null for a gateway that knows us by the network. Never logged. */
  readonly token: string | null;
}

/** Hushpay's own REST contract: docs/gateway-rest.openapi.yaml. */
export class RestGateway extends HttpGateway {
  constructor(options: RestOptions, clock: Clock, log: Log) {
    super(restDialect(options.token), options, clock, log);
  }
}

export function restDialect(token: string | null): Dialect {
  const headers: Readonly<Record<string, string>> =
    token === null ? {} : { authorization: `Bearer ${token}` };
  return {
    name: 'rest',
    idempotency: 'key',
    capabilities: { lookUp: 'every', reversal: 'told' },
    submit: (wire, request, card) =>
      wire.ask(
        {
          method: 'POST',
          path: '/payments',
          headers: { ...headers, 'idempotency-key': request.idempotencyKey },
          body: { contentType: 'application/json', segments: saleSegments(request, card) },
          charges: true,
        },
        (reply) => submitResultOf(reply, request),
      ),
    query: (wire, ref) =>
      wire.ask({ method: 'GET', path: pathOf(ref), headers }, (reply) => queryResultOf(reply, ref)),
    reverse: (wire, ref) =>
      wire.ask({ method: 'POST', path: `${pathOf(ref)}/reversal`, headers }, reversalResultOf),
    check: (wire) => wire.ask({ method: 'GET', path: '/health', headers }, reachable),
  };
}

function pathOf({ paymentRef, attempt }: PaymentRef): string {
  return `/payments/${encodeURIComponent(paymentRef)}/${attempt}`;
}
