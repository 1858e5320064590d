import { beforeEach, describe, expect, it } from 'vitest';
import type { CardSecret } from '../../../src/card/card-secret.ts';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { kPan, kSession, PaymentsRig } from '../../support/payments-rig.ts';

const kApproved = { kind: 'approved', transactionId: 'T1', authCode: 'A1', spokenReference: null };
const kSoft = { kind: 'declined', class: 'soft', code: '51', transactionId: 'T9' } as const;
const kNotSent = { refuse: { kind: 'not_sent', reason: 'connection refused' } } as const;
const kTransient = { refuse: { kind: 'transient', reason: '503' } } as const;

let rig: PaymentsRig;

beforeEach(() => {
  rig = new PaymentsRig();
});

describe('a submission that is answered', () => {
  it('is journaled before it is sent, and settled as approved', async () => {
    const states: unknown[] = [];
    const submit = rig.gateway.submit.bind(rig.gateway);
    rig.gateway.submit = (...call) => {
      states.push(rig.rowState());
      return submit(...call);
    };
    expect(await rig.pay()).toEqual(kApproved);
    expect(states).toEqual(['SUBMITTING']);
    expect(rig.heard).toEqual(['flushed']);
    expect(rig.store.attempts(kSession)).toMatchObject([
      {
        state: 'APPROVED',
        last4: '4242',
        gateway: 'fake',
        transactionId: 'T1',
        sentAt: '2026-11-21T12:00:00.000Z',
      },
    ]);
    expect(rig.clock.pending).toBe(0);
  });

  it('carries a decline with its class and code', async () => {
    rig.gateway.submits.push({ decide: kSoft });
    expect(await rig.pay()).toEqual({ kind: 'declined', class: 'soft', code: '51' });
    expect(rig.store.attempts(kSession)).toMatchObject([
      { state: 'DECLINED', declineClass: 'soft', declineCode: '51', transactionId: 'T9' },
    ]);
  });

  it('may be followed by another attempt of the payment after a decline', async () => {
    rig.gateway.submits.push({ decide: kSoft });
    await rig.pay();
    expect(await rig.pay({ attempt: 2 })).toMatchObject({ kind: 'approved' });
    expect([rig.rowState(1), rig.rowState(2)]).toEqual(['DECLINED', 'APPROVED']);
    expect(rig.charges()).toBe(1);
  });

  it('says so when the gateway refuses us rather than the card', async () => {
    rig.gateway.submits.push({ refuse: { kind: 'rejected_config', reason: '401' } });
    expect(await rig.pay()).toEqual({ kind: 'misconfigured' });
    expect(rig.rowState()).toBe('REJECTED_CONFIG');
    expect(rig.gateway.ops()).toBe('submit');
  });

  it('leaves no card digit in the log, the journal or the gateway calls', async () => {
    rig.gateway.submits.push({ lose: 'answer' });
    await rig.pay();
    const everything = rig.log.text + JSON.stringify([rig.store.attempts(kSession), rig.gateway.calls]);
    expect(everything).not.toContain(kPan);
    expect(everything).not.toMatch(/\b0330\b/);
  });
});

