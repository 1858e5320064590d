import type { PaymentOrder } from '../dialog/policy.ts';
import { newPaymentRef } from '../payment/payment-ref.ts';
import type { Log } from '../ports/log.ts';
import type { SessionRequest, Topology } from '../ports/payment-sessions.ts';
import type { Locale } from '../ports/prompts.ts';
import type { IncomingCall } from '../ports/signaling.ts';
import { type CallData, readCallData } from './call-data.ts';

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
  const { data, problems } = readCallData(incoming, settings.currency);
  for (const problem of problems) log.warn({ problem }, 'call data');
  return {
    sessionId,
    callId: incoming.callId,
    paymentRef: newPaymentRef(),
    customerId: request?.customerId ?? data.customerId,
    merchantId: request?.merchantId ?? data.merchantId,
    reference: request?.reference ?? data.reference,
    currency: request?.amount?.currency ?? data.currency ?? settings.currency,
    amount: request?.amount ?? data.amount,
    ...operationIn(request, data),
    identified: identifiedBy(request, data),
    locale: settings.locale,
    destinations: { ...settings.routes, return: data.returnUri },
    from: incoming.from,
    to: incoming.dialled,
    topology,
  };
}

function identifiedBy(request: SessionRequest | undefined, data: CallData): PaymentOrder['identified'] {
  return request && request.identified !== 'unknown' ? request.identified : data.identified;
}

function operationIn(request: SessionRequest | undefined, data: CallData): Pick<PaymentOrder, 'operation'> {
  const operation = request?.operation ?? data.operation;
  return operation ? { operation } : {};
}
