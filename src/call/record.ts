import type { ConversationEnd } from '../dialog/controller.ts';
import type { PaymentOrder } from '../dialog/policy.ts';
import { exponentOf } from '../money/money.ts';
import type { MediaStats } from '../ports/media.ts';
import type { PaymentType } from '../ports/payment-gateway.ts';
import type { SessionRecord } from '../ports/store.ts';
import { qualityOf } from './quality.ts';

/** The row of a session whose call has just been answered. */
export function openRecord(
  order: PaymentOrder,
  call: {
    readonly profile: string;
    readonly trunk: string;
    readonly gateway: string;
    readonly startedAt: Date;
    /** Absent: a sale. */
    readonly operation?: PaymentType;
    readonly agents: readonly string[];
  },
): SessionRecord {
  return {
    sessionId: order.sessionId,
    callId: order.callId,
    profile: call.profile,
    topology: order.topology,
    locale: order.locale,
    customerId: order.customerId,
    merchantId: order.merchantId,
    reference: order.reference,
    from: order.from,
    to: order.to,
    trunk: call.trunk,
    currency: order.currency,
    ...(call.operation === undefined || call.operation === 'sale' ? {} : { operation: call.operation }),
    amountRequested: order.amount?.minor ?? null,
    amountCharged: null,
    exponent: exponentOf(order.currency),
    paymentRef: order.paymentRef,
    ...withAgents(call.agents),
    result: null,
    outcome: null,
    gateway: call.gateway,
    transactionId: null,
    authCode: null,
    brand: null,
    last4: null,
    attempts: 0,
    declines: 0,
    lastDeclineClass: null,
    lastDeclineCode: null,
    stageReached: 'ACCEPT',
    callerPresent: true,
    agentLost: false,
    announced: false,
    startedAt: call.startedAt.toISOString(),
    endedAt: null,
    durationMs: null,
    media: null,
  };
}

/** What a row says of the agents of its session. */
export function withAgents(agents: readonly string[]): Pick<SessionRecord, 'agents'> {
  return agents.length === 0 ? {} : { agents };
}

/**
 * The same row when the payment session has ended; its media still runs.
 * @param durationMs - by a clock that nobody sets: the dates may be hours apart, either way.
 * @param identifyingMs - how long the caller was away to be identified.
 */
export function endRecord(
  record: SessionRecord,
  end: ConversationEnd,
  { endedAt, durationMs }: { readonly endedAt: Date; readonly durationMs: number },
  identifyingMs = 0,
): SessionRecord {
  return {
    ...record,
    result: end.result,
    outcome: end.outcome,
    amountCharged: end.amountCharged?.minor ?? null,
    transactionId: end.transactionId,
    authCode: end.authCode,
    ...(end.token === undefined ? {} : { token: end.token }),
    brand: end.brand,
    last4: end.last4,
    attempts: end.attempts,
    declines: end.declines,
    lastDeclineClass: end.lastDeclineClass,
    lastDeclineCode: end.lastDeclineCode,
    stageReached: end.stageReached,
    callerPresent: end.callerPresent,
    agentLost: end.agentLost,
    announced: end.announced,
    endedAt: endedAt.toISOString(),
    durationMs,
    ...(identifyingMs === 0 ? {} : { activeMs: Math.max(0, Math.round(durationMs - identifyingMs)) }),
  };
}

/** The same row when the customer's leg has gone. */
export function withMedia(record: SessionRecord, media: MediaStats): SessionRecord {
  return { ...record, media: figuresOf(media) };
}

/** What a leg was like, number by number. */
export function figuresOf(media: MediaStats): Readonly<Record<string, number>> {
  const { clamp, codec: _, ...leg } = media;
  const mos = qualityOf(media)?.mos;
  const masked = Object.entries(clamp ?? {}).map(([name, value]) => [inClamp(name), value] as const);
  const figures = [...Object.entries(leg), ...masked, ...(mos === undefined ? [] : [['mos', mos] as const])];
  return Object.fromEntries(figures.map(([name, value]) => [name, rounded(value)]));
}

/** `guardEvents` of the clamp is `clampGuardEvents` of the leg. */
function inClamp(name: string): string {
  return `clamp${name[0]?.toUpperCase()}${name.slice(1)}`;
}

/** Thousandths are enough of a millisecond. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