describe('a submission that cannot be journaled', () => {
  it('is not sent', async () => {
    rig.store.broken = true;
    expect(await rig.pay()).toEqual({ kind: 'unavailable' });
    expect(rig.gateway.calls).toEqual([]);
    expect(rig.log.lines).toMatchObject([{ level: 'error', fields: { sessionId: kSession } }]);
  });

  it('is not sent, nor journaled, when its card was declined too often', async () => {
    const limit = { declines: 1, windowMs: 60_000 };
    const { store: journal, gateway, clock, log } = rig;
    const policy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
    const velocity = { card: limit, customer: limit, caller: limit };
    rig.payments = new JournaledPayments({ gateway, journal, clock, log, policy, velocity });
    rig.gateway.submits.push({
      decide: { kind: 'declined', class: 'soft', code: '51', transactionId: 'T9' },
    });
    expect(await rig.pay({ forMs: 1000 })).toMatchObject({ kind: 'declined' });
    expect(await rig.pay({ attempt: 2, forMs: 1000 })).toEqual({ kind: 'locked_out' });
    expect(rig.gateway.ops()).toBe('submit');
    expect(rig.store.attempts(kSession)).toHaveLength(1);
  });

  it('is not sent with a wiped card', async () => {
    const card = cardOf({ pan: kPan });
    card.wipe();
    expect(await rig.pay({ card })).toEqual({ kind: 'unavailable' });
    expect(rig.gateway.calls).toEqual([]);
  });

  it('keeps its verdict when the disk fills up after the intent, and writes it when there is room', async () => {
    rig.gateway.submits.push({ afterMs: 1000 });
    const verdict = rig.payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), rig.progress);
    rig.store.broken = true;
    await rig.clock.advance(1000);
    expect(await verdict).toEqual(kApproved);
    expect(rig.rowState()).toBe('SUBMITTING');
    await rig.clock.advance(12_000);
    rig.store.broken = false;
    await rig.clock.advance(16_000);
    expect(rig.rowState()).toBe('APPROVED');
    expect(rig.clock.pending).toBe(0);
  });
});

describe('an approval the disk does not take', () => {
  beforeEach(async () => {
    rig.payments.start();
    rig.gateway.submits.push({ afterMs: 1000 });
    const verdict = rig.payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), rig.progress);
    rig.store.broken = true;
    await rig.clock.advance(1000);
    expect(await verdict).toEqual(kApproved);
  });

  it('is not taken for an open payment of a dead process, however long that lasts', async () => {
    await rig.clock.advance(3 * 3_600_000);
    expect([rig.rowState(), rig.charges(), rig.gateway.ops()]).toEqual(['SUBMITTING', 1, 'submit']);
    rig.store.broken = false;
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['APPROVED', 1]);
    expect(rig.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await rig.payments.stop();
  });

  it('is known by its transaction when it is to be taken back, though neither was written', async () => {
    await rig.payments.reverseApproved(kSession, requestOf());
    expect(rig.gateway.ops()).toBe('submit');
    rig.store.broken = false;
    await rig.payments.stop();
    expect(rig.store.attempts(kSession)).toMatchObject([{ state: 'UNKNOWN', transactionId: 'T1' }]);
  });

  it('is written when the process ends, if there is room then', async () => {
    await rig.clock.advance(3_600_000);
    rig.store.broken = false;
    await rig.payments.stop();
    expect(rig.rowState()).toBe('APPROVED');
    expect(rig.clock.pending).toBe(0);
  });
});

describe('a submission that was not processed', () => {
  it('is sent again with the same key, silently', async () => {
    rig.gateway.submits.push(kNotSent, kTransient);
    expect(await rig.pay()).toEqual(kApproved);
    expect(rig.timesOf('submit')).toEqual([0, 500, 2500]);
    expect(
      new Set(rig.gateway.calls.map((call) => call.op === 'submit' && call.request.idempotencyKey)).size,
    ).toBe(1);
    expect(rig.heard).toEqual(['flushed']);
  });

  it('is given up after two more tries, as not sent', async () => {
    rig.gateway.submits.push(kNotSent, kNotSent, kTransient);
    expect(await rig.pay()).toEqual({ kind: 'unavailable' });
    expect(rig.gateway.ops()).toBe('submit submit submit');
    expect(rig.rowState()).toBe('NOT_SENT');
    expect(rig.heard).toEqual(['flushed']);
  });

  it('is not tried again once ten seconds have gone', async () => {
    rig.gateway.submits.push({ ...kNotSent, afterMs: 9800 });
    expect(await rig.pay()).toEqual({ kind: 'unavailable' });
    expect(rig.gateway.ops()).toBe('submit');
  });

  it('is not tried again after the card was wiped', async () => {
    const card = cardOf({ pan: kPan });
    rig.gateway.submits.push(kNotSent);
    const verdict = rig.payments.submit(kSession, requestOf(), card, rig.progress);
    await rig.clock.advance(100);
    card.wipe();
    await rig.clock.advance(60_000);
    expect(await verdict).toEqual({ kind: 'unavailable' });
    expect(rig.gateway.ops()).toBe('submit');
  });
});

