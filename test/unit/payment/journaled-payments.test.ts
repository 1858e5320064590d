import { beforeEach, describe, expect, it } from 'vitest';
import type { CardSecret } from '../../../src/card/card-secret.ts';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import type { SubmissionProgress, Verdict } from '../../../src/payment/payments.ts';
import type { Resolution } from '../../../src/payment/reconciler.ts';
import type { AttemptRecord, AttemptState } from '../../../src/ports/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kSession = 'S1';
const kPan = '4242424242424242';
const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const kApproved = { kind: 'approved', transactionId: 'T1', authCode: 'A1', spokenReference: null };
const kSoft = { kind: 'declined', class: 'soft', code: '51', transactionId: 'T9' } as const;
const kNotSent = { refuse: { kind: 'not_sent', reason: 'connection refused' } } as const;
const kTransient = { refuse: { kind: 'transient', reason: '503' } } as const;

let clock: FakeClock;
let gateway: FakeGateway;
let store: FakeStore;
let log: FakeLog;
let payments: JournaledPayments;
let resolutions: Resolution[];
let heard: string[];

beforeEach(() => build('key'));

function build(idempotency: 'key' | 'none'): void {
  clock = new FakeClock();
  gateway = new FakeGateway(clock, idempotency);
  store = new FakeStore();
  log = new FakeLog();
  resolutions = [];
  heard = [];
  payments = makePayments();
}

function makePayments(): JournaledPayments {
  const onResolved = (resolution: Resolution) => void resolutions.push(resolution);
  return new JournaledPayments({ gateway, journal: store, clock, log, policy: kPolicy, onResolved });
}

const progress: SubmissionProgress = {
  onFlushed: () => void heard.push('flushed'),
  onUnknown: () => void heard.push('unknown'),
};

/** Submits and lets time pass until the verdict is there. */
async function pay({ card = cardOf({ pan: kPan }), attempt = 1, forMs = 120_000 } = {}): Promise<Verdict> {
  const verdict = payments.submit(kSession, requestOf({ attempt }), card, progress);
  await clock.advance(forMs);
  return verdict;
}

function rowState(attempt = 1): AttemptState | undefined {
  return store.attempts(kSession).find((row) => row.attempt === attempt)?.state;
}

function charges(): number {
  return gateway.netCharges(requestOf().paymentRef);
}

function timesOf(op: string): number[] {
  return gateway.calls.filter((call) => call.op === op).map((call) => call.atMs);
}

describe('a submission that is answered', () => {
  it('is journaled before it is sent, and settled as approved', async () => {
    const states: unknown[] = [];
    const submit = gateway.submit.bind(gateway);
    gateway.submit = (...call) => {
      states.push(rowState());
      return submit(...call);
    };
    expect(await pay()).toEqual(kApproved);
    expect(states).toEqual(['SUBMITTING']);
    expect(heard).toEqual(['flushed']);
    expect(store.attempts(kSession)).toMatchObject([
      {
        state: 'APPROVED',
        last4: '4242',
        gateway: 'fake',
        transactionId: 'T1',
        sentAt: '2026-11-21T12:00:00.000Z',
      },
    ]);
    expect(clock.pending).toBe(0);
  });

  it('carries a decline with its class and code', async () => {
    gateway.submits.push({ decide: kSoft });
    expect(await pay()).toEqual({ kind: 'declined', class: 'soft', code: '51' });
    expect(store.attempts(kSession)).toMatchObject([
      { state: 'DECLINED', declineClass: 'soft', declineCode: '51', transactionId: 'T9' },
    ]);
  });

  it('may be followed by another attempt of the payment after a decline', async () => {
    gateway.submits.push({ decide: kSoft });
    await pay();
    expect(await pay({ attempt: 2 })).toMatchObject({ kind: 'approved' });
    expect([rowState(1), rowState(2)]).toEqual(['DECLINED', 'APPROVED']);
    expect(charges()).toBe(1);
  });

  it('says so when the gateway refuses us rather than the card', async () => {
    gateway.submits.push({ refuse: { kind: 'rejected_config', reason: '401' } });
    expect(await pay()).toEqual({ kind: 'misconfigured' });
    expect(rowState()).toBe('REJECTED_CONFIG');
    expect(gateway.ops()).toBe('submit');
  });

  it('leaves no card digit in the log, the journal or the gateway calls', async () => {
    gateway.submits.push({ lose: 'answer' });
    await pay();
    const everything = log.text + JSON.stringify([store.attempts(kSession), gateway.calls]);
    expect(everything).not.toContain(kPan);
    expect(everything).not.toMatch(/\b0330\b/);
  });
});

