import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FollowUpJournal } from '../../../src/ports/store.ts';
import type { SyncFile } from '../../../src/store/group-sync.ts';
import { openStore } from '../../../src/store/store.ts';
import { type Fault, FollowUpRig, kRef, stateOf } from '../../support/follow-up-rig.ts';

const kDayMs = 24 * 3_600_000;

let directory: string;
let rig: FollowUpRig;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-follow-ups-'));
  rig = new FollowUpRig(directory);
});
afterEach(async () => {
  await rig.close();
  rmSync(directory, { recursive: true });
});

describe('asking again', () => {
  it('with the same request key gives the first answer, and does nothing', async () => {
    await rig.pay();
    const first = await rig.request('refund', '1.00', 'letter-77');
    const again = await rig.request('refund', '1.00', 'letter-77');
    expect([stateOf(first), stateOf(again)]).toEqual(['DONE', 'DONE']);
    expect(rig.net).toBe(950);
    expect(await rig.request('refund', '2.00', 'letter-77')).toMatchObject({
      reason: 'the request key was used for something else',
    });
  });

  it('while one is open is refused', async () => {
    await rig.pay();
    rig.gateway.faults.push('answer lost');
    expect(stateOf(await rig.request('refund', '1.00'))).toBe('UNKNOWN');
    expect(await rig.request('refund', '1.00')).toMatchObject({
      reason: 'a refund of it is UNKNOWN: what became of that must be known first',
    });
    expect(rig.net).toBe(950);
  });
});

describe.each([
  ['a gateway that knows resends', true],
  ['a gateway that does not', false],
])('an answer that got lost, with %s', (_name, hasKeys) => {
  beforeEach(async () => {
    await rig.close();
    rig = new FollowUpRig(mkdtempSync(join(directory, 'one-')), hasKeys);
    await rig.pay();
  });

  it('is found out after a minute, and nothing is refunded twice', async () => {
    rig.gateway.faults.push('answer lost');
    await rig.request('refund', '1.00');
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual(['DONE']);
    expect(rig.net).toBe(950);
  });

  it('is done after all, or certainly not, when the request got lost', async () => {
    rig.gateway.faults.push('request lost');
    await rig.request('refund', '1.00');
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual([hasKeys ? 'DONE' : 'NOT_DONE']);
    expect(rig.net).toBe(hasKeys ? 950 : 1050);
  });

  it('is a person’s after a day without one; then a person says what it was', async () => {
    rig.gateway.isDown = true;
    await rig.request('refund', '1.00');
    await rig.clock.advance(kDayMs + 60_000);
    expect(rig.states).toEqual(['MANUAL']);
    const { key } = rig;
    expect(rig.store.followUps.settleByHand(key, 'NOT_DONE', { actor: 'cli:ann', note: 'seen' })).toBe(true);
    expect(rig.store.followUps.settleByHand(key, 'DONE', { actor: 'cli:ann', note: 'again' })).toBe(false);
    rig.gateway.isDown = false;
    expect(stateOf(await rig.request('refund', '10.50'))).toBe('DONE');
    expect(rig.net).toBe(0);
  });

  it('is found out by the next process', async () => {
    rig.gateway.faults.push('answer lost');
    const deaf: FollowUpJournal = {
      begin: (ref, plan) => rig.store.followUps.begin(ref, plan),
      book: (ref) => rig.store.followUps.book(ref),
      unresolved: () => rig.store.followUps.unresolved(),
      settleByHand: () => false,
      settle: () => {
        throw new Error('the disk is full');
      },
    };
    const dying = rig.makeFollowUps(deaf);
    const by = { actor: 'api:ann', note: 'n' };
    await dying.request({ paymentRef: kRef, kind: 'refund', amount: '1.00', requestKey: 'a-letter', ...by });
    await dying.stop();
    expect(rig.states).toEqual(['SUBMITTING']);
    rig.followUps.start();
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual(['DONE']);
    expect(rig.net).toBe(950);
  });

  it('is not looked up while it is being sent, though the date was set ahead', async () => {
    const held = Promise.withResolvers<void>();
    rig.gateway.held = held.promise;
    rig.followUps.start();
    await rig.clock.advance(45_000);
    const asked = rig.request('refund', '1.00');
    const trueDate = rig.clock.date.bind(rig.clock);
    rig.clock.date = () => new Date(trueDate().getTime() + 3_600_000);
    await rig.clock.advance(20_000); // what is open is read again every minute
    expect(rig.states).toEqual(['SUBMITTING']);
    held.resolve();
    expect(stateOf(await asked)).toBe('DONE');
    expect(rig.net).toBe(950);
  });

  it('is taken over from a dead process though the date was set back', async () => {
    rig.gateway.faults.push('answer lost');
    await rig.request('refund', '1.00');
    await rig.followUps.stop();
    const trueDate = rig.clock.date.bind(rig.clock);
    rig.clock.date = () => new Date(trueDate().getTime() - kDayMs);
    rig.followUps = rig.makeFollowUps();
    rig.followUps.start();
    await rig.clock.advance(61_000);
    expect(rig.states).toEqual(['DONE']);
  });

  it('is looked up at once when somebody asks, once it is older than a minute', async () => {
    rig.gateway.isDown = true;
    await rig.request('refund', '1.00');
    await rig.clock.advance(2 * 60_000);
    rig.gateway.isDown = false;
    await rig.followUps.resolveNow();
    expect(rig.states).toEqual([hasKeys ? 'DONE' : 'NOT_DONE']);
  });
});

