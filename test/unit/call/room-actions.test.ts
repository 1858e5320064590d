import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import { kApproved } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { entering, RoomRig } from '../../support/room-rig.ts';

const kCard = '4242424242424242';
const kDone = { kind: 'done' };

describe('actions of an agent', () => {
  it('are refused with the reason when they do not fit', async () => {
    const rig = new RoomRig();
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /nobody/ });
    const agent = await rig.join('agent');
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /customer/ });
    expect(await rig.act('pause')).toMatchObject({ kind: 'conflict', reason: /not begun/ });
    const customer = await rig.join('caller');
    await rig.act('start');
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /has begun/ });
    await rig.submit(customer);
    for (const action of ['cancel', 'pause'] as const) {
      expect(await rig.act(action)).toMatchObject({ kind: 'conflict', reason: /gateway/ });
    }
    expect(await rig.act('re-enter', { field: 'pan' })).toMatchObject({ kind: 'conflict' });
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(await rig.act('cancel')).toMatchObject({ kind: 'conflict', reason: /ended/ });
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /ended/ });
    agent.leg.hangUp();
    await settle();
    expect(await rig.act('start')).toEqual({ kind: 'unknown_session' });
  });

  it('choose the amount before the payment and during it', async () => {
    const before = new RoomRig({ amount: null });
    const { customer } = await before.customerAndAgent();
    await before.act('amount', { amount: money(700, 'USD') });
    await before.act('start');
    await before.listen(customer);
    expect(before.view).toMatchObject({ amount: { minor: 700 } });

    const { rig } = await entering();
    expect(await rig.act('amount', { amount: money(50, 'USD') })).toMatchObject({ kind: 'conflict' });
    expect(await rig.act('amount', { amount: money(900, 'USD') })).toEqual(kDone);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', amount: { minor: 900 } });
  });

  it('choose the amount while secure mode comes on', async () => {
    const rig = new RoomRig({ amount: null });
    const { customer } = await rig.customerAndAgent();
    const answers = await Promise.all([rig.act('start'), rig.act('amount', { amount: money(700, 'USD') })]);
    expect(answers).toEqual([kDone, kDone]);
    await rig.listen(customer);
    expect(rig.view).toMatchObject({ amount: { minor: 700 } });
  });

  it('ask for a field out of its turn, and for one again', async () => {
    const { rig, customer } = await entering();
    expect(await rig.act('re-enter', { field: 'expiry' })).toMatchObject({ kind: 'conflict' });
    expect(await rig.act('capture', { field: 'cvv' })).toMatchObject({ kind: 'conflict' });
    await rig.key(customer, `${kCard}#`);
    await rig.listen(customer);
    expect(rig.view).toMatchObject({ stage: 'EXPIRY_ENTRY', brand: 'visa', last4: '4242' });
    expect(await rig.act('capture', { field: 'cvv' })).toEqual(kDone);
    await rig.clock.advance(600);
    await rig.key(customer, '123');
    await rig.listen(customer);
    expect(rig.view).toMatchObject({ stage: 'EXPIRY_ENTRY' });
    expect(await rig.act('re-enter', { field: 'pan' })).toEqual(kDone);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 0 });
  });

  it('pause the questions while the clamp stays, and let them go on', async () => {
    const { rig, customer, agent } = await entering();
    expect(await rig.act('pause')).toEqual(kDone);
    expect(rig.view).toMatchObject({ paused: true });
    expect(rig.hears(agent, customer)).toBe('clamped');
    expect(await rig.act('pause')).toMatchObject({ kind: 'conflict' });
    await rig.clock.advance(60_000);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', error: null });
    expect(await rig.act('resume')).toEqual(kDone);
    await rig.clock.advance(600);
    await rig.key(customer, '42');
    expect(rig.view).toMatchObject({ paused: false, digitCount: 2 });
  });

  it('park the agent and bring the agent back', async () => {
    const rig = new RoomRig();
    const { customer, agent } = await rig.customerAndAgent();
    expect(await rig.act('park')).toEqual(kDone);
    expect([rig.hears(agent, customer), rig.hears(customer, agent)]).toEqual(['none', 'none']);
    expect(agent.media.playing).toBe(true);
    expect(await rig.act('park')).toMatchObject({ kind: 'conflict' });
    expect(await rig.act('resume')).toEqual(kDone);
    expect(rig.hears(agent, customer)).toBe('open');
    expect(await rig.act('resume')).toMatchObject({ kind: 'conflict' });
  });

  it('call customer and agent into the room', async () => {
    const rig = new RoomRig();
    expect(await rig.act('dial', { role: 'agent', to: 'sip:anna@pbx', trunk: 'nowhere' })).toMatchObject({
      kind: 'conflict',
    });
    expect(await rig.act('dial', { role: 'agent', to: 'sip:anna@pbx', trunk: null })).toEqual(kDone);
    expect(rig.signaling.last.call).toMatchObject({
      target: 'sip:anna@pbx',
      headers: { 'X-Pay-Session': rig.id },
      trunk: 'lab',
    });
    const agent = await rig.answer();
    await rig.act('dial', { role: 'customer', to: 'sip:+15550100@sbc', trunk: 'lab' });
    expect(await rig.act('dial', { role: 'customer', to: 'sip:+15550111@sbc', trunk: null })).toMatchObject({
      kind: 'conflict',
    });
    const customer = await rig.answer();
    expect(rig.hears(agent, customer)).toBe('open');
    await rig.act('start');
    expect(rig.hears(agent, customer)).toBe('clamped');
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'APPROVED', from: '+15550100', trunk: 'lab' });
    agent.leg.hangUp();
    await settle();
    expect(customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.counted.filter((each) => each === 'call over')).toHaveLength(2);
  });

  it('tell when nobody answers, and stop ringing when the call is over', async () => {
    const rig = new RoomRig();
    const customer = await rig.join('caller');
    await rig.act('dial', { role: 'agent', to: 'sip:anna@pbx', trunk: null });
    rig.signaling.last.refuse(480, 'Temporarily Unavailable');
    await settle();
    expect(rig.view['events']).toContainEqual(
      expect.objectContaining({ type: 'not_reached', role: 'agent', status: 480 }),
    );
    await rig.act('dial', { role: 'agent', to: 'sip:bert@pbx', trunk: null });
    customer.leg.hangUp();
    await settle();
    expect(rig.signaling.last.cancelled).toBe(true);
    expect(rig.desk.callCount).toBe(0);
  });

  it('are not needed when the session says that joining is enough', async () => {
    const rig = new RoomRig({ start: 'joined' });
    await rig.join('agent');
    expect(rig.view).toMatchObject({ state: 'prepared' });
    await rig.join('caller');
    expect(rig.view).toMatchObject({ state: 'paying' });
  });
});