describe('a submission that cannot be journaled', () => {
  it('is not sent', async () => {
    store.broken = true;
    expect(await pay()).toEqual({ kind: 'unavailable' });
    expect(gateway.calls).toEqual([]);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { sessionId: kSession } }]);
  });

  it('is not sent with a wiped card', async () => {
    const card = cardOf({ pan: kPan });
    card.wipe();
    expect(await pay({ card })).toEqual({ kind: 'unavailable' });
    expect(gateway.calls).toEqual([]);
  });

  it('keeps its verdict when the disk fills up after the intent, and writes it when there is room', async () => {
    gateway.submits.push({ afterMs: 1000 });
    const verdict = payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), progress);
    store.broken = true;
    await clock.advance(1000);
    expect(await verdict).toEqual(kApproved);
    expect(rowState()).toBe('SUBMITTING');
    await clock.advance(12_000);
    store.broken = false;
    await clock.advance(16_000);
    expect(rowState()).toBe('APPROVED');
    expect(clock.pending).toBe(0);
  });
});

describe('an approval the disk does not take', () => {
  beforeEach(async () => {
    payments.start();
    gateway.submits.push({ afterMs: 1000 });
    const verdict = payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), progress);
    store.broken = true;
    await clock.advance(1000);
    expect(await verdict).toEqual(kApproved);
  });

  it('is not taken for an open payment of a dead process, however long that lasts', async () => {
    await clock.advance(3 * 3_600_000);
    expect([rowState(), charges(), gateway.ops()]).toEqual(['SUBMITTING', 1, 'submit']);
    store.broken = false;
    await clock.advance(60_000);
    expect([rowState(), charges()]).toEqual(['APPROVED', 1]);
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await payments.stop();
  });

  it('is written when the process ends, if there is room then', async () => {
    await clock.advance(3_600_000);
    store.broken = false;
    await payments.stop();
    expect(rowState()).toBe('APPROVED');
    expect(clock.pending).toBe(0);
  });
});

describe('a submission that was not processed', () => {
  it('is sent again with the same key, silently', async () => {
    gateway.submits.push(kNotSent, kTransient);
    expect(await pay()).toEqual(kApproved);
    expect(timesOf('submit')).toEqual([0, 500, 2500]);
    expect(
      new Set(gateway.calls.map((call) => call.op === 'submit' && call.request.idempotencyKey)).size,
    ).toBe(1);
    expect(heard).toEqual(['flushed']);
  });

  it('is given up after two more tries, as not sent', async () => {
    gateway.submits.push(kNotSent, kNotSent, kTransient);
    expect(await pay()).toEqual({ kind: 'unavailable' });
    expect(gateway.ops()).toBe('submit submit submit');
    expect(rowState()).toBe('NOT_SENT');
    expect(heard).toEqual(['flushed']);
  });

  it('is not tried again once ten seconds have gone', async () => {
    gateway.submits.push({ ...kNotSent, afterMs: 9800 });
    expect(await pay()).toEqual({ kind: 'unavailable' });
    expect(gateway.ops()).toBe('submit');
  });

  it('is not tried again after the card was wiped', async () => {
    const card = cardOf({ pan: kPan });
    gateway.submits.push(kNotSent);
    const verdict = payments.submit(kSession, requestOf(), card, progress);
    await clock.advance(100);
    card.wipe();
    await clock.advance(60_000);
    expect(await verdict).toEqual({ kind: 'unavailable' });
    expect(gateway.ops()).toBe('submit');
  });
});