it('changes nothing, and says so, when it was not sent or the adapter broke before the disk knew', async () => {
  await rig.pay();
  rig.gateway.faults.push('not sent');
  expect(stateOf(await rig.request('refund', '1.00'))).toBe('NOT_SENT');
  rig.gateway.faults.push('adapter breaks');
  expect(stateOf(await rig.request('refund', '1.00'))).toBe('UNKNOWN');
  await rig.clock.advance(61_000);
  expect(rig.states).toEqual(['NOT_SENT', 'DONE']);
  expect(rig.net).toBe(950);
});

it('tells of every state it comes to', async () => {
  await rig.pay();
  rig.gateway.faults.push('answer lost');
  await rig.request('refund', '1.00');
  await rig.clock.advance(61_000);
  await rig.request('refund', '99.00');
  expect(rig.changed).toEqual(['UNKNOWN', 'DONE']);
});

describe('a change of a gateway that is not configured any more', () => {
  beforeEach(async () => {
    await rig.pay('sale', undefined, 'retired');
    const other = rig.gateway.name;
    Reflect.set(rig.gateway, 'name', 'retired');
    rig.gateway.faults.push('answer lost');
    await rig.request('refund', '1.00');
    await rig.followUps.stop();
    Reflect.set(rig.gateway, 'name', other);
    rig.followUps = rig.makeFollowUps();
    rig.followUps.start();
  });

  it('is told of once, asked of nobody, and a person’s when its day is over', async () => {
    const said = () => rig.log.lines.filter(({ message }) => message.includes('not configured'));
    await rig.clock.advance(23 * 3_600_000);
    expect(said()).toMatchObject([{ level: 'error', fields: { gateway: 'retired', key: rig.key } }]);
    expect(rig.states).toEqual(['UNKNOWN']);
    await rig.clock.advance(3_600_000);
    expect(rig.states).toEqual(['MANUAL']);
    expect(rig.store.followUps.settleByHand(rig.key, 'DONE', { actor: 'cli:ann', note: 'seen' })).toBe(true);
  });

  it('is not hurried to an end by a look at everything', async () => {
    await rig.clock.advance(2 * 3_600_000);
    await rig.followUps.resolveNow();
    expect(rig.states).toEqual(['UNKNOWN']);
  });
});

describe('a change at a gateway that forgets its keys', () => {
  const kHourMs = 3_600_000;

  beforeEach(async () => {
    rig.gateway.changeKeysKnownForMs = kDayMs;
    await rig.pay();
    rig.gateway.faults.push('answer lost');
    await rig.request('refund', '1.00');
  });

  /** As a process finds it that was down for so long; null: only dates tell. */
  function restart(knownAgeMs: number | null): void {
    const unresolved = rig.store.followUps.unresolved.bind(rig.store.followUps);
    rig.store.followUps.unresolved = () => unresolved().map((row) => ({ ...row, knownAgeMs }));
    rig.followUps = rig.makeFollowUps();
    rig.followUps.start();
  }
  const timesSent = async () => {
    let sent = 0;
    const followUp = rig.gateway.followUp.bind(rig.gateway);
    rig.gateway.followUp = (order) => {
      sent++;
      return followUp(order);
    };
    await rig.clock.advance(2 * kHourMs);
    return sent;
  };

  it.each([
    ['50 hours', 50 * kHourMs],
    ['23 hours and a half', 23.5 * kHourMs],
  ])('is not sent again by a process that was down for %s, and is a person’s', async (_name, ageMs) => {
    await rig.followUps.stop();
    restart(ageMs);
    expect(await timesSent()).toBe(0);
    expect(rig.states).toEqual(['MANUAL']);
  });

  it('is not sent again where the date says that it is yet to be sent', async () => {
    await rig.followUps.stop();
    const trueDate = rig.clock.date.bind(rig.clock);
    rig.clock.date = () => new Date(trueDate().getTime() - kDayMs);
    restart(null);
    expect(await timesSent()).toBe(0);
    expect(rig.states).toEqual(['MANUAL']);
  });

  it('is sent again while the key is certainly known', async () => {
    await rig.followUps.stop();
    restart(20 * kHourMs);
    expect(await timesSent()).toBe(1);
    expect(rig.states).toEqual(['DONE']);
  });

  it('is looked at for the last time two hours before', async () => {
    rig.gateway.isDown = true;
    let lastMs = 0;
    const followUp = rig.gateway.followUp.bind(rig.gateway);
    rig.gateway.followUp = (order) => {
      lastMs = rig.clock.now();
      return followUp(order);
    };
    await rig.clock.advance(3 * kDayMs);
    expect([lastMs / kHourMs, rig.states]).toEqual([22, ['MANUAL']]);
  });
});

