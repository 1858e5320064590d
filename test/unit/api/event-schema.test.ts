import { describe, expect, it } from 'vitest';
import { kEvent, kEventDetails } from '../../../src/api/event-schema.ts';
import { kMessages } from '../../../src/api/message-schema.ts';
import type { SessionEvent } from '../../../src/call/session-events.ts';
import { changeDetail } from '../../../src/main/open-payments.ts';
import { money } from '../../../src/money/money.ts';
import type { LiveEvent } from '../../../src/ports/live-events.ts';
import { kMessageTypes } from '../../../src/ports/webhooks.ts';
import { messagesOf } from '../../../src/webhook/message.ts';
import { sessionOf } from '../../support/records.ts';

const kLeg = { role: 'customer', callId: 'c@h' };
/** One of each type a session tells: the compiler misses none. */
const kTold: Readonly<Record<SessionEvent['type'], object>> = {
  ...{ prepared: {}, started: {}, dialling: { role: 'agent' }, joined: kLeg, left: kLeg },
  measured: { ...kLeg, codec: 'PCMU', mos: 4.2 },
  not_reached: { role: 'agent', status: 486 },
  stage: { stage: 'PAN_ENTRY' },
  digits: { field: 'pan', count: 4 },
  field_error: { field: 'pan', error: 'luhn' },
  secure_mode: { on: true },
  clamp: { state: 'failed' },
  recording: { state: 'started', sink: 'file', name: '2026-11-22/S1.wav' },
  attempt: { outcome: 'declined', declineClass: 'soft' },
  action: { action: 'park' },
  ended: { result: 'APPROVED' },
};
const kLater = {
  resolved: { resolution: 'APPROVED' },
  changed: changeDetail({
    ...{
      key: 'K1',
      requestKey: 'R1',
      sessionId: 'S1',
      attempt: 1,
      paymentRef: 'P',
      kind: 'refund',
      state: 'DONE',
    },
    ...{ amount: money(1050, 'EUR'), gateway: 'g', transactionId: null, reason: null, actor: 'a', note: 'n' },
    ...{ sentAt: '2026-11-22T12:00:00.000Z', doneAt: null },
  }),
};
const kAll: Readonly<Record<string, object>> = { ...kTold, ...kLater };
const kWhose = { sessionId: 'S1', at: '2026-11-22T12:00:00.000Z' };

describe('events', () => {
  it('are documented, all of them and no others', () => {
    expect(Object.keys(kEventDetails).toSorted()).toEqual(Object.keys(kAll).toSorted());
  });

  it.each(Object.entries(kAll))(
    'of type %s are as documented, and nothing more may be said',
    (type, detail) => {
      const details = kEventDetails[type as keyof typeof kEventDetails];
      expect(details.safeParse(detail).error).toBeUndefined();
      if (type !== 'measured') expect(details.strict().safeParse(detail).error).toBeUndefined();
      expect(kEvent.safeParse({ event: type, data: { ...kWhose, ...detail } }).success).toBe(true);
      expect(kEvent.safeParse({ event: type, data: detail }).success).toBe(false);
    },
  );

  it('say how many keys there were, as a number and nothing else', () => {
    expect(kEventDetails.digits.safeParse({ field: 'pan', count: '4' }).success).toBe(false);
  });
});

describe('messages of webhooks', () => {
  const record = sessionOf({ result: 'APPROVED', outcome: 'success', last4: '4242', amountCharged: 1050 });
  const messages = Object.entries(kAll).flatMap(([type, detail]) => {
    const event = { id: 7, type, detail, ...kWhose } as LiveEvent;
    return messagesOf(event, record, new Set(kMessageTypes));
  });

  it.each(kMessageTypes)('%s are as documented, and nothing more is said', (type) => {
    const sent = messages.find((message) => message.type === type);
    const { error } = kMessages[type].strict().safeParse(JSON.parse(sent?.body ?? '{}'));
    expect(error?.issues).toBeUndefined();
  });
});