describe('an unknown outcome', () => {
  it('is replayed with the same key after 1 s, and counts as answered', async () => {
    rig.gateway.submits.push({ lose: 'answer' });
    expect(await rig.pay()).toEqual(kApproved);
    expect(rig.timesOf('submit')).toEqual([0, 1000]);
    expect(rig.heard).toEqual(['flushed', 'unknown']);
    expect([rig.rowState(), rig.charges()]).toEqual(['APPROVED', 1]);
  });

  it('is asked for after 2, 6 and 12 s, between replays after 1 and 4 s', async () => {
    rig.gateway.submits.push({ lose: 'request' }, { lose: 'request' }, { lose: 'request' });
    expect(await rig.pay({ forMs: 12_000 })).toEqual({ kind: 'unresolved' });
    expect(rig.timesOf('submit')).toEqual([0, 1000, 4000]);
    expect(rig.timesOf('query')).toEqual([2000, 6000, 12_000]);
    expect(rig.timesOf('reverse')).toEqual([12_000]);
    expect(rig.rowState()).toBe('UNKNOWN');
    await rig.clock.advance(60_000);
    expect(rig.rowState()).toBe('NOT_CHARGED');
  });

  it('is never replayed on a gateway that does not know keys', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ lose: 'answer' });
    expect(await rig.pay()).toEqual(kApproved);
    expect(rig.gateway.ops()).toBe('submit query');
    expect(rig.charges()).toBe(1);
  });

  it('takes a decline that is found for the answer', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ lose: 'answer', decide: kSoft });
    rig.gateway.queries.push({ answer: 'lost' });
    expect(await rig.pay()).toEqual({ kind: 'declined', class: 'soft', code: '51' });
    expect(rig.timesOf('query')).toEqual([2000, 6000]);
  });

  it('does not take an early "not found" for the end', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ arrivesAfterMs: 35_000, afterMs: 30_000 });
    expect(await rig.pay()).toEqual(kApproved);
    expect(rig.timesOf('query')).toEqual([32_000, 36_000]);
    expect(rig.charges()).toBe(1);
  });

  it('is taken back once when nobody tells', async () => {
    rig.gateway.submits.push({ lose: 'answer' }, { lose: 'answer' }, { lose: 'answer' });
    rig.gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    expect(await rig.pay()).toEqual({ kind: 'unresolved' });
    expect(rig.gateway.ops()).toBe('submit submit query submit query query reverse');
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
    expect(rig.clock.pending).toBe(0);
  });

  it('ends within the time to resolve however slow the gateway is', async () => {
    rig.gateway.submits.push(
      { lose: 'answer' },
      { lose: 'answer', afterMs: 60_000 },
      { lose: 'answer', afterMs: 60_000 },
    );
    rig.gateway.queries.push({ answer: 'lost', afterMs: 9000 }, { answer: 'lost', afterMs: 60_000 });
    const verdict = rig.payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), rig.progress);
    await rig.clock.advance(25_000);
    expect(await Promise.race([verdict, 'still waiting'])).toEqual({ kind: 'unresolved' });
    expect(rig.gateway.mostAtOnce).toBe(1);
    await rig.clock.advance(180_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });

  it('follows an adapter that never ends its request, without sending a second one beside it', async () => {
    rig.gateway.submit = () => new Promise(() => undefined);
    expect(await rig.pay()).toEqual({ kind: 'unresolved' });
    expect(rig.gateway.calls).toEqual([]);
    expect(rig.rowState()).toBe('UNKNOWN');
  });

  it('is what an adapter that throws leaves behind', async () => {
    rig.gateway.submits.push({ throws: true });
    expect(await rig.pay()).toEqual(kApproved);
    expect(rig.gateway.ops()).toBe('submit submit');
  });

  it('is what "not sent" means once a byte may have left', async () => {
    rig.gateway.submit = (request, _card, context) => {
      rig.gateway.calls.push({ op: 'submit', atMs: rig.clock.now(), request });
      context.onFlushed();
      return Promise.resolve({ kind: 'not_sent', reason: 'reset' });
    };
    expect(await rig.pay()).toEqual({ kind: 'unresolved' });
    expect(rig.heard).toEqual(['flushed', 'unknown']);
  });

  it('is resolved by look-ups alone once the card is wiped', async () => {
    const card = cardOf({ pan: kPan });
    rig.gateway.submits.push({ lose: 'answer' });
    const verdict = rig.payments.submit(kSession, requestOf(), card, rig.progress);
    await rig.clock.advance(500);
    card.wipe();
    await rig.clock.advance(20_000);
    expect(await verdict).toEqual(kApproved);
    expect(rig.gateway.ops()).toBe('submit query');
  });

  it('keeps the payment from being submitted again until it has ended', async () => {
    rig.gateway.down = true;
    await rig.pay();
    expect(rig.rowState()).toBe('UNKNOWN');
    expect(await rig.pay({ attempt: 2, forMs: 0 })).toEqual({ kind: 'unresolved' });
    expect(rig.rowState(2)).toBeUndefined();
  });

  it('survives a listener that throws', async () => {
    rig.gateway.submits.push({ lose: 'answer' });
    const broken = () => {
      throw new Error('bug');
    };
    const listener = { onFlushed: broken, onUnknown: broken };
    const verdict = rig.payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), listener);
    await rig.clock.advance(5000);
    expect(await verdict).toEqual(kApproved);
  });
});