describe('an unknown outcome', () => {
  it('is replayed with the same key after 1 s, and counts as answered', async () => {
    gateway.submits.push({ lose: 'answer' });
    expect(await pay()).toEqual(kApproved);
    expect(timesOf('submit')).toEqual([0, 1000]);
    expect(heard).toEqual(['flushed', 'unknown']);
    expect([rowState(), charges()]).toEqual(['APPROVED', 1]);
  });

  it('is asked for after 2, 6 and 12 s, between replays after 1 and 4 s', async () => {
    gateway.submits.push({ lose: 'request' }, { lose: 'request' }, { lose: 'request' });
    expect(await pay({ forMs: 12_000 })).toEqual({ kind: 'unresolved' });
    expect(timesOf('submit')).toEqual([0, 1000, 4000]);
    expect(timesOf('query')).toEqual([2000, 6000, 12_000]);
    expect(timesOf('reverse')).toEqual([12_000]);
    expect(rowState()).toBe('UNKNOWN');
    await clock.advance(60_000);
    expect(rowState()).toBe('NOT_CHARGED');
  });

  it('is never replayed on a gateway that does not know keys', async () => {
    build('none');
    gateway.submits.push({ lose: 'answer' });
    expect(await pay()).toEqual(kApproved);
    expect(gateway.ops()).toBe('submit query');
    expect(charges()).toBe(1);
  });

  it('takes a decline that is found for the answer', async () => {
    build('none');
    gateway.submits.push({ lose: 'answer', decide: kSoft });
    gateway.queries.push({ answer: 'lost' });
    expect(await pay()).toEqual({ kind: 'declined', class: 'soft', code: '51' });
    expect(timesOf('query')).toEqual([2000, 6000]);
  });

  it('does not take an early "not found" for the end', async () => {
    build('none');
    gateway.submits.push({ arrivesAfterMs: 35_000, afterMs: 30_000 });
    expect(await pay()).toEqual(kApproved);
    expect(timesOf('query')).toEqual([32_000, 36_000]);
    expect(charges()).toBe(1);
  });

  it('is taken back once when nobody tells', async () => {
    gateway.submits.push({ lose: 'answer' }, { lose: 'answer' }, { lose: 'answer' });
    gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    expect(await pay()).toEqual({ kind: 'unresolved' });
    expect(gateway.ops()).toBe('submit submit query submit query query reverse');
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
    expect(clock.pending).toBe(0);
  });

  it('ends within the time to resolve however slow the gateway is', async () => {
    gateway.submits.push(
      { lose: 'answer' },
      { lose: 'answer', afterMs: 60_000 },
      { lose: 'answer', afterMs: 60_000 },
    );
    gateway.queries.push({ answer: 'lost', afterMs: 9000 }, { answer: 'lost', afterMs: 60_000 });
    const verdict = payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), progress);
    await clock.advance(25_000);
    expect(await Promise.race([verdict, 'still waiting'])).toEqual({ kind: 'unresolved' });
    expect(gateway.mostAtOnce).toBe(1);
    await clock.advance(180_000);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
  });

  it('follows an adapter that never ends its request, without sending a second one beside it', async () => {
    gateway.submit = () => new Promise(() => undefined);
    expect(await pay()).toEqual({ kind: 'unresolved' });
    expect(gateway.calls).toEqual([]);
    expect(rowState()).toBe('UNKNOWN');
  });

  it('is what an adapter that throws leaves behind', async () => {
    gateway.submits.push({ throws: true });
    expect(await pay()).toEqual(kApproved);
    expect(gateway.ops()).toBe('submit submit');
  });

  it('is what "not sent" means once a byte may have left', async () => {
    gateway.submit = (request, _card, context) => {
      gateway.calls.push({ op: 'submit', atMs: clock.now(), request });
      context.onFlushed();
      return Promise.resolve({ kind: 'not_sent', reason: 'reset' });
    };
    expect(await pay()).toEqual({ kind: 'unresolved' });
    expect(heard).toEqual(['flushed', 'unknown']);
  });

  it('is resolved by look-ups alone once the card is wiped', async () => {
    const card = cardOf({ pan: kPan });
    gateway.submits.push({ lose: 'answer' });
    const verdict = payments.submit(kSession, requestOf(), card, progress);
    await clock.advance(500);
    card.wipe();
    await clock.advance(20_000);
    expect(await verdict).toEqual(kApproved);
    expect(gateway.ops()).toBe('submit query');
  });

  it('keeps the payment from being submitted again until it has ended', async () => {
    gateway.down = true;
    await pay();
    expect(rowState()).toBe('UNKNOWN');
    expect(await pay({ attempt: 2, forMs: 0 })).toEqual({ kind: 'unresolved' });
    expect(rowState(2)).toBeUndefined();
  });

  it('survives a listener that throws', async () => {
    gateway.submits.push({ lose: 'answer' });
    const broken = () => {
      throw new Error('bug');
    };
    const listener = { onFlushed: broken, onUnknown: broken };
    const verdict = payments.submit(kSession, requestOf(), cardOf({ pan: kPan }), listener);
    await clock.advance(5000);
    expect(await verdict).toEqual(kApproved);
  });
});

describe('two submissions of one payment at once', () => {
  it('send one', async () => {
    const card: CardSecret = cardOf({ pan: kPan });
    gateway.submits.push({ afterMs: 3000 });
    const first = payments.submit(kSession, requestOf(), card, progress);
    const second = payments.submit(kSession, requestOf({ attempt: 2 }), card, progress);
    await clock.advance(5000);
    expect([await first, await second]).toEqual([kApproved, { kind: 'unresolved' }]);
    expect(charges()).toBe(1);
  });
});

