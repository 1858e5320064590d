import { beforeEach, describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/ports/store.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { kPan, kSession, PaymentsRig } from '../../support/payments-rig.ts';

const kSoft = { kind: 'declined', class: 'soft', code: '51', transactionId: 'T9' } as const;

let rig: PaymentsRig;

beforeEach(() => {
  rig = new PaymentsRig();
});

describe('the follow-up of unknown outcomes', () => {
  async function leaveOpen(): Promise<void> {
    rig.gateway.down = true;
    expect(await rig.pay({ forMs: 30_000 })).toEqual({ kind: 'unresolved' });
    expect(rig.rowState()).toBe('UNKNOWN');
    rig.gateway.calls.length = 0;
  }

  it('looks after 1, 5, 15 minutes, 1, 6 and 24 hours, then calls for a person', async () => {
    await leaveOpen();
    const startMs = 12_000; // the last look-up in the call
    await rig.clock.advance(25 * 3_600_000);
    const minutes = rig.timesOf('query').map((atMs) => (atMs - startMs) / 60_000);
    expect(minutes).toEqual([1, 5, 15, 60, 360, 1440]);
    expect(rig.rowState()).toBe('MANUAL');
    expect(rig.resolutions).toMatchObject([{ state: 'MANUAL' }]);
    expect(rig.log.lines.at(-1)).toMatchObject({ level: 'error' });
    expect(rig.clock.pending).toBe(0);
  });

  it('takes a late approval back', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ lose: 'answer' });
    rig.gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    rig.gateway.reverses.push({ answer: 'failed' });
    expect(await rig.pay({ forMs: 30_000 })).toEqual({ kind: 'unresolved' });
    expect([rig.rowState(), rig.charges()]).toEqual(['UNKNOWN', 1]);
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
    expect(rig.store.attempts(kSession)).toMatchObject([{ transactionId: 'T1' }]);
    expect(rig.resolutions).toMatchObject([{ state: 'REVERSED', attempt: { sessionId: kSession } }]);
  });

  it('keeps a late approval where that is the policy, and never asks for it back', async () => {
    rig = new PaymentsRig('none', 'keep');
    rig.gateway.submits.push({ lose: 'answer' });
    rig.gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    expect(await rig.pay({ forMs: 30_000 })).toEqual({ kind: 'unresolved' });
    await rig.clock.advance(60_000);
    expect(rig.rowState()).toBe('UNKNOWN');
    await rig.clock.advance(5 * 60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['APPROVED', 1]);
    expect(rig.timesOf('reverse')).toEqual([]);
    expect(rig.resolutions).toMatchObject([{ state: 'APPROVED' }]);
  });

  it('takes back what a person asked to be taken back, also where late approvals are kept', async () => {
    rig = new PaymentsRig('key', 'keep');
    await rig.pay();
    rig.gateway.reverses.push({ answer: 'failed' });
    await rig.payments.reverseApproved(kSession, requestOf());
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });

  it('looks at once when asked to, and says when it has', async () => {
    await leaveOpen();
    rig.gateway.down = false;
    await rig.clock.advance(59_000);
    rig.gateway.calls.length = 0;
    await rig.clock.advance(1500);
    await rig.payments.resolveNow();
    expect(rig.rowState()).toBe('NOT_CHARGED');
  });

  it('does not believe a "nothing to take back" that may have crossed the request', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ arrivesAfterMs: 45_000, afterMs: 30_000 });
    expect(await rig.pay({ forMs: 44_000 })).toEqual({ kind: 'unresolved' });
    expect(rig.rowState()).toBe('UNKNOWN');
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });

  it.each(['done_unheard', 'pending'] as const)('ends a reversal that was %s as reversed', async (answer) => {
    await rig.pay();
    rig.gateway.reverses.push({ answer });
    await rig.payments.reverseApproved(kSession, requestOf());
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });

  describe('of an approval that is to be taken back', () => {
    /** The gateway has lost sight of it: nothing is found, nothing there to reverse. */
    function forget(looks: number): void {
      for (let count = 0; count < looks; count++) {
        rig.gateway.queries.push({ answer: 'not_found' });
        rig.gateway.reverses.push({ answer: 'nothing_to_reverse' });
      }
    }

    it('never ends as not charged', async () => {
      await rig.pay();
      rig.gateway.reverses.push({ answer: 'nothing_to_reverse' });
      forget(6);
      await rig.payments.reverseApproved(kSession, requestOf());
      await rig.clock.advance(23 * 3_600_000);
      expect(rig.rowState()).toBe('UNKNOWN');
      await rig.clock.advance(2 * 3_600_000);
      expect([rig.rowState(), rig.charges()]).toEqual(['MANUAL', 1]);
    });

    it('never ends as not charged in the next process either', async () => {
      await rig.pay();
      rig.gateway.reverses.push({ answer: 'nothing_to_reverse' });
      await rig.payments.reverseApproved(kSession, requestOf());
      await rig.payments.stop();
      rig.payments = rig.makePayments();
      forget(2);
      rig.payments.start();
      await rig.clock.advance(6 * 60_000);
      expect(rig.rowState()).toBe('UNKNOWN');
      await rig.clock.advance(10 * 60_000);
      expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
    });

    it('never ends as not charged when it was found out late and is then lost sight of', async () => {
      rig = new PaymentsRig('none');
      rig.gateway.submits.push({ lose: 'answer' });
      rig.gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
      rig.gateway.reverses.push({ answer: 'failed' }, { answer: 'failed' });
      await rig.pay({ forMs: 30_000 });
      await rig.clock.advance(60_000);
      expect(rig.store.attempts(kSession)).toMatchObject([{ state: 'UNKNOWN', transactionId: 'T1' }]);
      await rig.payments.stop();
      rig.payments = rig.makePayments();
      forget(1);
      rig.payments.start();
      await rig.clock.advance(60_000);
      expect([rig.rowState(), rig.charges()]).toEqual(['UNKNOWN', 1]);
    });

    it('never keeps it, also where late approvals are kept', async () => {
      rig = new PaymentsRig('key', 'keep');
      await rig.pay();
      rig.gateway.reverses.push({ answer: 'nothing_to_reverse' });
      await rig.payments.reverseApproved(kSession, requestOf());
      await rig.clock.advance(60_000);
      expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
    });
  });

  it('ends as not charged when the gateway never got it', async () => {
    await leaveOpen();
    rig.gateway.down = false;
    await rig.clock.advance(60_000);
    expect(rig.rowState()).toBe('NOT_CHARGED');
    expect(rig.gateway.ops()).toBe('query reverse');
  });

  it('ends as reversed when the gateway says that it was charged and taken back', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ lose: 'answer', decide: { ...kSoft, code: 'reversed', takenBack: true } });
    rig.gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    rig.gateway.reverses.push({ answer: 'failed' });
    await rig.pay({ forMs: 30_000 });
    await rig.clock.advance(60_000);
    expect(rig.store.attempts(kSession)).toMatchObject([{ state: 'REVERSED', transactionId: 'T9' }]);
    expect(rig.resolutions).toMatchObject([{ state: 'REVERSED' }]);
  });

  it('ends as not charged, without a reversal, when it was declined', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ lose: 'answer', decide: kSoft });
    rig.gateway.queries.push({ answer: 'lost' }, { answer: 'lost' }, { answer: 'lost' });
    rig.gateway.reverses.push({ answer: 'failed' });
    await rig.pay({ forMs: 30_000 });
    await rig.clock.advance(60_000);
    expect(rig.store.attempts(kSession)).toMatchObject([{ state: 'NOT_CHARGED', declineCode: '51' }]);
    expect(rig.timesOf('reverse')).toHaveLength(1);
  });

  it('takes over what a dead process left, one minute after it was sent', async () => {
    const request = requestOf();
    const card = cardOf({ pan: kPan });
    await rig.gateway.submit(request, card, { deadlineMs: 1000, onFlushed: () => undefined });
    rig.store.begin(rig.submittingRow());
    rig.gateway.calls.length = 0;
    await rig.clock.advance(20_000);
    rig.payments.start();
    await rig.clock.advance(39_999);
    expect(rig.gateway.calls).toEqual([]);
    await rig.clock.advance(1);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
    await rig.payments.stop();
    expect(rig.clock.pending).toBe(0);
  });

  it('resolves an old row of a dead process at once', async () => {
    await leaveOpen();
    rig.gateway.down = false;
    await rig.payments.stop();
    await rig.clock.advance(3_600_000);
    expect(rig.rowState()).toBe('UNKNOWN');
    const next = rig.makePayments();
    next.start();
    await rig.clock.advance(0);
    expect(rig.rowState()).toBe('NOT_CHARGED');
    await next.stop();
    expect(rig.clock.pending).toBe(0);
  });

  it.each([
    ['set ahead', -30],
    ['set back', 30],
  ])(
    'takes over what a dead process left a minute ago, though the date was %s meanwhile',
    async (_title, hours) => {
      const sentAt = new Date(rig.clock.date().getTime() + hours * 3_600_000).toISOString();
      rig.store.begin({ ...rig.submittingRow(), sentAt });
      const [row] = rig.store.unresolved();
      if (!row) throw new Error('there is no row');
      rig.store.unresolved = () => [{ ...row, knownAgeMs: 20_000 }];
      rig.payments.start();
      await rig.clock.advance(39_000);
      expect(rig.timesOf('query')).toEqual([]);
      await rig.clock.advance(1_000);
      expect(rig.timesOf('query')).toEqual([40_000]);
      expect(rig.rowState()).toBe('NOT_CHARGED');
    },
  );

  it('leaves alone what another process is looking at, and what a person has settled', async () => {
    await leaveOpen();
    const leases = ['busy', 'busy', 'closed'] as const;
    let asked = 0;
    rig.store.lease = () => leases[asked++] ?? 'closed';
    await rig.clock.advance(25 * 3_600_000);
    expect(asked).toBe(3);
    expect(rig.timesOf('query')).toEqual([]);
    expect(rig.resolutions).toEqual([]);
  });

  it('needs a person a day after it was sent, however often the process began anew, but not before an hour of looking', async () => {
    rig.gateway.down = true;
    const sentAt = new Date(rig.clock.date().getTime() - 23 * 3_600_000).toISOString();
    rig.store.begin({ ...rig.submittingRow(), sentAt });
    rig.payments.start();
    await rig.clock.advance(59 * 60_000);
    expect(rig.rowState()).toBe('SUBMITTING');
    await rig.clock.advance(3 * 60_000);
    expect(rig.rowState()).toBe('MANUAL');
  });

  it('does not ask one gateway about the payments of another', async () => {
    await leaveOpen();
    await rig.payments.stop();
    const other = new FakeGateway(rig.clock);
    Object.defineProperty(other, 'name', { value: 'other' });
    const next = rig.makePayments(other);
    next.start();
    await rig.clock.advance(3_600_000);
    expect(other.calls).toEqual([]);
    expect(rig.rowState()).toBe('UNKNOWN');
    expect(rig.log.lines.filter(({ message }) => message.includes('not configured'))).toHaveLength(1);
    await rig.clock.advance(23 * 3_600_000);
    expect(other.calls).toEqual([]);
    expect(rig.rowState()).toBe('MANUAL'); // a person may know
    expect(rig.resolutions).toMatchObject([{ state: 'MANUAL' }]);
    await next.stop();
  });

  it('looks at everything at once when the gateway is back, a few at a time', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => openRow(index));
    for (const row of rows) rig.store.begin(row);
    rig.gateway.down = true;
    rig.payments.start();
    await rig.clock.advance(10 * 60_000);
    expect(rig.gateway.mostAtOnce).toBeLessThanOrEqual(8);
    rig.gateway.down = false;
    rig.gateway.calls.length = 0;
    rig.gateway.queries.push(...rows.map(() => ({ answer: 'truth', afterMs: 1000 }) as const));
    rig.payments.resolveNow();
    rig.payments.resolveNow();
    await rig.clock.advance(4000);
    expect(rig.gateway.mostAtOnce).toBe(8);
    expect(rig.gateway.calls).toHaveLength(60);
    expect(rig.store.unresolved()).toEqual([]);
    await rig.payments.stop();
    expect(rig.clock.pending).toBe(0);
  });

  it('does not let hurry make it believe a gateway that may not have the request yet', async () => {
    rig = new PaymentsRig('none');
    rig.gateway.submits.push({ arrivesAfterMs: 48_000, afterMs: 30_000 });
    await rig.pay({ forMs: 45_000 });
    rig.payments.resolveNow();
    await rig.clock.advance(1000);
    expect(rig.rowState()).toBe('UNKNOWN');
    await rig.clock.advance(60_000);
    expect([rig.rowState(), rig.charges()]).toEqual(['REVERSED', 0]);
  });

  it('keeps to its times however often it is hurried', async () => {
    await leaveOpen();
    const startMs = 12_000;
    await rig.clock.advance(10 * 60_000);
    rig.payments.resolveNow();
    await rig.clock.advance(25 * 3_600_000);
    const minutes = rig.timesOf('query').map((atMs) => Math.round((atMs - startMs) / 60_000));
    expect(minutes).toEqual([1, 5, 10, 15, 60, 360, 1440]);
    expect(rig.rowState()).toBe('MANUAL');
  });

  it('finds rows it could not see at its start', async () => {
    await leaveOpen();
    await rig.payments.stop();
    const next = rig.makePayments();
    rig.store.unresolved = () => [];
    next.start();
    await rig.clock.advance(15 * 60_000);
    rig.gateway.down = false;
    rig.store.unresolved = FakeStore.prototype.unresolved;
    await rig.clock.advance(60_000);
    expect(rig.rowState()).toBe('NOT_CHARGED');
    await next.stop();
  });

  it('stops after the request under way', async () => {
    rig.store.begin(rig.submittingRow());
    rig.gateway.queries.push({ answer: 'lost', afterMs: 3000 });
    rig.payments.start();
    await rig.clock.advance(60_000);
    expect(rig.gateway.ops()).toBe('query');
    let stopped = false;
    const stopping = rig.payments.stop().then(() => {
      stopped = true;
    });
    await rig.clock.advance(2999);
    expect(stopped).toBe(false);
    await rig.clock.advance(1);
    await stopping;
    await rig.clock.advance(25 * 3_600_000);
    expect(rig.gateway.ops()).toBe('query');
    expect(rig.clock.pending).toBe(0);
  });
});

function openRow(index: number): AttemptRecord {
  const name = `P${index}`;
  return { ...rig.submittingRow(), sessionId: name, paymentRef: name, idempotencyKey: `${name}01` };
}
