import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { SessionAction } from '../../../src/ports/payment-sessions.ts';
import { kApproved, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { entering, paying, RoomRig } from '../../support/room-rig.ts';

const kActions: Readonly<Record<string, SessionAction>> = {
  'dial agent': { action: 'dial', role: 'agent', to: 'sip:anna@pbx', trunk: null },
  'dial customer': { action: 'dial', role: 'customer', to: 'sip:home@sbc', trunk: null },
  start: { action: 'start' },
  amount: { action: 'amount', amount: money(700, 'USD') },
  capture: { action: 'capture', field: 'pan' },
  're-enter': { action: 're-enter', field: 'pan' },
  pause: { action: 'pause' },
  park: { action: 'park' },
  resume: { action: 'resume' },
  cancel: { action: 'cancel' },
};

/** What an agent is told when it cannot be done. */
const kReasons: Readonly<Record<string, string>> = {
  nobody: 'nobody is on the line',
  noAgent: 'there is no agent on the line',
  noCustomer: 'the customer is not on the line',
  isThere: 'the customer is on the line, or is being called',
  notYet: 'the payment has not begun',
  begun: 'the payment has begun',
  tooEarly: 'pan cannot be asked for yet, or the card has none',
  notAsked: 'pan was not asked for before',
  amountLate: 'the amount is outside the limits, or cannot be chosen yet',
  noPause: 'there is nothing to pause yet',
  paused: 'the payment is paused already',
  parked: 'the agent is parked already',
  notApart: 'nothing is paused or parked',
  untilEnd: 'the agent is back when the payment has ended: cancel it to be back now',
  gateway: 'the payment is with the gateway: its verdict is waited for',
  decided: 'the payment is decided: its result is being told',
  ended: 'the payment has ended',
  oneLeg: 'this session has one leg, which calls us',
  alone: 'there is no agent on this call',
};

const kTransfer = { topology: 'secure_transfer' } as const;
const kIdentified = { identified: 'unknown' } as const;
const kIdv = { policy: policyOf({ amount: { currency: 'USD' }, idv: { target: 'sip:idv@pbx' } }) };

async function sent(...options: ConstructorParameters<typeof RoomRig>) {
  const all = await paying(...options);
  await all.rig.submit(all.customer);
  return all;
}

async function told(toMs: number) {
  const all = await sent();
  all.rig.payments.submissions.at(-1)?.answer(kApproved);
  await all.rig.clock.advance(toMs);
  return all;
}

async function guestPaying() {
  const rig = new RoomRig({ topology: 'guest' });
  await rig.join(undefined, { dialled: `pay-${rig.id}` });
  while (rig.view['stage'] !== 'PAN_ENTRY') await rig.clock.advance(100);
  return { rig };
}

async function whileIn(
  stage: string,
  reach: () => Promise<{ readonly rig: RoomRig }>,
): Promise<{ readonly rig: RoomRig }> {
  const all = await reach();
  expect(all.rig.view['stage']).toBe(stage);
  return all;
}

/** How a session comes to be in each state. */
const kStates: Readonly<Record<string, () => Promise<{ readonly rig: RoomRig }>>> = {
  prepared: async () => ({ rig: new RoomRig() }),
  'agent alone': async () => {
    const rig = new RoomRig();
    await rig.join('agent');
    return { rig };
  },
  'customer alone': async () => {
    const rig = new RoomRig();
    await rig.join('caller');
    return { rig };
  },
  talking: async () => {
    const rig = new RoomRig();
    await rig.customerAndAgent();
    return { rig };
  },
  parked: async () => {
    const rig = new RoomRig();
    await rig.customerAndAgent();
    await rig.act('park');
    return { rig };
  },
  greeting: () => whileIn('GREETING', () => paying()),
  identifying: () =>
    whileIn('IDV_HANDOFF', async () => {
      const all = await paying(kIdentified, kIdv);
      await all.rig.clock.advance(10_000);
      return all;
    }),
  entering: () => whileIn('PAN_ENTRY', () => entering()),
  'agent parked': () => whileIn('PAN_ENTRY', () => entering(kTransfer)),
  paused: async () => {
    const all = await entering();
    await all.rig.act('pause');
    return all;
  },
  'in flight': () => whileIn('WAIT', () => sent()),
  'being told': () => whileIn('APPROVED', () => told(100)),
  'talking on': () => whileIn('END', () => told(60_000)),
  'guest prepared': async () => ({ rig: new RoomRig({ topology: 'guest' }) }),
  'guest paying': () => whileIn('PAN_ENTRY', guestPaying),
};

/** A plus: it is done. Otherwise the name of a reason. */
const kTable = `
                  dial agent  dial customer  start       amount      capture   re-enter  pause    park     resume    cancel
  prepared        +           +              nobody      nobody      nobody    nobody    nobody   nobody   nobody    +
  agent alone     +           +              noCustomer  +           notYet    notYet    notYet   +        notApart  +
  customer alone  +           isThere        +           +           notYet    notYet    notYet   noAgent  notApart  +
  talking         +           isThere        +           +           notYet    notYet    notYet   +        notApart  +
  parked          +           isThere        +           +           notYet    notYet    notYet   parked   +         +
  greeting        +           isThere        begun       amountLate  tooEarly  notAsked  +        +        notApart  +
  identifying     +           isThere        begun       amountLate  tooEarly  notAsked  noPause  +        notApart  +
  entering        +           isThere        begun       +           +         +         +        +        notApart  +
  agent parked    +           isThere        begun       +           +         +         +        +        untilEnd  +
  paused          +           isThere        begun       +           +         +         paused   +        +         +
  in flight       +           isThere        begun       gateway     gateway   gateway   gateway  +        notApart  gateway
  being told      +           isThere        begun       decided     decided   decided   decided  +        notApart  decided
  talking on      +           isThere        ended       ended       ended     ended     ended    +        notApart  ended
  guest prepared  oneLeg      oneLeg         nobody      nobody      nobody    nobody    nobody   nobody   nobody    +
  guest paying    oneLeg      oneLeg         alone       +           +         +         +        alone    alone     +
`;

function cells(): [state: string, action: string, expected: string][] {
  const [head = [], ...rows] = kTable
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/ {2,}/));
  return rows.flatMap(([state = '', ...expected]) =>
    head.map((action, column): [string, string, string] => [state, action, expected[column] ?? '']),
  );
}

