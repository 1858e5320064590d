import { describe, expect, it } from 'vitest';
import type { PaymentOrder, PaymentPolicy } from '../../../src/dialog/policy.ts';
import { money } from '../../../src/money/money.ts';
import { cloudPolicyOf, orderOf, policyOf } from '../../support/dialog.ts';
import { on, reach, Walk } from '../../support/dialog-walk.ts';

describe('S00 ACCEPT', () => {
  it('goes on to the greeting', () => {
    const walk = new Walk().send(on.start);
    expect([walk.name, walk.said, walk.bargeIn]).toEqual(['GREETING', ['greet'], true]);
    expect(walk.command('sessionTimer')).toEqual({ do: 'sessionTimer', run: true });
  });

  it.each<[string, PaymentPolicy, Partial<PaymentOrder>]>([
    ['pureconnect-ivr without a customer', policyOf(), { customerId: null }],
    ['pureconnect-ivr without an amount', policyOf(), { amount: null }],
    ['an amount of nothing', cloudPolicyOf(), { amount: money(0, 'EUR') }],
    ['an amount that is no whole number of minor units', cloudPolicyOf(), { amount: money(10.5, 'EUR') }],
    ['an amount in another currency than the call', cloudPolicyOf(), { amount: money(1050, 'USD') }],
  ])('apologises for %s', (_name, policy, changes) => {
    const walk = new Walk({ policy, order: orderOf(changes) }).send(on.start);
    expect(walk.ending).toEqual(['INVALID_PARAMETERS', policy.failRoute, 'ACCEPT']);
    expect(walk.said[0]).toBe('sorry.parameters');
  });

  it('takes a call without customer and amount where the profile does not insist', () => {
    const order = orderOf({ customerId: null, amount: null });
    expect(new Walk({ policy: cloudPolicyOf(), order }).send(on.start).name).toBe('GREETING');
  });

  it.each([
    ['gateway_down', 'GATEWAY_UNAVAILABLE', 'gw.down'],
    ['locked_out', 'LOCKED_OUT', 'locked'],
  ] as const)('refuses when %s', (admission, code, prompt) => {
    const walk = new Walk().send({ type: 'start', admission });
    expect(walk.ending?.[0]).toBe(code);
    expect(walk.said[0]).toBe(prompt);
  });
});

describe('S01 GREETING and S02, the identity check', () => {
  const unidentified = orderOf({ identified: 'unknown' });

  it('goes on when the caller is identified', () => {
    const walk = reach('GREETING', { policy: policyOf({ idv: { required: true } }) }).send(on.said);
    expect(walk.name).toBe('AMOUNT_TELL');
  });

  it('goes on when identification is neither set up nor required', () => {
    expect(reach('GREETING', { order: unidentified }).send(on.said).name).toBe('AMOUNT_TELL');
  });

  it('fails when it is required and not set up', () => {
    const policy = policyOf({ idv: { required: true } });
    const walk = reach('GREETING', { order: unidentified, policy }).send(on.said);
    expect(walk.ending).toEqual(['IDV_UNAVAILABLE', 'agent', 'GREETING']);
    expect(walk.said[0]).toBe('idv.unavailable');
  });

  it.each(['false', 'unknown'] as const)('hands over a caller who is identified: %s', (identified) => {
    const policy = policyOf({ idv: { target: 'sip:idv@pbx' } });
    const walk = reach('GREETING', { order: orderOf({ identified }), policy }).send(on.said);
    expect(walk.name).toBe('IDV_HANDOFF');
    expect(walk.command('handOffToIdv')).toEqual({ do: 'handOffToIdv', target: 'sip:idv@pbx' });
    expect(walk.command('startTimer')).toEqual({ do: 'startTimer', timer: 'idv', ms: 300_000 });
  });
});

describe('S03 IDV_HANDOFF', () => {
  const handedOff = () => {
    const policy = policyOf({ idv: { target: 'sip:idv@pbx' } });
    return reach('GREETING', { order: orderOf({ identified: 'unknown' }), policy }).send(on.said);
  };

  it('goes on with a verified caller', () => {
    const walk = handedOff().send({ type: 'idv', result: 'verified' });
    expect(walk.name).toBe('AMOUNT_TELL');
    expect(walk.does('stopTimers')).toBe(true);
  });

  it.each([
    ['failed', { type: 'idv', result: 'failed' }, 'IDV_FAILED'],
    ['abandoned', { type: 'idv', result: 'abandoned' }, 'IDV_UNAVAILABLE'],
    ['out of time', on.timer('idv'), 'IDV_UNAVAILABLE'],
  ] as const)('fails when it is %s', (_name, event, code) => {
    expect(handedOff().send(event).ending).toEqual([code, 'agent', 'IDV_HANDOFF']);
  });

  it('is not left by keys or by the end of its own message', () => {
    expect(handedOff().send(on.said, on.escape, on.key(1)).name).toBe('IDV_HANDOFF');
  });
});
