import { maskCardLike } from '../card/card-like.ts';
import { formatMajor, money } from '../money/money.ts';
import type { LiveEvent } from '../ports/live-events.ts';
import type { SessionRecord } from '../ports/store.ts';
import type { MessageType, NewDelivery } from '../ports/webhooks.ts';
import { segmentOf } from '../report/segment.ts';

const kMessagesOf: Readonly<Record<string, readonly MessageType[]>> = {
  started: ['payment.started', 'segment.started'],
  attempt: ['payment.attempted'],
  secure_mode: ['payment.secure_mode'],
  ended: ['payment.completed', 'segment.ended'],
  resolved: ['payment.resolved'],
  changed: ['payment.changed'],
};

/** What to tell about an event, to somebody who wants to hear of these types. */
export function messagesOf(
  event: LiveEvent,
  record: SessionRecord | undefined,
  wanted: ReadonlySet<MessageType>,
): NewDelivery[] {
  const types = (kMessagesOf[event.type] ?? []).filter((type) => wanted.has(type));
  return types.map((type) => ({ type, sessionId: event.sessionId, body: bodyOf(type, event, record) }));
}

function bodyOf(type: MessageType, event: LiveEvent, record: SessionRecord | undefined): string {
  const { id, sessionId, at, detail } = event;
  const data = record && (type.startsWith('segment.') ? { segment: segmentOf(record) } : summaryOf(record));
  // Call data is what a peer wrote: it could be anything.
  return maskCardLike(JSON.stringify({ event: id, type, at, sessionId, ...detail, ...data }));
}

function summaryOf(record: SessionRecord) {
  const { customerId, merchantId, reference, paymentRef, topology, currency, exponent } = record;
  const major = (minor: number | null) =>
    minor === null ? null : formatMajor({ ...money(minor, currency), exponent });
  return {
    customerId,
    merchantId,
    reference,
    paymentRef,
    topology,
    currency,
    amountRequested: major(record.amountRequested),
    amountCharged: major(record.amountCharged),
    operation: record.operation ?? 'sale',
    token: record.token ?? null,
    result: record.result,
    outcome: record.outcome,
    gateway: record.gateway,
    transactionId: record.transactionId,
    brand: record.brand,
    last4: record.last4,
    attempts: record.attempts,
    declines: record.declines,
    callerPresent: record.callerPresent,
    agentLost: record.agentLost,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    durationMs: record.durationMs,
  };
}
