import type { PaymentOrder } from '../dialog/policy.ts';
import { newPaymentRef } from '../payment/payment-ref.ts';
import type { Log } from '../ports/log.ts';
import type { SessionRequest, Topology } from '../ports/payment-sessions.ts';
import type { Locale } from '../ports/prompts.ts';
import type { IncomingCall } from '../ports/signaling.ts';
import { type CallData, merchantIdIn, readCallData } from './call-data.ts';
import type { Merchant, Merchants } from './merchants.ts';

/** What is known of a call from its INVITE. */
export type CallOrigin = Pick<
  IncomingCall,
  'callId' | 'trunk' | 'from' | 'dialled' | 'requestUri' | 'header'
>;

/** What configuration puts into every order. */
export interface OrderSettings {
  readonly currency: string;
  readonly locale: Locale;
  readonly routes: { readonly agent: string | null; readonly queue: string | null };
  /** Left out: one merchant, whom the rest is about. */
  readonly merchants?: Pick<Merchants, 'find'>;
}

/** Whom a call pays; undefined: nobody in particular, or nobody there is. */
export function payeeOf(
  named: string | null,
  { dialled, trunk }: Pick<CallOrigin, 'dialled' | 'trunk'>,
  { merchants }: Pick<OrderSettings, 'merchants'>,
): Merchant | undefined {
  return merchants?.find({ merchantId: named, dialled, trunk: trunk.name });
}

/**
 * Joins what a session was prepared with, what the customer's call brought along, and the configuration; the first that says
 * something wins.
 */
export function orderFor(
  sessionId: string,
  topology: Topology,
  request: SessionRequest | undefined,
  incoming: CallOrigin,
  settings: OrderSettings,
  log: Log,
): PaymentOrder {
  const named = request?.merchantId ?? merchantIdIn(incoming);
  const payee = payeeOf(named, incoming, settings);
  const ownCurrency = payee?.currency ?? settings.currency;
  const { data, problems } = readCallData(incoming, ownCurrency);
  for (const problem of problems) log.warn({ problem }, 'call data');
  return {
    sessionId,
    callId: incoming.callId,
    paymentRef: newPaymentRef(),
    customerId: request?.customerId ?? data.customerId,
    merchantId: payee?.id ?? named,
    reference: request?.reference ?? data.reference,
    currency: request?.amount?.currency ?? data.currency ?? ownCurrency,
    amount: request?.amount ?? data.amount,
    identified: identifiedBy(request, data),
    locale: payee?.locale ?? settings.locale,
    destinations: { ...settings.routes, return: data.returnUri },
    from: incoming.from,
    to: incoming.dialled,
    topology,
  };
}

function identifiedBy(request: SessionRequest | undefined, data: CallData): PaymentOrder['identified'] {
  return request && request.identified !== 'unknown' ? request.identified : data.identified;
}
