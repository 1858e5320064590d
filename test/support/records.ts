import { money } from '../../src/money/money.ts';
import type { AttemptRecord, SessionRecord } from '../../src/ports/store.ts';

/** The row of a call that has just been accepted. */
export function sessionOf(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    sessionId: 'S1',
    callId: 'call-1',
    profile: 'pureconnect-ivr',
    topology: 'ivr',
    locale: 'en-GB',
    customerId: 'C-77',
    merchantId: null,
    reference: 'INV-7',
    from: '+4930123',
    to: '+4930999',
    trunk: 'lab',
    currency: 'EUR',
    amountRequested: 1050,
    amountCharged: null,
    exponent: 2,
    paymentRef: 'R4K7Z2M9QX3TB8VA',
    result: null,
    outcome: null,
    gateway: 'fake',
    transactionId: null,
    authCode: null,
    brand: null,
    last4: null,
    attempts: 0,
    declines: 0,
    lastDeclineClass: null,
    lastDeclineCode: null,
    stageReached: 'GREET',
    callerPresent: true,
    agentLost: false,
    announced: false,
    startedAt: '2026-11-21T12:00:00.000Z',
    endedAt: null,
    durationMs: null,
    media: null,
    ...changes,
  };
}

/** An attempt as it is journaled before it is sent. */
export function attemptOf(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    sessionId: 'S1',
    attempt: 1,
    paymentRef: 'R4K7Z2M9QX3TB8VA',
    idempotencyKey: 'R4K7Z2M9QX3TB8VA01',
    state: 'SUBMITTING',
    amount: money(1050, 'EUR'),
    brand: 'visa',
    last4: '4242',
    gateway: 'fake',
    transactionId: null,
    declineClass: null,
    declineCode: null,
    sentAt: '2026-11-21T12:01:00.000Z',
    doneAt: null,
    ...changes,
  };
}