describe('an approval taken back', () => {
  it('is reversed and recorded', async () => {
    await pay();
    expect(await payments.reverseApproved(kSession, requestOf())).toBe('reversed');
    expect(store.attempts(kSession)).toMatchObject([{ state: 'REVERSED', transactionId: 'T1' }]);
    expect(charges()).toBe(0);
  });

  it('is open on the disk before the gateway is asked', async () => {
    await pay();
    gateway.reverses.push({ answer: 'truth', afterMs: 2000 });
    const reversal = payments.reverseApproved(kSession, requestOf());
    await clock.advance(1000);
    expect(rowState()).toBe('UNKNOWN');
    await clock.advance(1000);
    expect(await reversal).toBe('reversed');
  });

  it('is followed up when the gateway cannot do it now', async () => {
    await pay();
    gateway.reverses.push({ answer: 'failed' });
    expect(await payments.reverseApproved(kSession, requestOf())).toBe('unresolved');
    expect(rowState()).toBe('UNKNOWN');
    await clock.advance(60_000);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
  });
});

describe('the follow-up of unknown outcomes', () => {
  async function leaveOpen(): Promise<void> {
    gateway.down = true;
    expect(await pay({ forMs: 30_000 })).toEqual({ kind: 'unresolved' });
    expect(rowState()).toBe('UNKNOWN');
    gateway.calls.length = 0;
  }

  it('looks after 1, 5, 15 minutes, 1, 6 and 24 hours, then calls for a person', async () => {
    await leaveOpen();
    const startMs = 12_000; // the last look-up in the call
    await clock.advance(25 * 3_600_000);
    const minutes = timesOf('query').map((atMs) => (atMs - startMs) / 60_000);
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440]);
    expect(rowState()).toBe('MANUAL');
    expect(resolutions).toMatchObject([{ state: 'MANUAL' }]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'error' });
    expect(clock.pending).toBe(0);
  });

  it('takes a late approval back', async () => {
    build('none');
    gateway.submits.push({ lose: 'answer' });
    gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    gateway.reverses.push({ answer: 'failed' });
    expect(await pay({ forMs: 30_000 })).toEqual({ kind: 'unresolved' });
    expect([rowState(), charges()]).toEqual(['UNKNOWN', 1]);
    await clock.advance(60_000);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
    expect(store.attempts(kSession)).toMatchObject([{ transactionId: 'T1' }]);
    expect(resolutions).toMatchObject([{ state: 'REVERSED', attempt: { sessionId: kSession } }]);
  });

  it('does not believe a "nothing to take back" that may have crossed the request', async () => {
    build('none');
    gateway.submits.push({ arrivesAfterMs: 45_000, afterMs: 30_000 });
    expect(await pay({ forMs: 44_000 })).toEqual({ kind: 'unresolved' });
    expect(rowState()).toBe('UNKNOWN');
    await clock.advance(60_000);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
  });

  it.each(['done_unheard', 'pending'] as const)('ends a reversal that was %s as reversed', async (answer) => {
    await pay();
    gateway.reverses.push({ answer });
    await payments.reverseApproved(kSession, requestOf());
    await clock.advance(60_000);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
  });

  it('ends as not charged when the gateway never got it', async () => {
    await leaveOpen();
    gateway.down = false;
    await clock.advance(60_000);
    expect(rowState()).toBe('NOT_CHARGED');
    expect(gateway.ops()).toBe('query reverse');
  });

  it('ends as not charged, without a reversal, when it was declined', async () => {
    build('none');
    gateway.submits.push({ lose: 'answer', decide: kSoft });
    gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    gateway.reverses.push({ answer: 'failed' });
    await pay({ forMs: 30_000 });
    await clock.advance(60_000);
    expect(store.attempts(kSession)).toMatchObject([{ state: 'NOT_CHARGED', declineCode: '51' }]);
    expect(timesOf('reverse')).toHaveLength(1);
  });

  it('takes over what a dead process left, one minute after it was sent', async () => {
    const request = requestOf();
    const card = cardOf({ pan: kPan });
    await gateway.submit(request, card, { deadlineMs: 1000, onFlushed: () => undefined });
    store.begin(submittingRow());
    gateway.calls.length = 0;
    await clock.advance(20_000);
    payments.start();
    await clock.advance(39_999);
    expect(gateway.calls).toEqual([]);
    await clock.advance(1);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
    await payments.stop();
    expect(clock.pending).toBe(0);
  });

  it('resolves an old row of a dead process at once', async () => {
    await leaveOpen();
    gateway.down = false;
    await payments.stop();
    await clock.advance(3_600_000);
    expect(rowState()).toBe('UNKNOWN');
    const next = makePayments();
    next.start();
    await clock.advance(0);
    expect(rowState()).toBe('NOT_CHARGED');
    await next.stop();
    expect(clock.pending).toBe(0);
  });

  it('does not ask one gateway about the payments of another', async () => {
    await leaveOpen();
    await payments.stop();
    const other = new FakeGateway(clock);
    Object.defineProperty(other, 'name', { value: 'other' });
    gateway = other;
    const next = makePayments();
    next.start();
    await clock.advance(3_600_000);
    expect(other.calls).toEqual([]);
    expect(rowState()).toBe('UNKNOWN');
    expect(log.lines.filter(({ message }) => message.includes('not configured'))).toHaveLength(1);
    await next.stop();
  });

  it('looks at everything at once when the gateway is back, a few at a time', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => openRow(index));
    for (const row of rows) store.begin(row);
    gateway.down = true;
    payments.start();
    await clock.advance(10 * 60_000);
    expect(gateway.mostAtOnce).toBeLessThanOrEqual(8);
    gateway.down = false;
    gateway.calls.length = 0;
    gateway.queries.push(...rows.map(() => ({ answer: 'truth', afterMs: 1000 }) as const));
    payments.resolveNow();
    payments.resolveNow();
    await clock.advance(4000);
    expect(gateway.mostAtOnce).toBe(8);
    expect(gateway.calls).toHaveLength(60);
    expect(store.unresolved()).toEqual([]);
    await payments.stop();
    expect(clock.pending).toBe(0);
  });

  it('does not let hurry make it believe a gateway that may not have the request yet', async () => {
    build('none');
    gateway.submits.push({ arrivesAfterMs: 48_000, afterMs: 30_000 });
    await pay({ forMs: 45_000 });
    payments.resolveNow();
    await clock.advance(1000);
    expect(rowState()).toBe('UNKNOWN');
    await clock.advance(60_000);
    expect([rowState(), charges()]).toEqual(['REVERSED', 0]);
  });

  it('keeps to its times however often it is hurried', async () => {
    await leaveOpen();
    const startMs = 12_000;
    await clock.advance(10 * 60_000);
    payments.resolveNow();
    await clock.advance(25 * 3_600_000);
    const minutes = timesOf('query').map((atMs) => Math.round((atMs - startMs) / 60_000));
    expect(minutes).toEqual([1, 5, 10, 15, 60, 360, 1440]);
    expect(rowState()).toBe('MANUAL');
  });

  it('finds rows it could not see at its start', async () => {
    await leaveOpen();
    await payments.stop();
    const next = makePayments();
    store.unresolved = () => [];
    next.start();
    await clock.advance(15 * 60_000);
    gateway.down = false;
    store.unresolved = FakeStore.prototype.unresolved;
    await clock.advance(60_000);
    expect(rowState()).toBe('NOT_CHARGED');
    await next.stop();
  });

  it('stops after the request under way', async () => {
    store.begin(submittingRow());
    gateway.queries.push({ answer: 'lost', afterMs: 3000 });
    payments.start();
    await clock.advance(60_000);
    expect(gateway.ops()).toBe('query');
    let stopped = false;
    const stopping = payments.stop().then(() => {
      stopped = true;
    });
    await clock.advance(2999);
    expect(stopped).toBe(false);
    await clock.advance(1);
    await stopping;
    await clock.advance(25 * 3_600_000);
    expect(gateway.ops()).toBe('query');
    expect(clock.pending).toBe(0);
  });
});

function openRow(index: number): AttemptRecord {
  const name = `P${index}`;
  return { ...submittingRow(), sessionId: name, paymentRef: name, idempotencyKey: `${name}01` };
}

/** As a process leaves it that died between the intent and the verdict. */
function submittingRow(): AttemptRecord {
  const { paymentRef, attempt, idempotencyKey, amount, brand } = requestOf();
  return {
    sessionId: kSession,
    attempt,
    paymentRef,
    idempotencyKey,
    state: 'SUBMITTING',
    amount,
    brand,
    last4: '4242',
    gateway: 'fake',
    transactionId: null,
    declineClass: null,
    declineCode: null,
    sentAt: clock.date().toISOString(),
    doneAt: null,
  };
}
