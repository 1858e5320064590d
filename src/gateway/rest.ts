import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import { kGatewayKinds } from '../ports/gateway-kinds.ts';
import type { Log } from '../ports/log.ts';
import type { CardCheck, FollowUp, PaymentRef } from '../ports/payment-gateway.ts';
import { type Dialect, type RawReply, reachable, type Wire } from './dialect.ts';
import { answeredAgain } from './follow-up.ts';
import { HttpGateway } from './http-gateway.ts';
import { believed } from './outcome.ts';
import { jsonOf } from './reply-node.ts';
import { followUpBody, saleSegments } from './rest-body.ts';
import { followUpResultOf, queryResultOf, reversalResultOf, submitResultOf } from './rest-reply.ts';
import type { Segment } from './secret-body.ts';
import type { SecureHttpOptions } from './secure-http.ts';

export interface RestOptions extends SecureHttpOptions {
  /** Bearer token, or null for a gateway that knows us by the network. Never logged. */
  readonly token: string | null;
}

// The contract asks for so long.
const kChangeKeysMs = 48 * 3_600_000;

/** Hushpay's own REST contract: docs/gateway-rest.openapi.yaml. */
export class RestGateway extends HttpGateway {
  constructor(options: RestOptions, clock: Clock, log: Log) {
    super(restDialect(options.token), options, clock, log);
  }
}

/** @param asksAboutCards - the contract's optional `/cards/check` is there. */
export function restDialect(token: string | null, asksAboutCards = false): Dialect {
  const headers: Readonly<Record<string, string>> =
    token === null ? {} : { authorization: `Bearer ${token}` };
  // The same key gives the first result again, so that asking again is asking what became of it.
  const change = (wire: Wire, order: FollowUp, how: typeof answeredAgain) =>
    wire.ask(
      {
        method: 'POST',
        path: `${pathOf(order.payment)}/${order.kind}`,
        headers: { ...headers, 'idempotency-key': order.key },
        body: { contentType: 'application/json', segments: [followUpBody(order)] },
        charges: true,
      },
      (reply) => how(reply, followUpResultOf),
    );
  return {
    name: 'rest',
    idempotency: 'key',
    capabilities: { lookUp: 'every', reversal: 'told' },
    operations: kGatewayKinds.rest.operations,
    followUp: (wire, order) => change(wire, order, believed),
    findFollowUp: (wire, order) => change(wire, order, answeredAgain),
    changeKeysKnownForMs: kChangeKeysMs,
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
      wire.ask({ method: 'POST', path: `${pathOf(ref)}/reversal`, headers }, (reply) =>
        reversalResultOf(reply, ref),
      ),
    ...(asksAboutCards
      ? {
          checkCard: (wire: Wire, card: CardSecret) => {
            const segments = ['{"prefix":"', prefixOf(card), '"}'];
            const body = { contentType: 'application/json', segments };
            return wire.ask({ method: 'POST', path: '/cards/check', headers, body }, cardCheckOf);
          },
        }
      : {}),
    check: (wire) => wire.ask({ method: 'GET', path: '/health', headers }, reachable),
  };
}

/** What may be known of a number beside its last four digits: eight of sixteen or more, six of a shorter one. */
function prefixOf(card: CardSecret): Segment {
  return { field: 'pan', from: 0, to: card.length('pan') >= 16 ? 8 : 6 };
}

/** Only a clear no refuses a card: everything else is for the gateway to say when it is charged. */
function cardCheckOf(reply: RawReply): CardCheck {
  const allowed = reply.status === 200 ? jsonOf(reply)?.text('/allowed') : undefined;
  return allowed === 'false' ? 'refused' : allowed === 'true' ? 'taken' : 'unknown';
}

function pathOf({ paymentRef, attempt }: PaymentRef): string {
  return `/payments/${encodeURIComponent(paymentRef)}/${attempt}`;
}