describe('two submissions of one payment at once', () => {
  it('send one', async () => {
    const card: CardSecret = cardOf({ pan: kPan });
    rig.gateway.submits.push({ afterMs: 3000 });
    const first = rig.payments.submit(kSession, requestOf(), card, rig.progress);
    const second = rig.payments.submit(kSession, requestOf({ attempt: 2 }), card, rig.progress);
    await rig.clock.advance(5000);
    expect([await first, await second]).toEqual([kApproved, { kind: 'unresolved' }]);
    expect(rig.charges()).toBe(1);
  });
});

describe('an approval taken back', () => {
  it('is reversed and recorded', async () => {
    await rig.pay();
    expect(await rig.payments.reverseApproved(kSession, requestOf())).toBe('reversed');
    expect(rig.store.attempts(kSession)).toMatchObject([{ state: 'REVERSED', transactionId: 'T1' }]);
    expect(rig.charges()).toBe(0);
  });

  it('is open on the disk before the gateway is asked', async () => {
    await rig.pay();
    rig.gateway.reverses.push({ answer: 'truth', afterMs: 2000 });
    const reversal = rig.payments.reverseApproved(kSession, requestOf());
    await rig.clock.advance(1000);
    expect(rig.rowState()).toBe('UNKNOWN');
    await rig.clock.advance(1000);
    expect(await reversal).toBe('reversed');
  });

  it('is not asked back while the disk does not take that it is to be', async () => {
    await rig.pay();
    rig.store.broken = true;
    expect(await rig.payments.reverseApproved(kSession, requestOf())).toBe('unresolved');
    await rig.clock.advance(5 * 60_000);
    expect([rig.rowState(), rig.gateway.ops(), rig.charges()]).toEqual(['APPROVED', 'submit', 1]);
    rig.store.broken = false;
    await rig.clock.advance(5 * 60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });

  it('is followed up when the gateway cannot do it now', async () => {
    await rig.pay();
    rig.gateway.reverses.push({ answer: 'failed' });
    expect(await rig.payments.reverseApproved(kSession, requestOf())).toBe('unresolved');
    expect(rig.rowState()).toBe('UNKNOWN');
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });
});
