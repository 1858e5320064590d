import { describe, expect, it } from 'vitest';
import { legsOf } from '../../../src/ladder/session-legs.ts';
import { timelineOf } from '../../../src/ladder/timeline.ts';
import { money } from '../../../src/money/money.ts';
import type { LiveEvent } from '../../../src/ports/live-events.ts';
import type { AttemptRecord, FollowUpRecord } from '../../../src/ports/store.ts';

const kNothing = { legs: [], ladders: [], events: [], attempts: [], followUps: [], audit: [] };
const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 10, 0, second)).toISOString();

const kAttempt: AttemptRecord = {
  sessionId: 's-1',
  merchantId: null,
  attempt: 1,
  paymentRef: 'R',
  idempotencyKey: 'R01',
  state: 'APPROVED',
  amount: money(5025, 'USD'),
  brand: 'visa',
  last4: '4242',
  gateway: 'rest',
  transactionId: 'T-1',
  declineClass: null,
  declineCode: null,
  sentAt: at(5),
  doneAt: at(7),
};

const kRefund: FollowUpRecord = {
  ...{ key: 'R01-r1', requestKey: 'q', sessionId: 's-1', attempt: 1, paymentRef: 'R', gateway: 'rest' },
  ...{ kind: 'refund', state: 'DONE', amount: money(1000, 'USD'), transactionId: 'T-2', reason: null },
  ...{ actor: 'api:crm', note: '', sentAt: at(20), doneAt: null },
};

function event(second: number, type: string, detail: LiveEvent['detail'] = {}): LiveEvent {
  return { id: second, sessionId: 's-1', at: at(second), type, detail };
}

describe('the timeline of a session', () => {
  it('has all parts and all legs on one axis, in order', () => {
    const events = [
      event(1, 'joined', { role: 'customer', callId: 'c-1' }),
      event(1, 'recording', { state: 'started', sink: 'file', name: 'a.wav' }),
      event(2, 'secure_mode', { on: true }),
      event(3, 'stage', { stage: 'PAN_ENTRY' }),
      event(4, 'joined', { role: 'agent', callId: 'c-2' }),
      event(8, 'attempt', { outcome: 'approved', declineClass: null }),
    ];
    const entries = timelineOf({
      legs: legsOf(events),
      ladders: [
        {
          callId: 'c-1',
          peer: 'udp 192.0.2.1:5060',
          startedAt: at(0),
          leftOut: 0,
          rows: [
            { atMs: 0, kind: 'sent', text: 'INVITE', method: 'INVITE' },
            { atMs: 9000, kind: 'received', text: 'BYE', method: 'BYE' },
          ],
        },
        {
          callId: 'c-2',
          peer: 'tcp 192.0.2.2:5060',
          startedAt: at(3),
          leftOut: 0,
          rows: [{ atMs: 500, kind: 'received', text: 'INVITE', method: 'INVITE' }],
        },
      ],
      events,
      attempts: [kAttempt],
      followUps: [{ ...kRefund, sentAt: at(20), doneAt: at(21) }],
      audit: [
        { seq: 9, at: at(6), actor: 'hushpay', action: 'payment.submitted', object: 's-1/1', detail: {} },
      ],
    });
    expect(entries.map(({ lane, leg, text }) => `${lane}${leg === null ? '' : ` ${leg}`}: ${text}`)).toEqual([
      'sip 0: INVITE',
      'media 0: customer joined',
      'media: recording (file) started',
      'media: secure mode on',
      'dialog: PAN_ENTRY',
      'sip 1: INVITE',
      'media 1: agent joined',
      'gateway: attempt 1 to rest, card ending 4242',
      'audit: 9 payment.submitted by hushpay',
      'gateway: attempt 1: APPROVED',
      'gateway: verdict: approved',
      'sip 0: BYE',
      'gateway: refund to rest',
      'gateway: refund: DONE',
    ]);
  });

  it('is what is left when the SIP is not kept any more', () => {
    expect(timelineOf({ ...kNothing, events: [event(1, 'started')] })).toEqual([
      { at: at(1), lane: 'dialog', kind: 'note', text: 'started', leg: null },
    ]);
  });

  it('has a submission whose verdict nobody knows begin and not end', () => {
    const attempts = [{ ...kAttempt, state: 'SUBMITTING' as const, doneAt: null }];
    expect(timelineOf({ ...kNothing, attempts }).map(({ text }) => text)).toEqual([
      'attempt 1 to rest, card ending 4242',
    ]);
  });

  it('says how many messages found no room', () => {
    const ladder = { callId: 'c', peer: 'p', startedAt: at(0), leftOut: 3, rows: [] };
    const rows = [{ atMs: 5, kind: 'sent', text: 'INVITE', method: 'INVITE' }] as const;
    const ladders = [undefined, { ...ladder, rows }];
    expect(timelineOf({ ...kNothing, ladders }).at(-1)).toMatchObject({ text: '3 more left out', leg: 1 });
  });
});