describe('what an agent asks for', () => {
  it.each(cells())('while %s, %s: %s', async (state, action, expected) => {
    const { rig } = (await kStates[state]?.()) ?? expect.fail(`no state ${state}`);
    const before = rig.view;
    const asked = kActions[action] ?? expect.fail(`no action ${action}`);
    const result = await rig.desk.act(rig.id, asked, 'test');
    if (expected === '+') {
      expect(result).toEqual({ kind: 'done' });
      return;
    }
    expect(result).toEqual({ kind: 'conflict', reason: kReasons[expected] });
    await settle();
    expect(rig.view).toEqual(before); // and nothing of it happened
  });

  it('is refused for every action once the call is over, and of a session there never was', async () => {
    const { rig, customer } = await entering();
    customer.leg.hangUp();
    await settle();
    for (const action of Object.values(kActions)) {
      expect(await rig.desk.act(rig.id, action, 'test')).toEqual({ kind: 'unknown_session' });
      expect(await rig.desk.act('never', action, 'test')).toEqual({ kind: 'unknown_session' });
    }
  });

  it('stands in the table for every state and every action', () => {
    const all = Object.keys(kStates).flatMap((state) =>
      Object.keys(kActions).map((action) => [state, action]),
    );
    expect(cells().map(([state, action]) => [state, action])).toEqual(all);
    expect(new Set(cells().map(([, , expected]) => expected))).toEqual(
      new Set(['+', ...Object.keys(kReasons)]),
    );
  });
});
