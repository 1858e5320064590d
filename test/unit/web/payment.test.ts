import { describe, expect, it } from 'vitest';
import { kStateNumbers } from '../../../src/dialog/states.ts';
import { bodyOf, kActions } from '../../../web/desk/actions.ts';
import { hostMessage } from '../../../web/desk/host-message.ts';
import { advanced, merged, type Payment, paymentOf } from '../../../web/desk/payment.ts';
import { errorWords, wordsFor } from '../../../web/desk/words.ts';
import { clockText } from '../../../web/shared/format.ts';
import type { SessionView } from '../../../web/shared/session.ts';
import { stepOf } from '../../../web/shared/steps.ts';
import type { StreamEvent } from '../../../web/shared/stream-event.ts';

const kView: SessionView = { id: 's-1', topology: 'conference', state: 'prepared', parties: [], events: [] };

function event(
  type: string,
  detail: Readonly<Record<string, string | number | boolean | null>> = {},
): StreamEvent {
  return { type, sessionId: 's-1', at: '2026-11-22T10:00:00.000Z', ...detail };
}

function followed(events: readonly StreamEvent[]): Payment {
  return events.reduce(advanced, paymentOf(kView));
}

const stage = (name: string) => event('stage', { stage: name });
const digits = (field: string, count: number) => event('digits', { field, count });

describe('a payment on the desk', () => {
  it('grows by one dot with each key, and knows no digit', () => {
    const payment = followed([event('started'), stage('PAN_ENTRY'), digits('pan', 1), digits('pan', 2)]);
    expect(payment.keys).toEqual({ pan: 2 });
    expect(payment.field).toBe('pan');
  });

  it('begins an entry anew after an error, which it says until the next key', () => {
    const wrong = followed([
      stage('PAN_ENTRY'),
      digits('pan', 16),
      event('field_error', { field: 'pan', error: 'invalid' }),
    ]);
    expect(wrong.keys['pan']).toBe(0);
    expect(wrong.error).toEqual({ field: 'pan', reason: 'invalid' });
    expect(advanced(wrong, digits('pan', 1)).error).toBeNull();
  });

  it('has steps done when they were left, and not those that were come back to', () => {
    const payment = followed(['PAN_ENTRY', 'PAN_CHECK', 'EXPIRY_ENTRY', 'CVV_ENTRY', 'SUMMARY'].map(stage));
    expect(payment.doneSteps).toEqual(['pan', 'expiry', 'cvv']);
    expect(advanced(payment, stage('EXPIRY_ENTRY')).doneSteps).toEqual(['pan', 'cvv', 'confirm']);
  });

  it('forgets what was entered when a card was refused', () => {
    const payment = followed([
      stage('CVV_ENTRY'),
      digits('cvv', 3),
      stage('SUMMARY'),
      stage('WAIT'),
      stage('DECLINED'),
    ]);
    expect(payment.doneSteps).toEqual([]);
    expect(payment.keys).toEqual({});
  });

  it('is the same for a page that was opened in the middle', () => {
    const events = [
      event('started'),
      event('joined', { role: 'customer' }),
      stage('PAN_ENTRY'),
      stage('EXPIRY_ENTRY'),
    ];
    const late = paymentOf({ ...kView, state: 'paying', parties: [{ role: 'customer' }], events });
    expect(late).toEqual(
      merged(followed(events), { ...kView, state: 'paying', parties: [{ role: 'customer' }] }),
    );
    expect(late.doneSteps).toEqual(['pan']);
  });

  it('keeps the other agent when one of two leaves', () => {
    const join = event('joined', { role: 'agent' });
    expect(followed([join, join, event('left', { role: 'agent' })]).parties).toEqual(['agent']);
  });
});

describe('the words of the desk', () => {
  it('exist for every state of the conversation, which has its step', () => {
    const without = Object.keys(kStateNumbers).filter((name) => {
      const { title } = wordsFor(followed([event('started'), stage(name)]));
      return title === 'In progress' || (stepOf(name) === undefined && name !== 'ESCAPE');
    });
    expect(without).toEqual([]);
  });

  it('say what is wrong as it can be read out', () => {
    expect(errorWords({ field: 'pan', reason: 'invalid' })).toBe(
      'That card number is not valid. Please check it and key it again.',
    );
    expect(errorWords({ field: 'cvv', reason: 'not heard of' })).toBe('Please key your security code again.');
  });

  it('never tell to pay again while the outcome is unknown', () => {
    const payment = followed([event('started'), event('ended', { result: 'UNKNOWN' })]);
    expect(wordsFor(payment).next).toContain('Do not start another payment');
    expect(wordsFor(advanced(payment, event('resolved', { resolution: 'APPROVED' }))).title).toBe(
      'Paid after all',
    );
    expect(wordsFor(advanced(payment, event('resolved', { resolution: 'REVERSED' }))).next).toContain(
      'may pay again',
    );
  });
});

describe('the actions of the desk', () => {
  const paying = merged(followed([event('started'), stage('CVV_ENTRY')]), {
    ...kView,
    state: 'paying',
    parties: [{ role: 'customer' }, { role: 'agent' }],
  });
  const possible = (payment: Payment) =>
    kActions.filter((one) => one.isPossible(payment)).map(({ id }) => id);

  it('have a key each', () => {
    expect(new Set(kActions.map(({ key }) => key)).size).toBe(kActions.length);
  });

  it('are none of cancelling while the bank has it', () => {
    expect(possible(paying)).toContain('cancel');
    const inFlight = { ...paying, stage: 'WAIT' };
    expect(possible(inFlight)).not.toContain('cancel');
    expect(possible(inFlight)).not.toContain('pan');
  });

  it('ask again for what was entered, and anew for what was not', () => {
    const payment = { ...paying, doneSteps: ['pan'] as const };
    expect(bodyOf('pan', payment, '')).toEqual({ action: 're-enter', field: 'pan' });
    expect(bodyOf('postal', payment, '')).toEqual({ action: 'capture', field: 'postal' });
    expect(bodyOf('dial', payment, '100@pbx.example')).toEqual({
      action: 'dial',
      role: 'customer',
      to: 'sip:100@pbx.example',
    });
  });
});

describe('messages of the page around the desk', () => {
  it.each([
    [
      { protocol: 'hushpay.desk/1', type: 'open', sessionId: 's-1' },
      { type: 'open', sessionId: 's-1' },
    ],
    [{ protocol: 'hushpay.desk/1', type: 'open', sessionId: '<img src=x>' }, undefined],
    [{ protocol: 'hushpay.desk/2', type: 'open', sessionId: 's-1' }, undefined],
    [{ protocol: 'hushpay.desk/1', type: 'prepare', payment: 'x' }, undefined],
    [{ protocol: 'hushpay.desk/1', type: 'sign-in', key: 1 }, undefined],
    ['text', undefined],
    [null, undefined],
  ])('%j', (data, expected) => {
    expect(hostMessage(data)).toEqual(expected);
  });
});

it('clocks show hours when there are some', () => {
  expect([0, 59_999, 61_000, 3_729_000, -5].map(clockText)).toEqual([
    '0:00',
    '0:59',
    '1:01',
    '1:02:09',
    '0:00',
  ]);
});