it('does not hammer the gateway while the disk does not take the answer', async () => {
  await rig.pay();
  rig.gateway.isDown = true;
  await rig.request('refund', '1.00');
  const settle = rig.store.followUps.settle.bind(rig.store.followUps);
  let tries = 0;
  rig.store.followUps.settle = () => {
    tries++;
    return Promise.reject(new Error('the disk is full'));
  };
  await rig.clock.advance(kDayMs + 10 * 60_000);
  expect(tries).toBeGreaterThan(5);
  expect(tries).toBeLessThan(15); // once a minute
  rig.store.followUps.settle = settle;
  await rig.clock.advance(60_000);
  expect(rig.states).toEqual(['MANUAL']);
});

it('withdraws a change whose intent the disk did not keep: nobody sends it later', async () => {
  await rig.pay();
  await rig.close();
  let isBroken = false;
  const sync: SyncFile = (_fd, done) => done(isBroken ? new Error('EIO') : null);
  const store = openStore({ file: join(directory, 'hushpay.sqlite'), log: rig.log, sync });
  isBroken = true;
  rig.followUps = rig.makeFollowUps(store.followUps);
  await expect(rig.request('refund', '1.00')).rejects.toThrow();
  expect(store.followUps.book(kRef).followUps).toMatchObject([{ state: 'NOT_SENT' }]);
  expect(rig.net).toBe(1050);
  store.close();
});

it('writes who, what and why into the audit, in the transaction of the change', async () => {
  await rig.pay();
  await rig.request('refund', '1.00');
  const acts = [...rig.store.audit.entries()].filter(({ action }) => action.startsWith('payment.refund'));
  expect(acts).toMatchObject([
    {
      actor: 'api:ann',
      action: 'payment.refund.submitted',
      detail: { amountMinor: 100, currency: 'EUR', note: 'asked by letter' },
    },
    { actor: 'hushpay', action: 'payment.refund.settled', detail: { state: 'DONE' } },
  ]);
  expect(rig.store.audit.verify().ok).toBe(true);
});

it('refunds what it says it refunded, whatever is cut, lost or killed', async () => {
  const faults = fc.constantFrom<Fault>(
    'none',
    'none',
    'request lost',
    'answer lost',
    'not sent',
    'adapter breaks',
  );
  const steps = fc.array(
    fc.record({
      fault: faults,
      minor: fc.integer({ min: 1, max: 700 }),
      waitMs: fc.integer({ max: 4_000_000, min: 0 }),
      dies: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (todo, hasKeys) => {
      const run = new FollowUpRig(mkdtempSync(join(directory, 'run-')), hasKeys);
      try {
        await run.pay();
        run.followUps.start();
        for (const { fault, minor, waitMs, dies } of todo) {
          run.gateway.faults.length = 0;
          run.gateway.faults.push(fault);
          await run.request('refund', (minor / 100).toFixed(2));
          if (dies) {
            await run.followUps.stop();
            run.followUps = run.makeFollowUps();
            run.followUps.start();
          }
          await run.clock.advance(waitMs);
        }
        run.gateway.faults.length = 0;
        await run.clock.advance(kDayMs + 60_000);
        const { followUps } = run.store.followUps.book(kRef);
        const refunded = followUps
          .filter(({ state }) => state === 'DONE')
          .reduce((sum, { amount }) => sum + amount.minor, 0);
        expect(run.states.filter((state) => !['DONE', 'NOT_SENT', 'NOT_DONE'].includes(state))).toEqual([]);
        expect(run.net).toBe(1050 - refunded);
        expect(run.net).toBeGreaterThanOrEqual(0);
      } finally {
        await run.close();
      }
    }),
    { numRuns: 25 },
  );
});
