import { describe, expect, it } from 'vitest';
import { timelineOf } from '../../../src/ladder/timeline.ts';
import { money } from '../../../src/money/money.ts';
import type { LiveEvent } from '../../../src/ports/live-events.ts';
import type { AttemptRecord } from '../../../src/ports/store.ts';

const kNothing = { ladder: undefined, events: [], attempts: [], audit: [] };
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

function event(second: number, type: string, detail: LiveEvent['detail'] = {}): LiveEvent {
  return { id: second, sessionId: 's-1', at: at(second), type, detail };
}

describe('the timeline of a session', () => {
  it('has all parts on one axis, in order', () => {
    const entries = timelineOf({
      ladder: {
        callId: 'c-1',
        peer: 'udp 192.0.2.1:5060',
        startedAt: at(0),
        leftOut: 0,
        rows: [
          { atMs: 0, kind: 'sent', text: 'INVITE', method: 'INVITE' },
          { atMs: 9000, kind: 'received', text: 'BYE', method: 'BYE' },
        ],
      },
      events: [
        event(1, 'joined', { role: 'customer' }),
        event(1, 'recording', { state: 'started', sink: 'file', name: 'a.wav' }),
        event(2, 'secure_mode', { on: true }),
        event(3, 'stage', { stage: 'PAN_ENTRY' }),
        event(8, 'attempt', { outcome: 'approved', declineClass: null }),
      ],
      attempts: [kAttempt],
      audit: [
        { seq: 9, at: at(6), actor: 'hushpay', action: 'payment.submitted', object: 's-1/1', detail: {} },
      ],
    });
    expect(entries.map(({ lane, text }) => `${lane}: ${text}`)).toEqual([
      'sip: INVITE',
      'media: customer joined',
      'media: recording (file) started',
      'media: secure mode on',
      'dialog: PAN_ENTRY',
      'gateway: attempt 1 to rest, card ending 4242',
      'audit: 9 payment.submitted by hushpay',
      'gateway: attempt 1: APPROVED',
      'gateway: verdict: approved',
      'sip: BYE',
    ]);
  });

  it('is what is left when the SIP is not kept any more', () => {
    expect(timelineOf({ ...kNothing, events: [event(1, 'started')] })).toEqual([
      { at: at(1), lane: 'dialog', kind: 'note', text: 'started' },
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
    expect(timelineOf({ ...kNothing, ladder: { ...ladder, rows } }).at(-1)?.text).toBe('3 more left out');
  });
});
